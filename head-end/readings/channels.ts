import type { Pool } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { MirrorMeterReading, MirrorUsagePoint, ReadingType } from '#ieee2030_5/types.generated.ts';
import { databaseError } from '../database/connect.ts';
import { mridKey, MridTable } from './mrid-table.ts';
import { type ChannelRow, type MirrorUsagePointRow, sql } from './reading-sql.ts';

/** A MirrorUsagePoint that a device created; codes as in IEEE 2030.5-2018, UsagePoint. */
export interface MirrorPoint {
  readonly id: number;
  readonly deviceId: number;
  readonly mRID: Uint8Array;
  readonly roleFlags: Uint8Array;
  readonly serviceCategoryKind: number;
  readonly status: number;
  readonly description: string;
  /** Seconds. */
  readonly postRate: number | undefined;
}

/** A device's series of readings, known by its mRID; codes as in IEEE 2030.5-2018, ReadingType. */
export interface Channel {
  readonly id: number;
  readonly mirrorPointId: number;
  readonly deviceId: number;
  readonly mRID: Uint8Array;
  readonly uom: number | undefined;
  readonly flowDirection: number | undefined;
  readonly accumulationBehaviour: number | undefined;
  readonly kind: number | undefined;
  readonly powerOfTenMultiplier: number;
  readonly description: string;
  /** As it was posted. */
  readonly readingType: ReadingType;
}

/** What one device may fill the head-end's memory with. */
const maxPointsPerDevice = 32;
const maxChannelsPerDevice = 128;

/** Every MirrorUsagePoint and channel, in memory and in the database. */
export class Channels {
  readonly #pool: Pool;
  readonly #points = new Map<number, MirrorPoint>();
  readonly #pointsByDevice = new Map<number, MridTable<MirrorPoint>>();
  readonly #channelsByDevice = new Map<number, MridTable<Channel>>();
  readonly #ids = new Set<number>();
  /** Whose an mRID is: it names one series of readings of all (IEEE 2030.5-2018, mRIDType). */
  readonly #deviceByMrid = new Map<string, number>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async start(): Promise<void> {
    const points = await this.#pool.query<MirrorUsagePointRow>(sql.allMirrorUsagePoints);
    for (const row of points.rows) this.#rememberPoint(pointOf(row));
    const channels = await this.#pool.query<ChannelRow>(sql.allChannels);
    for (const row of channels.rows) this.#rememberChannel(channelOf(row));
  }

  has(channelId: number): boolean {
    return this.#ids.has(channelId);
  }

  point(id: number): MirrorPoint | undefined {
    return this.#points.get(id);
  }

  pointsOf(deviceId: number): MirrorPoint[] {
    return this.#pointsByDevice.get(deviceId)?.values() ?? [];
  }

  channelsOf(deviceId: number): Channel[] {
    return this.#channelsByDevice.get(deviceId)?.values() ?? [];
  }

  /** Creates a device's MirrorUsagePoint, or replaces the one of the same mRID. */
  async upsertPoint(deviceId: number, posted: MirrorUsagePoint): Promise<{ id: number; created: boolean }> {
    const known = this.#pointsByDevice.get(deviceId);
    const present = known?.get(posted.mRID);
    if (present !== undefined && isSamePoint(present, posted)) return { id: present.id, created: false };
    if (present === undefined && (known?.size ?? 0) >= maxPointsPerDevice) throw tooMany('MirrorUsagePoints');
    const { mRID, roleFlags, serviceCategoryKind, status, description = '', postRate } = posted;
    const { rows } = await this.#pool
      .query<MirrorUsagePointRow & { readonly created: boolean }>(sql.upsertMirrorUsagePoint, [
        deviceId,
        Buffer.from(mRID),
        Buffer.from(roleFlags),
        serviceCategoryKind,
        status,
        description,
        postRate ?? null,
      ])
      .catch(failed);
    const row = rows[0] as (typeof rows)[number];
    this.#rememberPoint(pointOf(row));
    return { id: row.id, created: row.created };
  }

  /** Removes a MirrorUsagePoint; its channels and their readings stay, for when it comes again. */
  async removePoint(id: number, at: UnixSeconds): Promise<boolean> {
    const point = this.#points.get(id);
    if (point === undefined) return false;
    await this.#pool.query(sql.removeMirrorUsagePoint, [id, at]).catch(failed);
    this.#points.delete(id);
    this.#pointsByDevice.get(point.deviceId)?.delete(point.mRID);
    return true;
  }

  /** Forgets a device that was removed from the registry: its mRIDs are free. */
  forget(deviceId: number): void {
    for (const point of this.pointsOf(deviceId)) this.#points.delete(point.id);
    for (const channel of this.channelsOf(deviceId)) {
      this.#ids.delete(channel.id);
      this.#deviceByMrid.delete(mridKey(channel.mRID));
    }
    this.#pointsByDevice.delete(deviceId);
    this.#channelsByDevice.delete(deviceId);
  }

  /** Retires a channel whose MirrorMeterReading comes with another ReadingType: the unit of what is stored stays. */
  async retireOthers(point: MirrorPoint, { mRID, ReadingType: type }: MirrorMeterReading): Promise<void> {
    const channel = this.#channelsByDevice.get(point.deviceId)?.get(mRID);
    if (channel === undefined || type === undefined || isSameType(channel, type)) return;
    await this.#pool.query(sql.retireChannel, [channel.id]).catch(failed);
    this.#channelsByDevice.get(point.deviceId)?.delete(mRID);
  }

  /**
   * The channel of a posted MirrorMeterReading, when it is known. Throws `GTX-RDG-005` when it comes with another
   * ReadingType: a channel's unit must not change under its readings.
   */
  known(point: MirrorPoint, { mRID, ReadingType: type }: MirrorMeterReading): Channel | undefined {
    const channel = this.#channelsByDevice.get(point.deviceId)?.get(mRID);
    if (channel !== undefined && type !== undefined && !isSameType(channel, type)) {
      throw new GridError('GTX-RDG-005', `The ReadingType of mRID ${hexOf(mRID)} differs from the one it began with`);
    }
    return channel?.mirrorPointId === point.id ? channel : undefined;
  }

  /**
   * Creates the channel of a posted MirrorMeterReading. Rejects with `GTX-RDG-005` when it comes without its
   * ReadingType, with `GTX-RDG-006` when the device has too many, and with `GTX-RDG-008` when its mRID is another
   * device's.
   */
  async createChannel(point: MirrorPoint, posted: MirrorMeterReading): Promise<Channel> {
    const { mRID, ReadingType: type } = posted;
    const known = this.#channelsByDevice.get(point.deviceId);
    const present = known?.get(mRID);
    if (present === undefined && type === undefined) {
      throw new GridError('GTX-RDG-005', `The first MirrorMeterReading of mRID ${hexOf(mRID)} has no ReadingType`);
    }
    if (present === undefined && (known?.size ?? 0) >= maxChannelsPerDevice) throw tooMany('MirrorMeterReadings');
    const holder = this.#deviceByMrid.get(mridKey(mRID));
    if (holder !== undefined && holder !== point.deviceId) {
      throw new GridError('GTX-RDG-008', `The mRID ${hexOf(mRID)} names readings of another device`, {
        hint: 'An mRID is of one thing in the whole world: make it of the own serial number and enterprise number.',
      });
    }
    const { uom, flowDirection, accumulationBehaviour, kind, powerOfTenMultiplier = 0 } = type ?? {};
    const { rows } = await this.#pool
      .query<ChannelRow>(sql.upsertChannel, [
        point.id,
        point.deviceId,
        Buffer.from(mRID),
        uom ?? null,
        flowDirection ?? null,
        accumulationBehaviour ?? null,
        kind ?? null,
        powerOfTenMultiplier,
        posted.description ?? '',
        type === undefined ? null : JSON.stringify(plainType(type)),
      ])
      .catch(failed);
    const channel = channelOf(rows[0] as ChannelRow);
    this.#rememberChannel(channel);
    return channel;
  }

  #rememberPoint(point: MirrorPoint): void {
    this.#points.set(point.id, point);
    ofDevice(this.#pointsByDevice, point.deviceId).set(point.mRID, point);
  }

  #rememberChannel(channel: Channel): void {
    this.#ids.add(channel.id);
    this.#deviceByMrid.set(mridKey(channel.mRID), channel.deviceId);
    ofDevice(this.#channelsByDevice, channel.deviceId).set(channel.mRID, channel);
  }
}

function ofDevice<T>(all: Map<number, MridTable<T>>, deviceId: number): MridTable<T> {
  const known = all.get(deviceId) ?? new MridTable<T>();
  all.set(deviceId, known);
  return known;
}

const failed = (error: unknown): never => {
  throw databaseError(error);
};

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

const tooMany = (what: string): GridError =>
  new GridError('GTX-RDG-006', `The device has as many ${what} as the head-end keeps for one`);

const isSamePoint = (point: MirrorPoint, posted: MirrorUsagePoint): boolean =>
  Buffer.compare(point.roleFlags, posted.roleFlags) === 0 &&
  point.serviceCategoryKind === posted.serviceCategoryKind &&
  point.status === posted.status &&
  point.description === (posted.description ?? '') &&
  point.postRate === posted.postRate;

/** A ReadingType without what is not part of the type. */
const plainType = (type: ReadingType): ReadingType => ({ ...type, href: undefined });

const typeKey = (type: ReadingType): string => {
  const entries = Object.entries({ powerOfTenMultiplier: 0, ...plainType(type) });
  return JSON.stringify(entries.filter(([, value]) => value !== undefined).toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

const isSameType = (channel: Channel, type: ReadingType): boolean =>
  isSameAsRemembered(channel, type) || typeKey(channel.readingType) === typeKey(type);

/** The quick way for a board that posts its types with every reading: same members, same values. */
const isSameAsRemembered = ({ readingType }: Channel, type: ReadingType): boolean => {
  const names = Object.keys(type) as (keyof ReadingType)[];
  return (
    names.length === Object.keys(readingType).length && names.every((name) => Object.is(type[name], readingType[name]))
  );
};

const pointOf = (row: MirrorUsagePointRow): MirrorPoint => ({
  id: row.id,
  deviceId: row.device_id,
  mRID: row.mrid,
  roleFlags: row.role_flags,
  serviceCategoryKind: row.service,
  status: row.status,
  description: row.description,
  postRate: row.post_rate ?? undefined,
});

const channelOf = (row: ChannelRow): Channel => ({
  id: row.id,
  mirrorPointId: row.mup_id,
  deviceId: row.device_id,
  mRID: row.mrid,
  uom: row.uom ?? undefined,
  flowDirection: row.flow_direction ?? undefined,
  accumulationBehaviour: row.accumulation_behaviour ?? undefined,
  kind: row.kind ?? undefined,
  powerOfTenMultiplier: row.power_of_ten,
  description: row.description,
  readingType: row.reading_type ?? typeOfColumns(row),
});

/** Of a channel of an older release, which kept only these. */
const typeOfColumns = (row: ChannelRow): ReadingType => ({
  accumulationBehaviour: row.accumulation_behaviour ?? undefined,
  flowDirection: row.flow_direction ?? undefined,
  kind: row.kind ?? undefined,
  powerOfTenMultiplier: row.power_of_ten,
  uom: row.uom ?? undefined,
});
