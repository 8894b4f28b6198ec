-- Devices, their identities and their readings. Every time is in Unix seconds of the head-end's clock.

CREATE TABLE devices (
  id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  meter_id      text NOT NULL UNIQUE,
  name          text NOT NULL,
  building      text NOT NULL,
  zone          text NOT NULL,
  rated_w       bigint NOT NULL,
  storage_wh    bigint NOT NULL,
  registered_at bigint NOT NULL
);

-- A device keeps its identity (id, meter_id) while its certificates, and so its LFDIs, come and go.
CREATE TABLE device_lfdis (
  lfdi       bytea PRIMARY KEY CHECK (length(lfdi) = 20),
  sfdi       bigint NOT NULL,
  device_id  int NOT NULL REFERENCES devices,
  valid_from bigint NOT NULL,
  retired_at bigint
);
CREATE INDEX device_lfdis_device ON device_lfdis (device_id);

CREATE TABLE mirror_usage_points (
  id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id   int NOT NULL REFERENCES devices,
  mrid        bytea NOT NULL,
  role_flags  bytea NOT NULL,
  service     int NOT NULL,
  status      int NOT NULL,
  description text NOT NULL,
  post_rate   bigint,
  UNIQUE (device_id, mrid)
);

-- A reading is known by (device, mRID, time period), so an mRID names one channel of a device.
CREATE TABLE reading_channels (
  id                     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  mup_id                 int NOT NULL REFERENCES mirror_usage_points,
  device_id              int NOT NULL REFERENCES devices,
  mrid                   bytea NOT NULL,
  uom                    int,
  flow_direction         int,
  accumulation_behaviour int,
  kind                   int,
  power_of_ten           int NOT NULL,
  description            text NOT NULL,
  UNIQUE (device_id, mrid)
);

-- No foreign key: a check a row would cost more than the row, and channels are never deleted.
CREATE TABLE readings (
  channel_id   int NOT NULL,
  period_start bigint NOT NULL,
  duration     int NOT NULL,
  value        bigint NOT NULL,
  PRIMARY KEY (channel_id, period_start, duration)
);
