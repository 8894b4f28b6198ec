import type { Given } from './given.ts';
import type { UtilityReading } from './utility/state.ts';
import type { Utility } from './utility/utility.ts';

/** What a check asks a MirrorMeterReading to be (ReadingType's codes; roleFlags as in TS 5573). */
interface Wanted {
  readonly roleFlags: number;
  readonly uom: number;
  readonly kind: number;
  readonly dataQualifier: number;
}

const site = 0x03;
const device = 0x49;
const averagePower = { kind: 37, dataQualifier: 2 } as const;
const wantedOf: Readonly<Record<string, readonly Wanted[]>> = {
  'readings-site-active-power': [{ ...averagePower, roleFlags: site, uom: 38 }],
  'readings-site-reactive-power': [{ ...averagePower, roleFlags: site, uom: 63 }],
  'readings-der-active-power': [{ ...averagePower, roleFlags: device, uom: 38 }],
  'readings-der-reactive-power': [{ ...averagePower, roleFlags: device, uom: 63 }],
  'readings-voltage': [
    { ...averagePower, roleFlags: site, uom: 29 },
    { ...averagePower, roleFlags: device, uom: 29 },
  ],
  'readings-der-stored-energy': [{ kind: 12, dataQualifier: 0, roleFlags: device, uom: 72 }],
};

export const isReadingCheck = (type: string): boolean => type in wantedOf;

interface Series {
  readonly mrids: readonly string[];
  readonly multiplier: number;
  readonly readings: readonly UtilityReading[];
}

function seriesOf(utility: Utility, wanted: Wanted): Series[] {
  return utility.mirrors.flatMap(({ node, meterReadings }) =>
    node.bits('roleFlags') === wanted.roleFlags
      ? [...meterReadings].flatMap(([mrid, { type, readings }]) =>
          type?.number('uom') === wanted.uom &&
          (type.number('kind') ?? 0) === wanted.kind &&
          (type.number('dataQualifier') ?? 0) === wanted.dataQualifier
            ? [
                {
                  mrids: [mrid, node.value('mRID') ?? ''],
                  multiplier: type.number('powerOfTenMultiplier') ?? 0,
                  readings: [...readings.values()],
                },
              ]
            : [],
        )
      : [],
  );
}

/** TS 5573 §4.2: the last eight digits are the Private Enterprise Number, in decimal. */
const endsInEnterprise = (mrid: string): boolean => /^[0-9A-Fa-f]{24}\d{8}$/.test(mrid);

/** What is wrong with the readings that a check is about; nothing where one kind of them is right. */
export function readingFaults(type: string, utility: Utility, given: Given): string[] {
  const faults = (wantedOf[type] ?? []).map((wanted) => faultsOf(seriesOf(utility, wanted), wanted, given));
  return faults.find((found) => found.length === 0) ?? faults.flat();
}

function faultsOf(series: readonly Series[], wanted: Wanted, given: Given): string[] {
  if (series.length === 0) {
    const { roleFlags, uom, kind, dataQualifier } = wanted;
    return [
      `no MirrorMeterReading of roleFlags ${roleFlags}, uom ${uom}, kind ${kind}, dataQualifier ${dataQualifier}`,
    ];
  }
  const faults: string[] = [];
  const readings = series.flatMap((one) => one.readings);
  const most = Math.max(...series.map((one) => one.readings.length));
  const minimum = given.number('minimum_count');
  if (minimum !== undefined && most < minimum) faults.push(`${most} readings, ${minimum} are asked for`);
  const isAverage = wanted.dataQualifier === averagePower.dataQualifier;
  const wrongPeriod = readings.find(({ duration }) => isAverage && (duration === 0 || duration % 60 !== 0));
  if (wrongPeriod !== undefined) faults.push(`a reading of ${wrongPeriod.duration} s, not of whole minutes`);
  const offMinute = readings.find(({ start }) => start % 60 !== 0);
  if (offMinute !== undefined) faults.push(`a reading from ${offMinute.start}, which is not a whole minute`);
  const foreign = series.flatMap(({ mrids }) => mrids).find((mrid) => !endsInEnterprise(mrid));
  if (foreign !== undefined) faults.push(`the mRID ${foreign} does not end in an enterprise number in decimal`);
  return [...faults, ...levelFaults(series, given)];
}

function levelFaults(series: readonly Series[], given: Given): string[] {
  const [low, high] = [given.number('minimum_level'), given.number('maximum_level')];
  if (low === undefined && high === undefined) return [];
  const window = given.number('window_seconds') ?? 0;
  return series.flatMap(({ readings, multiplier }) => {
    const ends = readings.map(({ start, duration }) => start + duration);
    const from = Math.max(...ends) - window;
    const values = readings
      .filter(({ start, duration }) => (window === 0 ? start + duration === from : start >= from))
      .map(({ value }) => value * 10 ** multiplier);
    const isWithin = (value: number): boolean => value >= (low ?? -Infinity) && value <= (high ?? Infinity);
    return values.every(isWithin) ? [] : [`readings of ${values.join(', ')} beyond ${low} to ${high}`];
  });
}
