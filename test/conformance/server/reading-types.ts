import type { Elements } from './operator.ts';

/** The reading types of CSIP-AUS by their names in the procedures, and the scale that a client uses for each. */
const types = {
  // uom 38: W, 63: var, 33: Hz, 29: V; dataQualifier 2: average; kind 37: power; phase 128: A-N.
  ActivePowerAverage: { uom: 38, kind: 37, multiplier: 0 },
  ReactivePowerAverage: { uom: 63, kind: 37, multiplier: 0 },
  FrequencyAverage: { uom: 33, kind: 37, multiplier: -1 },
  VoltageSinglePhaseAverage: { uom: 29, kind: 37, phase: 128, multiplier: -1 },
} as const satisfies Readonly<Record<string, { uom: number; kind: number; phase?: number; multiplier: number }>>;

export type ReadingTypeName = keyof typeof types;

export const isReadingType = (name: string): name is ReadingTypeName => Object.hasOwn(types, name);

export const usualMultiplier = (name: ReadingTypeName): number => types[name].multiplier;

/** The ReadingType of a five-minute average. */
export const readingType = (name: ReadingTypeName, powerOfTenMultiplier: number): Elements => {
  const type: { readonly uom: number; readonly kind: number; readonly phase?: number } = types[name];
  return {
    accumulationBehaviour: 12,
    commodity: 1,
    dataQualifier: 2,
    flowDirection: 1,
    intervalLength: 300,
    kind: type.kind,
    ...(type.phase === undefined ? {} : { phase: type.phase }),
    powerOfTenMultiplier,
    uom: type.uom,
  };
};

/** RoleFlags of CSIP-AUS: a site is mirrored at its premises, a device as a submetered DER. */
export const roleFlags: Readonly<Record<string, string>> = { Site: '0003', Device: '0049' };
