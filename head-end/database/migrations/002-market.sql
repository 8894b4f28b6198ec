-- Orders, clearings, trades and settlements. Every time is in Unix seconds of the head-end's clock; energy in Wh,
-- money in micro-units of the settlement token, prices in micro-units per kWh.

CREATE TABLE orders (
  meter_id     text NOT NULL,
  mrid         bytea NOT NULL CHECK (length(mrid) = 16),
  side         text NOT NULL CHECK (side IN ('buy', 'sell')),
  energy_wh    bigint NOT NULL CHECK (energy_wh > 0),
  price_limit  bigint NOT NULL CHECK (price_limit >= 0),
  window_start bigint NOT NULL,
  placed_at    bigint NOT NULL,
  -- What the clearing gave the order; null until its window is cleared.
  filled_wh    bigint CHECK (filled_wh BETWEEN 0 AND energy_wh),
  PRIMARY KEY (meter_id, mrid)
);
CREATE INDEX orders_window ON orders (window_start);

CREATE TABLE clearings (
  zone          text NOT NULL,
  window_start  bigint NOT NULL,
  -- Null when nothing was matched.
  price         bigint,
  interval_low  bigint,
  interval_high bigint,
  orders        int NOT NULL,
  trades        int NOT NULL,
  matchable_wh  bigint NOT NULL,
  matched_wh    bigint NOT NULL CHECK (matched_wh BETWEEN 0 AND matchable_wh),
  cleared_at    bigint NOT NULL,
  PRIMARY KEY (zone, window_start),
  CHECK (price BETWEEN interval_low AND interval_high)
);

CREATE TABLE trades (
  zone          text NOT NULL,
  window_start  bigint NOT NULL,
  seq           int NOT NULL,
  id            bytea NOT NULL UNIQUE,
  seller        text NOT NULL,
  sell_mrid     bytea NOT NULL,
  buyer         text NOT NULL CHECK (buyer <> seller),
  buy_mrid      bytea NOT NULL,
  energy_wh     bigint NOT NULL CHECK (energy_wh > 0),
  price         bigint NOT NULL,
  payment_micro bigint NOT NULL CHECK (payment_micro >= 0),
  PRIMARY KEY (zone, window_start, seq),
  FOREIGN KEY (zone, window_start) REFERENCES clearings
);

CREATE TABLE settlement_batches (
  zone              text NOT NULL,
  window_start      bigint NOT NULL,
  version           int NOT NULL,
  state             text NOT NULL CHECK (state IN ('empty', 'stored', 'confirmed', 'failed')),
  trades_hash       bytea NOT NULL CHECK (length(trades_hash) = 32),
  trades            int NOT NULL,
  volume_wh         bigint NOT NULL,
  payment_micro     bigint NOT NULL,
  transferred_micro bigint NOT NULL,
  transfers         int NOT NULL,
  signature         text UNIQUE,
  signed            bytea,
  ledger_sequence   bigint,
  stored_at         bigint NOT NULL,
  confirmed_at      bigint,
  failure           text,
  PRIMARY KEY (zone, window_start, version),
  FOREIGN KEY (zone, window_start) REFERENCES clearings
);
CREATE INDEX settlement_batches_open ON settlement_batches (window_start) WHERE state IN ('stored', 'failed');
