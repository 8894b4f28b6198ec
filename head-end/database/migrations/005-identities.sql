-- A device through all its certificates, its quarantine, and the registers of a building through all its boards.

ALTER TABLE device_lfdis
  -- The certificate's own number, hexadecimal, and its end in Unix seconds of wall time; null where only its LFDI is known.
  ADD COLUMN serial text,
  ADD COLUMN not_after bigint,
  -- Issued, and not yet used by its device: the one in force stays in force until then.
  ADD COLUMN pending boolean NOT NULL DEFAULT false,
  -- Unix seconds of wall time, and why (CRLReason, RFC 5280 §5.3.1).
  ADD COLUMN revoked_at bigint,
  ADD COLUMN revocation_reason text,
  ADD CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL)),
  ADD CHECK (NOT pending OR retired_at IS NULL);
CREATE UNIQUE INDEX device_lfdis_in_force ON device_lfdis (device_id) WHERE retired_at IS NULL AND NOT pending;
CREATE UNIQUE INDEX device_lfdis_pending ON device_lfdis (device_id) WHERE pending;

-- While a device is in quarantine it is refused, trades nothing and is minted nothing.
ALTER TABLE devices
  ADD COLUMN quarantined_at bigint,
  ADD COLUMN quarantine_reason text,
  ADD CHECK ((quarantined_at IS NULL) = (quarantine_reason IS NULL));

-- A board, TPM or clamp that took the place of another begins its registers anew: what the building's registers had
-- by then is added to each of its values. Without an offset the swap waits for the first value of the new one.
CREATE TABLE register_swaps (
  device_id  int NOT NULL REFERENCES devices,
  mrid       bytea NOT NULL,
  swapped_at bigint NOT NULL,
  -- The building's register at the swap.
  base       bigint NOT NULL,
  "offset"   bigint,
  PRIMARY KEY (device_id, mrid, swapped_at)
);
