import type { Pool, PoolClient } from 'pg';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, parseLfdi, type Sfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { databaseError } from '../database/connect.ts';
import { type DeviceRow, sql } from './device-sql.ts';

/** What an operator says about a meter when it is registered. */
export interface Registration {
  readonly meterId: string;
  /** Of the building, for people. */
  readonly name: string;
  /** The kind of building: academic, residential, … */
  readonly building: string;
  readonly zone: string;
  /** Of the inverter, W. */
  readonly ratedW: number;
  /** Of the battery; 0 without one. */
  readonly storageWh: number;
  /** 40 hex digits, or the 20 bytes. */
  readonly lfdi: string | Uint8Array;
  /** When the LFDI becomes valid. */
  readonly at: UnixSeconds;
}

/** A device of the registry. Its id and meterId stay; its LFDI changes with its certificate. */
export interface Device {
  /** Of this database; not for the outside. */
  readonly id: number;
  readonly meterId: string;
  readonly name: string;
  readonly building: string;
  readonly zone: string;
  readonly ratedW: number;
  readonly storageWh: number;
  readonly registeredAt: UnixSeconds;
  /** The one in force. */
  readonly lfdi: Lfdi;
  readonly sfdi: Sfdi;
}

/** Who may speak to the head-end. All devices are kept in memory, so that a request costs one look-up. */
export class Registry {
  readonly #pool: Pool;
  readonly #byLfdi = new Map<string, Device>();
  readonly #byMeterId = new Map<string, Device>();
  readonly #byId = new Map<number, Device>();
  #all: readonly Device[] = [];

  constructor({ pool }: { readonly pool: Pool }) {
    this.#pool = pool;
  }

  /** Loads the devices that were registered before. */
  async start(): Promise<void> {
    const { rows } = await this.#pool.query<DeviceRow>(sql.allDevices);
    for (const row of rows) this.#remember(deviceOf(row));
  }

  /**
   * Registers a device, or brings what is known of it up to date; doing it twice changes nothing. An LFDI that
   * differs from the device's present one takes its place, and the present one is retired. Rejects with `GTX-REG-001`
   * when the LFDI belongs to another meter.
   */
  async register(registration: Registration): Promise<Device> {
    const lfdi = parseLfdi(registration.lfdi);
    const holder = this.#byLfdi.get(lfdi);
    if (holder !== undefined && holder.meterId !== registration.meterId) throw taken(lfdi, holder.meterId);
    if (holder !== undefined && isSame(holder, registration)) return holder;
    const client = await this.#pool.connect();
    try {
      const device = await store(client, registration, lfdi);
      client.release();
      this.#remember(device);
      return device;
    } catch (error) {
      client.release(true);
      throw databaseError(error);
    }
  }

  /** The device whose present LFDI this is; a retired LFDI has none. */
  byLfdi(lfdi: string): Device | undefined {
    return this.#byLfdi.get(lfdi);
  }

  byMeterId(meterId: string): Device | undefined {
    return this.#byMeterId.get(meterId);
  }

  byId(id: number): Device | undefined {
    return this.#byId.get(id);
  }

  /** Every device, by meterId. */
  all(): readonly Device[] {
    return this.#all;
  }

  #remember(device: Device): void {
    const before = this.#byId.get(device.id);
    if (before !== undefined) this.#byLfdi.delete(before.lfdi);
    this.#byLfdi.set(device.lfdi, device);
    this.#byMeterId.set(device.meterId, device);
    this.#byId.set(device.id, device);
    this.#all = [...this.#byId.values()].toSorted((a, b) => (a.meterId < b.meterId ? -1 : 1));
  }
}

async function store(client: PoolClient, registration: Registration, lfdi: Lfdi): Promise<Device> {
  const { meterId, name, building, zone, ratedW, storageWh, at } = registration;
  const bytes = Buffer.from(lfdi, 'hex');
  await client.query('BEGIN');
  const values = [meterId, name, building, zone, ratedW, storageWh, at];
  const { rows } = await client.query<{ id: number }>(sql.upsertDevice, values);
  const id = rows[0]?.id;
  const held = await client.query<{ meter_id: string }>(sql.upsertLfdi, [bytes, sfdiOf(lfdi), id, at]);
  const holder = held.rows[0]?.meter_id;
  if (holder !== undefined && holder !== meterId) throw taken(lfdi, holder);
  await client.query(sql.retireOthers, [id, bytes, at]);
  const stored = await client.query<DeviceRow>(sql.deviceById, [id]);
  await client.query('COMMIT');
  return deviceOf(stored.rows[0] as DeviceRow);
}

const taken = (lfdi: Lfdi, meterId: string): GridError =>
  new GridError('GTX-REG-001', `The LFDI ${lfdi} belongs to ${meterId}`, {
    hint: 'Two boards hold the same key: issue a new certificate with a key of its own to one of them.',
  });

const isSame = (device: Device, registration: Registration): boolean =>
  (['name', 'building', 'zone', 'ratedW', 'storageWh'] as const).every((key) => device[key] === registration[key]);

function deviceOf(row: DeviceRow): Device {
  const lfdi = parseLfdi(row.lfdi);
  return {
    id: row.id,
    meterId: row.meter_id,
    name: row.name,
    building: row.building,
    zone: row.zone,
    ratedW: row.rated_w,
    storageWh: row.storage_wh,
    registeredAt: UnixSeconds(row.registered_at),
    lfdi,
    sfdi: sfdiOf(lfdi),
  };
}
