-- Who may use REST and the page. Every time is in Unix seconds of the wall clock.

CREATE TABLE access_users (
  id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL UNIQUE CHECK (name = lower(name)),
  role       text NOT NULL CHECK (role IN ('viewer', 'owner', 'operator', 'auditor', 'administrator')),
  -- Of an owner's buildings.
  meters     text[] NOT NULL DEFAULT '{}' CHECK (role = 'owner' OR meters = '{}'),
  -- Random: what an authenticator knows a person by (WebAuthn Level 3 §4, user handle).
  handle     bytea NOT NULL UNIQUE CHECK (length(handle) = 32),
  -- argon2id in the PHC string format.
  password   text,
  created_at bigint NOT NULL
);

CREATE TABLE access_passkeys (
  -- The credential id, base64url.
  id            text PRIMARY KEY,
  user_id       int NOT NULL REFERENCES access_users ON DELETE CASCADE,
  name          text NOT NULL,
  -- COSE.
  public_key    bytea NOT NULL,
  counter       bigint NOT NULL,
  transports    text[] NOT NULL,
  relying_party text NOT NULL,
  created_at    bigint NOT NULL
);
CREATE INDEX access_passkeys_user ON access_passkeys (user_id);

-- Of tokens only hashes are kept.
CREATE TABLE access_sessions (
  token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
  user_id    int NOT NULL REFERENCES access_users ON DELETE CASCADE,
  -- It was opened by a one-time link: a password may be set without the present one.
  by_link    boolean NOT NULL,
  expires_at bigint NOT NULL
);

CREATE TABLE access_links (
  token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
  user_id    int NOT NULL UNIQUE REFERENCES access_users ON DELETE CASCADE,
  expires_at bigint NOT NULL
);

CREATE TABLE access_keys (
  id          text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{12}$'),
  name        text NOT NULL UNIQUE,
  secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
  role        text NOT NULL CHECK (role IN ('viewer', 'owner', 'operator', 'auditor', 'administrator')),
  meters      text[] NOT NULL DEFAULT '{}' CHECK (role = 'owner' OR meters = '{}'),
  created_at  bigint NOT NULL,
  created_by  text NOT NULL,
  expires_at  bigint
);
