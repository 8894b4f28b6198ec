import type { Pool } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { MirrorMeterReading, MirrorUsagePoint, ReadingType } from '#ieee2030_5/types.generated.ts';
import { databaseError } from '../database/connect.ts';
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
}

/** What one device may fill the head-end's memory with. */
const maxPointsPerDevice = 32;
const maxChannelsPerDevice = 128;

/** Every MirrorUsagePoint and channel, in memory and in the database. */
export class Channels {
  readonly #pool: Pool;
  readonly #points = new Map<number, MirrorPoint>();
  readonly #pointsByDevice = new Map<number, Map<string, MirrorPoint>>();
  readonly #channelsByDevice = new Map<number, Map<string, Channel>>();
  readonly #ids = new Set<number>();

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
    return [...(this.#pointsByDevice.get(deviceId)?.values() ?? [])];
  }

  channelsOf(deviceId: number): Channel[] {
    return [...(this.#channelsByDevice.get(deviceId)?.values() ?? [])];
  }

  /** Creates a device's MirrorUsagePoint, or replaces the one of the same mRID. */
  async upsertPoint(deviceId: number, posted: MirrorUsagePoint): Promise<{ id: number; created: boolean }> {
    const known = this.#pointsByDevice.get(deviceId);
    const present = known?.get(textOf(posted.mRID));
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

  /**
   * The channel of a posted MirrorMeterReading, when it is known. Throws `GTX-RDG-005` when it comes with another
   * ReadingType: a channel's unit must not change under its readings.
   */
  known(point: MirrorPoint, { mRID, ReadingType: type }: MirrorMeterReading): Channel | undefined {
    const channel = this.#channelsByDevice.get(point.deviceId)?.get(textOf(mRID));
    if (channel !== undefined && type !== undefined && !isSameType(channel, type)) {
      throw new GridError('GTX-RDG-005', `The ReadingType of mRID ${hexOf(mRID)} differs from the one it began with`);
    }
    return channel?.mirrorPointId === point.id ? channel : undefined;
  }

  /**
   * Creates the channel of a posted MirrorMeterReading. Rejects with `GTX-RDG-005` when it comes without its
   * ReadingType, and with `GTX-RDG-006` when the device has too many.
   */
  async createChannel(point: MirrorPoint, posted: MirrorMeterReading): Promise<Channel> {
    const { mRID, ReadingType: type } = posted;
    const known = this.#channelsByDevice.get(point.deviceId);
    const present = known?.get(textOf(mRID));
    if (present === undefined && type === undefined) {
      throw new GridError('GTX-RDG-005', `The first MirrorMeterReading of mRID ${hexOf(mRID)} has no ReadingType`);
    }
    if (present === undefined && (known?.size ?? 0) >= maxChannelsPerDevice) throw tooMany('MirrorMeterReadings');
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
      ])
      .catch(failed);
    const channel = channelOf(rows[0] as ChannelRow);
    this.#rememberChannel(channel);
    return channel;
  }

  #rememberPoint(point: MirrorPoint): void {
    this.#points.set(point.id, point);
    ofDevice(this.#pointsByDevice, point.deviceId).set(textOf(point.mRID), point);
  }

  #rememberChannel(channel: Channel): void {
    this.#ids.add(channel.id);
    ofDevice(this.#channelsByDevice, channel.deviceId).set(textOf(channel.mRID), channel);
  }
}

function ofDevice<T>(all: Map<number, Map<string, T>>, deviceId: number): Map<string, T> {
  const known = all.get(deviceId) ?? new Map<string, T>();
  all.set(deviceId, known);
  return known;
}

const failed = (error: unknown): never => {
  throw databaseError(error);
};

/** Bytes as a key: quicker than hex, and as unique. */
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

const tooMany = (what: string): GridError =>
  new GridError('GTX-RDG-006', `The device has as many ${what} as the head-end keeps for one`);

const isSamePoint = (point: MirrorPoint, posted: MirrorUsagePoint): boolean =>
  textOf(point.roleFlags) === textOf(posted.roleFlags) &&
  point.serviceCategoryKind === posted.serviceCategoryKind &&
  point.status === posted.status &&
  point.description === (posted.description ?? '') &&
  point.postRate === posted.postRate;

const isSameType = (channel: Channel, type: ReadingType): boolean =>
  channel.uom === type.uom &&
  channel.flowDirection === type.flowDirection &&
  channel.accumulationBehaviour === type.accumulationBehaviour &&
  channel.kind === type.kind &&
  channel.powerOfTenMultiplier === (type.powerOfTenMultiplier ?? 0);

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
});
