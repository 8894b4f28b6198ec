import { type Lfdi, lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import type { MirrorMeterReading, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import { channelMrid, type ChannelName, channelNames, channelTypes } from '#ieee2030_5/ext/channels.ts';
import type { Posting } from '../posting.ts';
import { type Connection, type PostResult, RefusedError } from './connection.ts';

/** roleFlags: isMirror and isPremisesAggregationPoint (IEEE 2030.5-2018, RoleFlagsType bits 0 and 1). */
const roleFlags = Uint8Array.of(0x00, 0x03);

/** The board's MirrorUsagePoint: made once with its ReadingTypes, then posted to (IEEE 2030.5-2018 §10.11). */
export class Mirror {
  readonly #connection: Connection;
  readonly #meterId: string;
  readonly #lfdi: () => Lfdi;
  readonly #mrids: ReadonlyMap<ChannelName, Uint8Array>;
  #href: string | undefined;

  /** `lfdi`: of the certificate in use. */
  constructor(connection: Connection, meterId: string, lfdi: () => Lfdi) {
    this.#connection = connection;
    this.#meterId = meterId;
    this.#lfdi = lfdi;
    this.#mrids = new Map(channelNames.map((name) => [name, channelMrid(meterId, name)]));
  }

  /** Posts one time period; 201 after the server's commit. Creates the MirrorUsagePoint first where it is missing. */
  async post(listHref: string, posting: Posting): Promise<PostResult> {
    this.#href ??= await this.#create(listHref);
    const readings = this.#readings(posting);
    const document = { all: readings.length, results: readings.length, MirrorMeterReading: readings };
    try {
      return await this.#connection.post(this.#href, 'MirrorMeterReadingList', document);
    } catch (error) {
      // The server forgot it (a restored or new database): make it anew and let the outbox repeat the posting.
      if (error instanceof RefusedError && error.status === 404) this.#href = undefined;
      throw error;
    }
  }

  async #create(listHref: string): Promise<string> {
    const document: MirrorUsagePoint = {
      mRID: mridOf(this.#meterId),
      description: this.#meterId.slice(0, 32),
      roleFlags,
      serviceCategoryKind: 0,
      status: 1,
      deviceLFDI: lfdiBytes(this.#lfdi()),
      MirrorMeterReading: channelNames.map((name) => this.#type(name)),
    };
    const { location } = await this.#connection.post(listHref, 'MirrorUsagePoint', document);
    if (location === undefined) throw new RefusedError('POST', listHref, 201, ' without a Location');
    return location;
  }

  #type(name: ChannelName): MirrorMeterReading {
    const { description, accumulationBehaviour, flowDirection, uom, powerOfTenMultiplier } = channelTypes[name];
    return {
      mRID: this.#mrid(name),
      description,
      ReadingType: {
        accumulationBehaviour,
        commodity: 1,
        dataQualifier: 0,
        flowDirection,
        kind: uom === 72 ? 12 : 0,
        phase: 0,
        powerOfTenMultiplier,
        uom,
      },
    };
  }

  #readings(posting: Posting): MirrorMeterReading[] {
    const readings: MirrorMeterReading[] = [];
    const timePeriod = { duration: posting.duration, start: BigInt(posting.start) };
    for (const name of channelNames) {
      const value = posting.values[name];
      if (value !== undefined) readings.push({ mRID: this.#mrid(name), Reading: { timePeriod, value } });
    }
    return readings;
  }

  #mrid(name: ChannelName): Uint8Array {
    const mrid = this.#mrids.get(name);
    if (mrid === undefined) throw new RangeError(`no channel ${name} of ${this.#meterId}`);
    return mrid;
  }
}
