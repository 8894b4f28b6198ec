/** A reading as the database keeps it: times in Unix seconds, the value in its channel's unit. */
export interface ReadingRow {
  readonly channelId: number;
  readonly periodStart: number;
  /** Of the time period, seconds. */
  readonly duration: number;
  readonly value: number;
}

export interface MirrorUsagePointRow {
  readonly id: number;
  readonly device_id: number;
  readonly mrid: Buffer;
  readonly role_flags: Buffer;
  readonly service: number;
  readonly status: number;
  readonly description: string;
  readonly post_rate: number | null;
}

export interface ChannelRow {
  readonly id: number;
  readonly mup_id: number;
  readonly device_id: number;
  readonly mrid: Buffer;
  readonly uom: number | null;
  readonly flow_direction: number | null;
  readonly accumulation_behaviour: number | null;
  readonly kind: number | null;
  readonly power_of_ten: number;
  readonly description: string;
  /** The ReadingType as it was posted; null for a channel of an older release. */
  readonly reading_type: Readonly<Record<string, unknown>> | null;
}

const channelColumns = `
  id, mup_id, device_id, mrid, uom, flow_direction, accumulation_behaviour, kind, power_of_ten, description, reading_type`;

const ofDevices = 'device_id IN (SELECT id FROM devices WHERE devices.removed_at IS NULL)';

const keys = 'unnest($1::int[], $2::bigint[], $3::int[]) AS k (channel_id, period_start, duration)';

/** Every statement of the readings' room. */
export const sql = {
  allMirrorUsagePoints: `SELECT * FROM mirror_usage_points WHERE removed_at IS NULL AND ${ofDevices}`,

  upsertMirrorUsagePoint: `
    INSERT INTO mirror_usage_points (device_id, mrid, role_flags, service, status, description, post_rate)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (device_id, mrid) DO UPDATE SET role_flags = excluded.role_flags, service = excluded.service,
      status = excluded.status, description = excluded.description, post_rate = excluded.post_rate, removed_at = NULL
    RETURNING *, (xmax = 0) AS created`,

  removeMirrorUsagePoint: 'UPDATE mirror_usage_points SET removed_at = $2 WHERE id = $1',

  allChannels: `SELECT ${channelColumns} FROM reading_channels WHERE NOT retired AND ${ofDevices}`,

  retireChannel: 'UPDATE reading_channels SET retired = true WHERE id = $1',

  /** A channel that is known keeps its type; it moves to the MirrorUsagePoint that names it last. */
  upsertChannel: `
    INSERT INTO reading_channels
      (mup_id, device_id, mrid, uom, flow_direction, accumulation_behaviour, kind, power_of_ten, description, reading_type)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (device_id, mrid) WHERE NOT retired DO UPDATE SET mup_id = excluded.mup_id
    RETURNING ${channelColumns}`,

  /** The newest reading of every channel that has one. */
  newest: `
    SELECT r.channel_id AS "channelId", r.period_start AS "periodStart", r.duration, r.value
    FROM reading_channels c CROSS JOIN LATERAL (
      SELECT * FROM readings WHERE channel_id = c.id ORDER BY period_start DESC, duration DESC LIMIT 1) r`,

  /** The first and the last time period of a channel. */
  span: 'SELECT min(period_start) AS first, max(period_start) AS last FROM readings WHERE channel_id = $1',

  /** $1 channel, time periods that start in [$2, $3) and after $4; $5 from, $6 how many; how many there are in all. */
  page: `
    SELECT channel_id AS "channelId", period_start AS "periodStart", duration, value, count(*) OVER () AS "all"
    FROM readings WHERE channel_id = $1 AND period_start >= $2 AND period_start < $3 AND period_start > $4
    ORDER BY period_start, duration OFFSET $5 LIMIT $6`,

  count: `
    SELECT count(*) AS "all" FROM readings
    WHERE channel_id = $1 AND period_start >= $2 AND period_start < $3 AND period_start > $4`,

  copy: 'COPY readings (channel_id, period_start, duration, value) FROM STDIN (FORMAT binary)',

  /** Old readings that may be there already; answers those that were not. */
  insertMissing: `
    INSERT INTO readings (channel_id, period_start, duration, value)
    SELECT * FROM unnest($1::int[], $2::bigint[], $3::int[], $4::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING channel_id AS "channelId", period_start AS "periodStart", duration, value`,

  stored: `
    SELECT r.channel_id AS "channelId", r.period_start AS "periodStart", r.duration, r.value
    FROM ${keys} JOIN readings r USING (channel_id, period_start, duration)`,

  countsSince: `
    SELECT d.meter_id AS "meterId", c.id AS "channelId", n.readings
    FROM (SELECT channel_id, count(*) AS readings FROM readings WHERE period_start >= $1 GROUP BY channel_id) n
    JOIN reading_channels c ON c.id = n.channel_id JOIN devices d ON d.id = c.device_id
    ORDER BY d.meter_id, c.id`,

  /** $1 meter ids, $2 for each the end of the last time period that counts. */
  countsThrough: `
    SELECT d.meter_id AS "meterId", count(*) AS readings
    FROM unnest($1::text[], $2::bigint[]) AS b(meter_id, through)
    JOIN devices d ON d.meter_id = b.meter_id JOIN reading_channels c ON c.device_id = d.id
    JOIN readings r ON r.channel_id = c.id AND r.period_start + r.duration <= b.through
    GROUP BY d.meter_id`,

  registersSince: `
    SELECT d.meter_id AS "meterId", c.id AS "channelId", f.value AS first, l.value AS last
    FROM reading_channels c JOIN devices d ON d.id = c.device_id
    CROSS JOIN LATERAL (SELECT value FROM readings WHERE channel_id = c.id AND period_start >= $1
      ORDER BY period_start, duration LIMIT 1) f
    CROSS JOIN LATERAL (SELECT value FROM readings WHERE channel_id = c.id AND period_start >= $1
      ORDER BY period_start DESC, duration DESC LIMIT 1) l
    ORDER BY d.meter_id, c.id`,
};
