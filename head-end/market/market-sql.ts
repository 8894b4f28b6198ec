/** All SQL of the market's store; parameters are bound. */

/** $1 meter, $2 mRID (hex). An order that is cleared stays. */
export const deleteOpenOrder =
  "DELETE FROM orders WHERE meter_id = $1 AND mrid = decode($2, 'hex') AND filled_wh IS NULL";

/** Arrays: $1 meter, $2 mRID (hex), $3 side, $4 Wh, $5 limit, $6 window, $7 time. Answers those that were not there. */
export const insertOrders = `
  INSERT INTO orders (meter_id, mrid, side, energy_wh, price_limit, window_start, placed_at)
  SELECT meter_id, decode(mrid, 'hex'), side, energy_wh, price_limit, window_start, placed_at
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS placed (meter_id, mrid, side, energy_wh, price_limit, window_start, placed_at)
  ON CONFLICT (meter_id, mrid) DO NOTHING
  RETURNING meter_id, encode(mrid, 'hex') AS mrid`;

/** Arrays: $1 meter, $2 mRID (hex). */
export const selectOrders = `
  SELECT meter_id, encode(orders.mrid, 'hex') AS mrid, side, energy_wh, price_limit, window_start
  FROM unnest($1::text[], $2::text[]) AS asked (meter_id, hex)
  JOIN orders USING (meter_id) WHERE orders.mrid = decode(asked.hex, 'hex')`;

/** $1 window: orders of this window and later ones that no clearing has answered. */
export const selectOpenOrders = `
  SELECT meter_id, encode(mrid, 'hex') AS mrid, side, energy_wh, price_limit, window_start
  FROM orders WHERE window_start >= $1 AND filled_wh IS NULL
  ORDER BY window_start, meter_id COLLATE "C", mrid`;

/** $1 the first window: orders that a clearing has decided. */
export const selectFilledOrders = `
  SELECT meter_id, encode(mrid, 'hex') AS mrid, side, energy_wh, price_limit, window_start, filled_wh
  FROM orders WHERE window_start >= $1 AND filled_wh IS NOT NULL
  ORDER BY window_start, meter_id COLLATE "C", mrid`;

/** $1 zone, $2 window, $3 price, $4 low, $5 high, $6 orders, $7 trades, $8 matchable, $9 matched, $10 time. */
export const insertClearing = `
  INSERT INTO clearings (zone, window_start, price, interval_low, interval_high, orders, trades,
    matchable_wh, matched_wh, cleared_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (zone, window_start) DO NOTHING`;

/** $1 meters, $2 mRIDs (hex), $3 Wh. */
export const updateFills = `
  UPDATE orders SET filled_wh = fill.energy_wh
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS fill (meter_id, mrid, energy_wh)
  WHERE orders.meter_id = fill.meter_id AND orders.mrid = decode(fill.mrid, 'hex')`;

/** $1 zone, $2 window, then arrays: seq, id, seller, sell mRID, buyer, buy mRID, Wh, price, payment. */
export const insertTrades = `
  INSERT INTO trades (zone, window_start, seq, id, seller, sell_mrid, buyer, buy_mrid, energy_wh, price, payment_micro)
  SELECT $1, $2, seq, decode(id, 'hex'), seller, decode(sell_mrid, 'hex'), buyer, decode(buy_mrid, 'hex'),
    energy_wh, price, payment_micro
  FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
    $11::bigint[]) AS trade (seq, id, seller, sell_mrid, buyer, buy_mrid, energy_wh, price, payment_micro)`;

/** $1 zone, $2 window. */
export const selectTrades = `
  SELECT zone, window_start, seq, encode(id, 'hex') AS id, seller, encode(sell_mrid, 'hex') AS sell_mrid, buyer,
    encode(buy_mrid, 'hex') AS buy_mrid, energy_wh, price, payment_micro
  FROM trades WHERE zone = $1 AND window_start = $2 ORDER BY seq`;

/** $1 zone, $2 latest start: windows that are not settled, oldest first. */
export const selectUnsettled = `
  SELECT window_start FROM clearings WHERE zone = $1 AND window_start <= $2 AND NOT is_settled
  ORDER BY window_start LIMIT 288`;

/** $1 zone, $2 window. */
export const selectClearing = `
  SELECT price, interval_low, interval_high, orders, trades, matchable_wh, matched_wh, cleared_at, window_start
  FROM clearings WHERE zone = $1 AND window_start = $2`;

/** $1 zone, $2 how many: the newest first. */
export const selectNewestClearings = `
  SELECT price, interval_low, interval_high, orders, trades, matchable_wh, matched_wh, cleared_at, window_start
  FROM clearings WHERE zone = $1 ORDER BY window_start DESC LIMIT $2`;

/** $1 zone, $2 first window. A pair is two meters, whichever of them sells. */
export const selectTotals = `
  SELECT
    (SELECT count(*) FROM clearings WHERE zone = $1 AND window_start >= $2 AND window_start < $3) AS windows,
    (SELECT coalesce(sum(matched_wh), 0) FROM clearings WHERE zone = $1 AND window_start >= $2 AND window_start < $3) AS matched_wh,
    (SELECT coalesce(sum(matchable_wh), 0) FROM clearings WHERE zone = $1 AND window_start >= $2 AND window_start < $3) AS matchable_wh,
    count(*) AS trades,
    count(DISTINCT (least(seller, buyer), greatest(seller, buyer))) AS pairs_used,
    coalesce(sum(energy_wh), 0) AS volume_wh,
    round(sum(energy_wh * price) / nullif(sum(energy_wh), 0)) AS mean_price
  FROM trades WHERE zone = $1 AND window_start >= $2 AND window_start < $3`;
