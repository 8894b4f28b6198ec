import type { Pool, PoolClient } from 'pg';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, parseLfdi, type Sfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { inTransaction, Turns } from '../database/transaction.ts';
import { type DeviceRow, type GivenColumn, givenColumns, sql } from './device-sql.ts';

/** What an operator may say of a device, and change. */
export interface DeviceFacts {
  /** Of the building, for people. */
  readonly name: string;
  readonly description: string;
  /** The kind of building: academic, residential, …; without one the device takes no part in the market. */
  readonly building: string | undefined;
  readonly zone: string | undefined;
  /** Of the inverter, W. */
  readonly ratedW: number | undefined;
  /** Of the battery; 0 without one. */
  readonly storageWh: number | undefined;
  /** Registration PIN, five digits and their check digit. */
  readonly pin: number | undefined;
  /** The id of the device whose certificate may act for this one. */
  readonly aggregator: number | undefined;
  /** May register other devices in-band, as theirs. */
  readonly isAggregator: boolean;
  /** Bits of DeviceCategoryType, as the device or an operator says. */
  readonly deviceCategory: Uint8Array | undefined;
  /** Seconds between posts that the head-end wants of this device; the general ones unless told. */
  readonly postRate: number | undefined;
  /** Seconds between polls of any resource; the general ones unless told. */
  readonly pollRate: number | undefined;
}

/** What an operator says about a meter when it is registered; what is left out stays as it is. */
export interface Registration extends Partial<DeviceFacts> {
  readonly meterId: string;
  /** 40 hex digits, or the 20 bytes. */
  readonly lfdi: string | Uint8Array;
  /** When the LFDI becomes valid. */
  readonly at: UnixSeconds;
}

/** A device of the registry. Its id and meterId stay; its LFDI changes with its certificate. */
export interface Device extends DeviceFacts {
  /** Of this database; in the paths of the IEEE 2030.5 server. */
  readonly id: number;
  readonly meterId: string;
  readonly registeredAt: UnixSeconds;
  readonly changedAt: UnixSeconds;
  /** The one in force. */
  readonly lfdi: Lfdi;
  readonly sfdi: Sfdi;
}

export interface DeviceChange {
  readonly kind: 'added' | 'changed' | 'removed';
  /** As it is now; as it was last, when it was removed. */
  readonly device: Device;
  /** As it was until now. */
  readonly before?: Device | undefined;
}

/** Who may speak to the head-end. All devices are kept in memory, so that a request costs one look-up. */
export class Registry {
  readonly #pool: Pool;
  readonly #turns = new Turns();
  readonly #byLfdi = new Map<string, Device>();
  readonly #byMeterId = new Map<string, Device>();
  readonly #byId = new Map<number, Device>();
  readonly #barred = new Set<string>();
  readonly #listeners = new Set<(change: DeviceChange) => void>();
  #all: readonly Device[] = [];
  /** The device itself, then those that it acts for; made anew after every change. */
  #actingFor = new Map<number, readonly Device[]>();

  constructor({ pool }: { readonly pool: Pool }) {
    this.#pool = pool;
  }

  /** Loads the devices that were registered before. */
  async start(): Promise<void> {
    const { rows } = await this.#pool.query<DeviceRow>(sql.allDevices);
    for (const row of rows) this.#remember(deviceOf(row));
    const barred = await this.#pool.query<{ lfdi: Buffer }>(sql.barred);
    for (const { lfdi } of barred.rows) this.#barred.add(parseLfdi(lfdi));
  }

  /**
   * Registers a device, or brings what is known of it up to date; doing it twice changes nothing. An LFDI that
   * differs from the device's present one takes its place, and the present one is retired. Rejects with `GTX-REG-001`
   * when the LFDI belongs to another meter, and with `GTX-REG-002` when its aggregator is not a device.
   */
  register(registration: Registration): Promise<Device> {
    return this.#turns.take(async () => {
      const lfdi = parseLfdi(registration.lfdi);
      const holder = this.#byLfdi.get(lfdi);
      if (holder !== undefined && holder.meterId !== registration.meterId) throw taken(lfdi, holder.meterId);
      if (holder !== undefined && isSame(holder, said(registration))) return holder;
      this.#checkAggregator(registration.aggregator, holder?.id);
      const before = this.#byMeterId.get(registration.meterId);
      const device = await inTransaction(this.#pool, (client) => store(client, registration, lfdi));
      this.#barred.delete(lfdi);
      this.#remember(device);
      this.#announce({ kind: before === undefined ? 'added' : 'changed', device, before });
      return device;
    });
  }

  /** Changes what is known of a device; `undefined` takes a fact away. Answers the device, or undefined for none. */
  update(id: number, facts: Partial<DeviceFacts>, at: UnixSeconds): Promise<Device | undefined> {
    return this.#turns.take(async () => {
      const known = this.#byId.get(id);
      if (known === undefined) return undefined;
      if (isSame(known, facts)) return known;
      this.#checkAggregator(facts.aggregator, id);
      const values = [id, at, ...columnValues({ ...known, ...facts })];
      const device = await inTransaction(this.#pool, async (client) => {
        await client.query(sql.updateDevice, values);
        return read(client, id);
      });
      this.#remember(device);
      this.#announce({ kind: 'changed', device, before: known });
      return device;
    });
  }

  /**
   * Removes a device: its certificate is refused from then on, its readings stay. One that an operator removes is
   * barred: it does not come back by registering itself. Answers whether there was one.
   */
  remove(id: number, { at, barred }: { readonly at: UnixSeconds; readonly barred: boolean }): Promise<boolean> {
    return this.#turns.take(async () => {
      const device = this.#byId.get(id);
      if (device === undefined) return false;
      await inTransaction(this.#pool, async (client) => {
        await client.query(sql.removeDevice, [id, at, barred]);
        await client.query(sql.retireAll, [id, at]);
        await client.query(sql.leaveAggregator, [id]);
      });
      if (barred) this.#barred.add(device.lfdi);
      const orphans = this.#all.filter(({ aggregator }) => aggregator === id);
      this.#forget(device);
      for (const orphan of orphans) this.#remember({ ...orphan, aggregator: undefined });
      this.#announce({ kind: 'removed', device, before: device });
      return true;
    });
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

  /** The devices that a device's certificate may act for: itself first, then those of which it is the aggregator. */
  actingFor(device: Device): readonly Device[] {
    const known = this.#actingFor.get(device.id);
    if (known !== undefined) return known;
    const devices = [device, ...this.#all.filter(({ aggregator, id }) => aggregator === device.id && id !== device.id)];
    this.#actingFor.set(device.id, devices);
    return devices;
  }

  /** Whether an operator removed the device of this LFDI. */
  isBarred(lfdi: string): boolean {
    return this.#barred.has(lfdi);
  }

  onChange(listener: (change: DeviceChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #announce(change: DeviceChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #checkAggregator(aggregator: number | undefined, id: number | undefined): void {
    if (aggregator === undefined || (aggregator !== id && this.#byId.has(aggregator))) return;
    throw new GridError('GTX-REG-002', `Device ${aggregator} cannot be the aggregator: it is not another device here`, {
      hint: 'Register the aggregator first.',
      kind: 'input',
    });
  }

  #remember(device: Device): void {
    const before = this.#byId.get(device.id);
    if (before !== undefined) this.#byLfdi.delete(before.lfdi);
    this.#byLfdi.set(device.lfdi, device);
    this.#byMeterId.set(device.meterId, device);
    this.#byId.set(device.id, device);
    this.#changed();
  }

  #forget(device: Device): void {
    this.#byLfdi.delete(device.lfdi);
    this.#byMeterId.delete(device.meterId);
    this.#byId.delete(device.id);
    this.#changed();
  }

  #changed(): void {
    this.#all = [...this.#byId.values()].toSorted((a, b) => (a.meterId < b.meterId ? -1 : 1));
    this.#actingFor = new Map();
  }
}

async function store(client: PoolClient, registration: Registration, lfdi: Lfdi): Promise<Device> {
  const { meterId, at } = registration;
  const bytes = Buffer.from(lfdi, 'hex');
  const { rows } = await client.query<{ id: number }>(sql.upsertDevice, [meterId, at, ...columnValues(registration)]);
  const id = rows[0]?.id as number;
  const held = await client.query<{ meter_id: string }>(sql.upsertLfdi, [bytes, sfdiOf(lfdi), id, at]);
  const holder = held.rows[0]?.meter_id;
  if (holder !== undefined && holder !== meterId) throw taken(lfdi, holder);
  await client.query(sql.retireOthers, [id, bytes, at]);
  return read(client, id);
}

async function read(client: PoolClient, id: number): Promise<Device> {
  const { rows } = await client.query<DeviceRow>(sql.deviceById, [id]);
  return deviceOf(rows[0] as DeviceRow);
}

const factOf: Readonly<Record<GivenColumn, keyof DeviceFacts>> = {
  name: 'name',
  description: 'description',
  building: 'building',
  zone: 'zone',
  rated_w: 'ratedW',
  storage_wh: 'storageWh',
  pin: 'pin',
  aggregator_id: 'aggregator',
  is_aggregator: 'isAggregator',
  device_category: 'deviceCategory',
  post_rate: 'postRate',
  poll_rate: 'pollRate',
};

/** A fact that is not there is null to the database. */
const columnValues = (facts: Partial<DeviceFacts>): unknown[] =>
  givenColumns.map((column) => {
    const value = facts[factOf[column]];
    return value instanceof Uint8Array ? Buffer.from(value) : (value ?? null);
  });

const taken = (lfdi: Lfdi, meterId: string): GridError =>
  new GridError('GTX-REG-001', `The LFDI ${lfdi} belongs to ${meterId}`, {
    hint: 'Two boards hold the same key: issue a new certificate with a key of its own to one of them.',
  });

/** What a registration says: what it leaves undefined is left out. */
const said = (registration: Registration): Partial<DeviceFacts> =>
  Object.fromEntries(Object.entries(registration).filter(([, fact]) => fact !== undefined));

/** Whether the device has every fact as it is given. */
const isSame = (device: Device, given: Partial<DeviceFacts>): boolean =>
  givenColumns.every((column) => {
    const fact = factOf[column];
    if (!Object.hasOwn(given, fact)) return true;
    const [has, wants] = [device[fact], given[fact]];
    return has instanceof Uint8Array && wants instanceof Uint8Array ? Buffer.compare(has, wants) === 0 : has === wants;
  });

function deviceOf(row: DeviceRow): Device {
  const lfdi = parseLfdi(row.lfdi);
  return {
    id: row.id,
    meterId: row.meter_id,
    name: row.name,
    description: row.description,
    building: row.building ?? undefined,
    zone: row.zone ?? undefined,
    ratedW: row.rated_w ?? undefined,
    storageWh: row.storage_wh ?? undefined,
    pin: row.pin ?? undefined,
    aggregator: row.aggregator_id ?? undefined,
    isAggregator: row.is_aggregator,
    deviceCategory: row.device_category ?? undefined,
    postRate: row.post_rate ?? undefined,
    pollRate: row.poll_rate ?? undefined,
    registeredAt: UnixSeconds(row.registered_at),
    changedAt: UnixSeconds(row.changed_at ?? row.registered_at),
    lfdi,
    sfdi: sfdiOf(lfdi),
  };
}
