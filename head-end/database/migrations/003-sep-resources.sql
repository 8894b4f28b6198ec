-- The resources of the IEEE 2030.5 server. Every time is in Unix seconds of the head-end's clock.

-- A device of another owner has no building of ours: it takes no part in the market.
ALTER TABLE devices
  ALTER COLUMN building DROP NOT NULL,
  ALTER COLUMN zone DROP NOT NULL,
  ALTER COLUMN rated_w DROP NOT NULL,
  ALTER COLUMN storage_wh DROP NOT NULL,
  ADD CHECK (num_nonnulls(building, zone, rated_w, storage_wh) IN (0, 4)),
  ADD COLUMN description text NOT NULL DEFAULT '',
  ADD COLUMN pin int CHECK (pin BETWEEN 0 AND 999999),
  -- The device whose certificate may act for this one.
  ADD COLUMN aggregator_id int REFERENCES devices,
  -- May register devices in-band that are not itself.
  ADD COLUMN is_aggregator boolean NOT NULL DEFAULT false,
  ADD COLUMN device_category bytea CHECK (length(device_category) <= 4),
  ADD COLUMN post_rate bigint,
  ADD COLUMN poll_rate bigint,
  ADD COLUMN changed_at bigint,
  ADD COLUMN removed_at bigint,
  -- Removed by an operator: it may not register itself again.
  ADD COLUMN barred boolean NOT NULL DEFAULT false;

ALTER TABLE mirror_usage_points ADD COLUMN removed_at bigint;

-- A channel whose MirrorMeterReading came again with another ReadingType is retired, and a new one takes its mRID:
-- the unit of what was stored stays.
ALTER TABLE reading_channels
  ADD COLUMN retired boolean NOT NULL DEFAULT false,
  ADD COLUMN reading_type jsonb,
  DROP CONSTRAINT reading_channels_device_id_mrid_key;
CREATE UNIQUE INDEX reading_channels_mrid ON reading_channels (device_id, mrid) WHERE NOT retired;

-- What operators and devices put here, one row a resource; the document as it is on the wire, without href and links.
CREATE TABLE sep_resources (
  href       text PRIMARY KEY,
  list       text,
  name       text NOT NULL,
  document   text NOT NULL,
  -- The one device that may see it, where its path does not say so.
  owner      int REFERENCES devices,
  changed_at bigint NOT NULL
);

-- Ids are not given twice: a client may still know the one that was there.
CREATE TABLE sep_lists (
  href    text PRIMARY KEY,
  last_id bigint NOT NULL
);

-- What operators say that is no 2030.5 document: assignments, redirects, settings.
CREATE TABLE sep_records (
  kind text NOT NULL,
  id   text NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (kind, id)
);

-- Contents of File resources, by the href of the File.
CREATE TABLE sep_file_contents (
  href    text PRIMARY KEY REFERENCES sep_resources ON DELETE CASCADE,
  content bytea NOT NULL
);
