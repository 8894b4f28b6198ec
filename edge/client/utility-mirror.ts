import { bitmap } from '#ieee2030_5/bitmap.ts';
import {
  CommodityType,
  DataQualifierType,
  type FlowDirectionType,
  KindType,
  PhaseCode,
  RoleFlags,
  UomType,
} from '#ieee2030_5/enumerations.ts';
import { formatMrid, type Lfdi, lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import type { MirrorMeterReading, MirrorUsagePoint, ReadingType } from '#ieee2030_5/types.generated.ts';
import type { Posting } from '../posting.ts';
import { type Connection, type PostResult, RefusedError } from './connection.ts';

/** One MirrorMeterReading of a usage point. */
export interface MirroredChannel {
  readonly description: string;
  /** The average over the time period, or what is there at its end. */
  readonly meaning: 'mean' | 'last';
  readonly uom: UomType;
  readonly powerOfTenMultiplier: number;
  /** Of its values, where they are not simply measured. */
  readonly qualityFlags?: Uint8Array;
}

/** What a utility is told of one place: the connection point, or the DERs behind it. */
export interface MirroredPlace {
  readonly name: string;
  readonly description: string;
  readonly roles: readonly (keyof typeof RoleFlags)[];
  /** Where positive values flow: to the customer (`forward`) or from them (`reverse`). */
  readonly flowDirection: FlowDirectionType;
  readonly channels: ReadonlyMap<string, MirroredChannel>;
}

export interface UtilityMirrorOptions {
  readonly connection: Pick<Connection, 'get' | 'post' | 'origin'>;
  readonly meterId: string;
  readonly lfdi: Lfdi;
  readonly place: MirroredPlace;
  /** The MirrorUsagePoints that the server showed last. */
  readonly listed: () => readonly MirrorUsagePoint[];
}

/** How often is posted where the server does not say, seconds (CSIP v2.1 §6.1.4). */
const defaultPostRate = 300;

interface Made {
  readonly href: string;
  readonly postRate: number | undefined;
}

/**
 * One MirrorUsagePoint at a utility that is not ours (IEEE 2030.5-2018 §10.11, SA TS 5573 §4.2): made anew by each
 * run, and posted to as often as the server wants. Values are of any unit; they are scaled by their channel.
 */
export class UtilityMirror {
  readonly #options: UtilityMirrorOptions;
  readonly #mRID: Uint8Array;
  #made: Made | undefined;

  constructor(options: UtilityMirrorOptions) {
    this.#options = options;
    this.#mRID = mridOf(`${options.meterId}/${options.place.name}`);
  }

  /** Whether the server has it, as far as is known. */
  get isMade(): boolean {
    return this.#made !== undefined;
  }

  /** Seconds between two postings: whole minutes, as the server gives and changes it. */
  get postRate(): number {
    const rate = this.#listed()?.postRate ?? this.#made?.postRate ?? defaultPostRate;
    return Math.max(1, Math.ceil(rate / 60)) * 60;
  }

  /**
   * Makes the MirrorUsagePoint, once a run: a server that has it from an earlier one overwrites it, so that it learns
   * what has changed since (IEEE 2030.5-2018 §10.11.3). Rejects as `Connection.post` does.
   */
  async make(listHref: string): Promise<void> {
    if (this.#made !== undefined) return;
    const { connection } = this.#options;
    const { location } = await connection.post(listHref, 'MirrorUsagePoint', this.#document());
    if (location === undefined) throw new RefusedError('POST', listHref, 201, ' without a Location');
    const href = new URL(location, new URL(listHref, connection.origin)).href;
    this.#made = { href, postRate: await this.#askRate(href) };
  }

  /** Posts one time period. Rejects as `Connection.post` does; after a 404 it is to be made anew. */
  async post(posting: Posting<string>): Promise<PostResult> {
    const made = this.#made;
    if (made === undefined) throw new RangeError('a MirrorUsagePoint is made before it is posted to');
    const readings = this.#readings(posting);
    const document = { all: readings.length, results: readings.length, MirrorMeterReading: readings };
    try {
      return await this.#options.connection.post(made.href, 'MirrorMeterReadingList', document);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) this.#made = undefined;
      throw error;
    }
  }

  #listed(): MirrorUsagePoint | undefined {
    const mRID = formatMrid(this.#mRID);
    return this.#options.listed().find((point) => formatMrid(point.mRID) === mRID);
  }

  /** The list is polled seldom; what was just made tells its rate itself. */
  async #askRate(href: string): Promise<number | undefined> {
    try {
      return (await this.#options.connection.get(href, 'MirrorUsagePoint')).postRate;
    } catch (error) {
      // Not every server lets it be read; the list will tell.
      if (error instanceof RefusedError) return undefined;
      throw error;
    }
  }

  #document(): MirrorUsagePoint {
    const { place, lfdi } = this.#options;
    const { postRate } = this;
    return {
      mRID: this.#mRID,
      description: place.description,
      roleFlags: bitmap(
        2,
        place.roles.map((role) => RoleFlags[role]),
      ),
      serviceCategoryKind: 0,
      status: 1,
      deviceLFDI: lfdiBytes(lfdi),
      MirrorMeterReading: [...place.channels].map(([name, channel]) => this.#meterReading(name, channel, postRate)),
      postRate,
    };
  }

  /** The ReadingType goes with every posting, so that its intervalLength follows a postRate that changed. */
  #meterReading(name: string, channel: MirroredChannel, intervalLength: number): MirrorMeterReading {
    const { meterId, place } = this.#options;
    const { description, meaning, uom, powerOfTenMultiplier } = channel;
    const type: ReadingType = {
      commodity: CommodityType.electricitySecondaryMetered,
      dataQualifier: meaning === 'mean' ? DataQualifierType.average : DataQualifierType.notApplicable,
      flowDirection: place.flowDirection,
      intervalLength,
      kind: uom === UomType.wattHours ? KindType.energy : KindType.power,
      phase: PhaseCode.notApplicable,
      powerOfTenMultiplier,
      uom,
    };
    return { mRID: mridOf(`${meterId}/${place.name}/${name}`), description, ReadingType: type };
  }

  #readings({ start, duration, values }: Posting<string>): MirrorMeterReading[] {
    const timePeriod = { duration, start: BigInt(start) };
    return [...this.#options.place.channels].flatMap(([name, channel]) => {
      const value = values[name];
      if (value === undefined) return [];
      const { powerOfTenMultiplier, qualityFlags } = channel;
      const scaled = 0 + Math.round(value / 10 ** powerOfTenMultiplier);
      const Reading = { ...(qualityFlags !== undefined && { qualityFlags }), timePeriod, value: scaled };
      return [{ ...this.#meterReading(name, channel, duration), Reading }];
    });
  }
}
