import { bitmap } from '#ieee2030_5/bitmap.ts';
import { FlowDirectionType, UomType } from '#ieee2030_5/enumerations.ts';
import type { MirroredChannel, MirroredPlace } from './client/utility-mirror.ts';
import type { BoardDevices, GridReadings, SiteSample } from './sampler.ts';

/** What a board has measured. */
export interface Measured {
  readonly sample: SiteSample;
  /** As read last: not as often as there are samples. */
  readonly grid: GridReadings;
}

export interface MeasuredChannel extends MirroredChannel {
  /** In `uom`, before its multiplier; `undefined` where a device did not answer or does not measure it. */
  readonly valueOf: (measured: Measured) => number | undefined;
}

/** A place of the building that a utility is told of, with what tells of it. */
export interface MeasuredPlace extends MirroredPlace {
  readonly channels: ReadonlyMap<string, MeasuredChannel>;
}

type ValueOf = MeasuredChannel['valueOf'];

/** Reading.qualityFlags bit 5, derived: reckoned from what is measured elsewhere (IEEE 2030.5-2018, ReadingBase). */
const derived = bitmap(2, [5]);

/** The sum over the devices that there are; `undefined` where one of them does not tell: a part is not the whole. */
const sumOf =
  (devices: BoardDevices, of: (measured: Measured, which: 'inverter' | 'battery') => number | undefined): ValueOf =>
  (measured) => {
    const values = (['inverter', 'battery'] as const)
      .filter((which) => devices[which] !== undefined)
      .map((which) => of(measured, which));
    const told = values.filter((value) => value !== undefined);
    return told.length === 0 || told.length < values.length ? undefined : told.reduce((sum, value) => sum + value, 0);
  };

const mean = (uom: UomType, powerOfTenMultiplier: number, valueOf: ValueOf): Omit<MeasuredChannel, 'description'> => ({
  meaning: 'mean',
  uom,
  powerOfTenMultiplier,
  valueOf,
});

const gridOf =
  (what: 'voltageV' | 'frequencyHz'): ValueOf =>
  ({ grid }) =>
    grid.inverter?.[what] ?? grid.battery?.[what];

/**
 * The connection point, and all DERs together where there are any: what SA TS 5573 §4.2 asks of a client, average
 * power, reactive power and voltage, and of storage what it holds.
 */
export function placesOf(devices: BoardDevices, capacityWh: number | undefined): readonly MeasuredPlace[] {
  const reactive = sumOf(devices, ({ grid }, which) => grid[which]?.reactiveVar);
  const voltage = gridOf('voltageV');
  const hasDer = devices.inverter !== undefined || devices.battery !== undefined;
  // The clamps know no reactive power: the utility is told that of the DERs, and that it is not measured there.
  const siteReactive: ValueOf = (measured) => {
    const injected = reactive(measured);
    return injected === undefined ? undefined : 0 - injected;
  };
  const site: MeasuredPlace = {
    name: 'site',
    description: 'Connection point',
    roles: ['isMirror', 'isPremisesAggregationPoint'],
    flowDirection: FlowDirectionType.forward,
    channels: new Map([
      ['W', { description: 'Site active power', ...mean(UomType.watts, 0, ({ sample }) => sample.gridW) }],
      ['var', { description: 'Site reactive power', ...mean(UomType.vars, 0, siteReactive), qualityFlags: derived }],
      [
        'V',
        {
          description: 'Site voltage',
          ...mean(UomType.volts, -1, (measured) => measured.sample.voltageV ?? voltage(measured)),
        },
      ],
    ]),
  };
  const stored: MeasuredChannel = {
    description: 'Stored energy',
    meaning: 'last',
    uom: UomType.wattHours,
    powerOfTenMultiplier: 0,
    valueOf: ({ sample }) => {
      const charge = sample.battery?.stateOfChargeCentiPercent;
      return charge === undefined || capacityWh === undefined ? undefined : (capacityWh * charge) / 10_000;
    },
  };
  const der: MeasuredPlace = {
    name: 'der',
    description: 'DER',
    roles: ['isMirror', 'isDER', 'isSubmeter'],
    flowDirection: FlowDirectionType.reverse,
    channels: new Map<string, MeasuredChannel>([
      [
        'W',
        {
          description: 'DER active power',
          ...mean(
            UomType.watts,
            0,
            sumOf(devices, ({ sample }, which) => sample[which]?.powerW),
          ),
        },
      ],
      ['var', { description: 'DER reactive power', ...mean(UomType.vars, 0, reactive) }],
      ['V', { description: 'DER voltage', ...mean(UomType.volts, -1, voltage) }],
      ['Hz', { description: 'DER frequency', ...mean(UomType.hertz, -2, gridOf('frequencyHz')) }],
      ...(capacityWh === undefined ? [] : [['storedWh', stored] as const]),
    ]),
  };
  return hasDer ? [site, der] : [site];
}
