-- Windows that are not settled are found without a look at all those that are.
ALTER TABLE clearings ADD COLUMN is_settled boolean NOT NULL DEFAULT false;
UPDATE clearings c SET is_settled = true
FROM settlement_batches b
WHERE b.zone = c.zone AND b.window_start = c.window_start AND b.version = 1 AND b.state IN ('confirmed', 'empty');
CREATE INDEX clearings_unsettled ON clearings (zone, window_start) WHERE NOT is_settled;
