/** What a device looks like to the database, with its LFDI in force. */
export interface DeviceRow {
  readonly id: number;
  readonly meter_id: string;
  readonly name: string;
  readonly description: string;
  readonly building: string | null;
  readonly zone: string | null;
  readonly rated_w: number | null;
  readonly storage_wh: number | null;
  readonly pin: number | null;
  readonly aggregator_id: number | null;
  readonly is_aggregator: boolean;
  readonly device_category: Buffer | null;
  readonly post_rate: number | null;
  readonly poll_rate: number | null;
  readonly registered_at: number;
  readonly changed_at: number | null;
  readonly lfdi: Buffer;
  readonly serial: string | null;
  readonly not_after: number | null;
  readonly revoked_at: number | null;
  readonly quarantined_at: number | null;
  readonly quarantine_reason: string | null;
}

/** What one of a device's certificates looks like to the database. */
export interface IdentityRow {
  readonly lfdi: Buffer;
  readonly device_id: number;
  readonly valid_from: number;
  readonly retired_at: number | null;
  readonly pending: boolean;
  readonly serial: string | null;
  readonly not_after: number | null;
  readonly revoked_at: number | null;
  readonly revocation_reason: string | null;
}

/** The columns that a registration may give, with their types, in the order of their parameters from $3. */
const given = {
  name: 'text',
  description: 'text',
  building: 'text',
  zone: 'text',
  rated_w: 'bigint',
  storage_wh: 'bigint',
  pin: 'int',
  aggregator_id: 'int',
  is_aggregator: 'boolean',
  device_category: 'bytea',
  post_rate: 'bigint',
  poll_rate: 'bigint',
} as const;
export type GivenColumn = keyof typeof given;
export const givenColumns = Object.keys(given) as readonly GivenColumn[];

const device = `
  SELECT d.id, d.meter_id, d.registered_at, d.changed_at, d.quarantined_at, d.quarantine_reason,
    l.lfdi, l.serial, l.not_after, l.revoked_at, ${givenColumns.map((name) => `d.${name}`).join(', ')}
  FROM devices d JOIN device_lfdis l ON l.device_id = d.id AND l.retired_at IS NULL AND NOT l.pending
  WHERE d.removed_at IS NULL`;

const defaults: Partial<Record<GivenColumn, string>> = { name: "''", description: "''", is_aggregator: 'false' };
const parameters = givenColumns.map((name, i) => ({ name, parameter: `$${i + 3}::${given[name]}` }));
const each = (form: (name: GivenColumn, parameter: string) => string): string =>
  parameters.map(({ name, parameter }) => form(name, parameter)).join(', ');

/** Every statement of the registry. */
export const sql = {
  allDevices: device,

  deviceById: `${device} AND d.id = $1`,

  /** LFDIs that operators removed. */
  barred: `
    SELECT l.lfdi FROM device_lfdis l JOIN devices d ON d.id = l.device_id WHERE d.removed_at IS NOT NULL AND d.barred`,

  /** $1 meter, $2 time, then the given columns: absent ones stay. A device that was removed begins anew. */
  upsertDevice: `
    INSERT INTO devices AS d (meter_id, registered_at, ${givenColumns.join(', ')})
    VALUES ($1, $2, ${each((name, parameter) => `coalesce(${parameter}, ${defaults[name] ?? 'NULL'})`)})
    ON CONFLICT (meter_id) DO UPDATE SET
      ${each((name, parameter) => `${name} = coalesce(${parameter}, CASE WHEN d.removed_at IS NULL THEN d.${name} ELSE ${defaults[name] ?? 'NULL'} END)`)},
      registered_at = CASE WHEN d.removed_at IS NULL THEN d.registered_at ELSE excluded.registered_at END,
      changed_at = $2, removed_at = NULL, barred = false
    RETURNING id`,

  /** $1 id, $2 time, then all given columns as they are to be. */
  updateDevice: `
    UPDATE devices SET changed_at = $2, ${each((name, parameter) => `${name} = ${parameter}`)}
    WHERE id = $1 AND removed_at IS NULL`,

  /**
   * $1 LFDI, $2 SFDI, $3 device, $4 time, $5 number, $6 end of its certificate, $7 whether it is pending. Answers who
   * holds the LFDI: another's stays another's, unless the other one was removed.
   */
  upsertLfdi: `
    INSERT INTO device_lfdis AS l (lfdi, sfdi, device_id, valid_from, serial, not_after, pending)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (lfdi) DO UPDATE SET
      device_id = CASE WHEN (SELECT removed_at FROM devices WHERE id = l.device_id) IS NULL
        THEN l.device_id ELSE excluded.device_id END,
      retired_at = CASE WHEN l.device_id = excluded.device_id
          OR (SELECT removed_at FROM devices WHERE id = l.device_id) IS NOT NULL
        THEN NULL ELSE l.retired_at END,
      serial = coalesce(excluded.serial, l.serial),
      not_after = coalesce(excluded.not_after, l.not_after),
      pending = excluded.pending
    RETURNING (SELECT meter_id FROM devices WHERE id = l.device_id) AS meter_id`,

  /** $1 device, $2 the LFDI that stays, $3 time. */
  retireOthers: `
    UPDATE device_lfdis SET retired_at = $3, pending = false
    WHERE device_id = $1 AND lfdi <> $2 AND retired_at IS NULL`,

  /** Nobody has ever come with it. */
  dropPending: 'DELETE FROM device_lfdis WHERE device_id = $1 AND pending',

  /** $1 LFDI, $2 wall time, $3 reason; answers whose it is. */
  revokeLfdi: `
    UPDATE device_lfdis SET revoked_at = $2, revocation_reason = $3 WHERE lfdi = $1 AND revoked_at IS NULL
    RETURNING device_id`,

  /** What is refused though it may be shown: retired without an end that TLS would see, or revoked. $1 wall time. */
  closed: `
    SELECT l.lfdi, CASE WHEN l.revoked_at IS NULL THEN 'retired' ELSE 'revoked' END AS standing
    FROM device_lfdis l JOIN devices d ON d.id = l.device_id
    WHERE (l.revoked_at IS NOT NULL AND (l.not_after IS NULL OR l.not_after >= $1))
      OR (l.retired_at IS NOT NULL AND d.removed_at IS NULL AND (l.not_after IS NULL OR l.not_after >= $2))`,

  /** $1 LFDI: the meter that it is or was of, and whether it has ended; none of a device that was removed. */
  holder: `
    SELECT d.meter_id, l.retired_at IS NOT NULL OR l.revoked_at IS NOT NULL AS is_over
    FROM device_lfdis l JOIN devices d ON d.id = l.device_id WHERE l.lfdi = $1 AND d.removed_at IS NULL`,

  pending: 'SELECT lfdi, device_id FROM device_lfdis WHERE pending',

  /** A device's certificates, the newest first. */
  identities: `
    SELECT lfdi, device_id, valid_from, retired_at, pending, serial, not_after, revoked_at, revocation_reason
    FROM device_lfdis WHERE device_id = $1 ORDER BY pending DESC, valid_from DESC, retired_at DESC NULLS FIRST
    LIMIT $2`,

  /** $1 device, $2 time and $3 reason, or null for both. */
  quarantine: `
    UPDATE devices SET quarantined_at = $2, quarantine_reason = $3 WHERE id = $1 AND removed_at IS NULL`,

  /** $1 id, $2 time, $3 whether it may not come back by itself. */
  removeDevice: 'UPDATE devices SET removed_at = $2, changed_at = $2, barred = $3 WHERE id = $1',
  retireAll: 'UPDATE device_lfdis SET retired_at = $2, pending = false WHERE device_id = $1 AND retired_at IS NULL',
  leaveAggregator: 'UPDATE devices SET aggregator_id = NULL WHERE aggregator_id = $1',
};
