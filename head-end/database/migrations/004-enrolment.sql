-- Boards as they were flashed: which TPM is on which board, for which building. Times are wall time, as certificates'
-- are.
CREATE TABLE flashed_boards (
  -- SHA-256 of the TPM's endorsement key (SubjectPublicKeyInfo), hex.
  endorsement_hash text PRIMARY KEY,
  serial           text NOT NULL UNIQUE,
  -- The building's meter id.
  building         text NOT NULL,
  allowed_at       bigint NOT NULL
);

-- What each of them was given; one certificate a role is in force.
CREATE TABLE enrolments (
  id               int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  endorsement_hash text NOT NULL REFERENCES flashed_boards,
  role             text NOT NULL CHECK (role IN ('birth', 'operational')),
  -- The certificate and those above it, PEM.
  chain            text NOT NULL,
  lfdi             bytea NOT NULL,
  -- TPMT_PUBLIC: a renewal's proof has to be signed by it.
  attestation_key  bytea NOT NULL,
  enrolled_at      bigint NOT NULL,
  released_at      bigint
);
CREATE UNIQUE INDEX enrolments_in_force ON enrolments (endorsement_hash, role) WHERE released_at IS NULL;
