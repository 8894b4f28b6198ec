/** What a device looks like to the database, with its LFDI in force. */
export interface DeviceRow {
  readonly id: number;
  readonly meter_id: string;
  readonly name: string;
  readonly building: string;
  readonly zone: string;
  readonly rated_w: number;
  readonly storage_wh: number;
  readonly registered_at: number;
  readonly lfdi: Buffer;
}

const device = `
  SELECT d.id, d.meter_id, d.name, d.building, d.zone, d.rated_w, d.storage_wh, d.registered_at, l.lfdi
  FROM devices d JOIN device_lfdis l ON l.device_id = d.id AND l.retired_at IS NULL`;

/** Every statement of the registry. */
export const sql = {
  allDevices: device,

  deviceById: `${device} WHERE d.id = $1`,

  upsertDevice: `
    INSERT INTO devices (meter_id, name, building, zone, rated_w, storage_wh, registered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (meter_id) DO UPDATE SET name = excluded.name, building = excluded.building, zone = excluded.zone,
      rated_w = excluded.rated_w, storage_wh = excluded.storage_wh
    RETURNING id`,

  /** Answers who holds the LFDI: another's stays another's. */
  upsertLfdi: `
    INSERT INTO device_lfdis AS l (lfdi, sfdi, device_id, valid_from) VALUES ($1, $2, $3, $4)
    ON CONFLICT (lfdi) DO UPDATE SET retired_at = CASE WHEN l.device_id = excluded.device_id THEN NULL ELSE l.retired_at END
    RETURNING (SELECT meter_id FROM devices WHERE id = l.device_id) AS meter_id`,

  retireOthers: `
    UPDATE device_lfdis SET retired_at = $3 WHERE device_id = $1 AND lfdi <> $2 AND retired_at IS NULL`,
};
