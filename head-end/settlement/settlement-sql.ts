/** All SQL of the settlement's store; parameters are bound. A key is $1 zone, $2 window, $3 version. */

const columns = `zone, window_start, version, state, encode(trades_hash, 'hex') AS trades_hash, trades, volume_wh,
  payment_micro, transferred_micro, transfers, signature, signed, ledger_sequence, stored_at, confirmed_at`;

/** To follow a change of `batch`: a window is settled once its first batch needs nothing more. */
const settleWindow = `
  UPDATE clearings c SET is_settled = true FROM batch b
  WHERE b.version = 1 AND b.state IN ('confirmed', 'empty') AND c.zone = b.zone AND c.window_start = b.window_start`;

/** The key, then $4 state, $5 hash (hex), $6 trades, $7 Wh, $8 payments, $9 transferred, $10 transfers, $11 signature,
 * $12 signed bytes, $13 stored at, $14 confirmed at. */
export const insertBatch = `
  WITH batch AS (
    INSERT INTO settlement_batches (zone, window_start, version, state, trades_hash, trades, volume_wh, payment_micro,
      transferred_micro, transfers, signature, signed, stored_at, confirmed_at)
    VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (zone, window_start, version) DO NOTHING
    RETURNING zone, window_start, version, state)
  ${settleWindow}`;

export const selectBatch = `
  SELECT ${columns} FROM settlement_batches WHERE zone = $1 AND window_start = $2 AND version = $3`;

export const selectUnconfirmed = `
  SELECT ${columns} FROM settlement_batches WHERE state IN ('stored', 'failed') ORDER BY window_start, zone, version`;

export const selectNewestConfirmed = `
  SELECT ${columns} FROM settlement_batches WHERE state = 'confirmed' ORDER BY ledger_sequence DESC LIMIT 1`;

/** $4 signature, $5 signed bytes. */
export const updateSigned = `
  UPDATE settlement_batches SET signature = $4, signed = $5
  WHERE zone = $1 AND window_start = $2 AND version = $3 AND state IN ('stored', 'failed')`;

/** $4 sequence, $5 time. */
export const updateConfirmed = `
  WITH batch AS (
    UPDATE settlement_batches SET state = 'confirmed', ledger_sequence = $4, confirmed_at = $5, failure = NULL
    WHERE zone = $1 AND window_start = $2 AND version = $3 AND state IN ('stored', 'failed')
    RETURNING zone, window_start, version, state)
  ${settleWindow}`;

/** $4 reason. */
export const updateFailed = `
  UPDATE settlement_batches SET state = 'failed', failure = $4
  WHERE zone = $1 AND window_start = $2 AND version = $3 AND state = 'stored'`;

export const selectNets = `
  SELECT meter_id, sum(micro) AS net_micro FROM (
    SELECT seller AS meter_id, payment_micro AS micro, zone, window_start FROM trades
    UNION ALL
    SELECT buyer, -payment_micro, zone, window_start FROM trades) AS leg
  JOIN settlement_batches b ON b.zone = leg.zone AND b.window_start = leg.window_start AND b.version = 1
    AND b.state = 'confirmed'
  GROUP BY meter_id ORDER BY meter_id COLLATE "C"`;

/** $1 first window. */
export const selectTotals = `
  SELECT count(*) FILTER (WHERE state <> 'empty') AS transactions,
    count(*) FILTER (WHERE state = 'confirmed') AS confirmed,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    coalesce(sum(trades) FILTER (WHERE state = 'confirmed'), 0) AS trades_settled,
    coalesce(sum(payment_micro) FILTER (WHERE state = 'confirmed'), 0) AS payment_micro
  FROM settlement_batches WHERE window_start >= $1`;

/** $1 how many: the newest first. */
export const selectNewestSettled = `
  SELECT ${columns} FROM settlement_batches WHERE state = 'confirmed' ORDER BY window_start DESC, version DESC LIMIT $1`;
