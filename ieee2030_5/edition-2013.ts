import { bitmap, hasBit } from './bitmap.ts';
import { DERControlMode, DERCurveType, DERType, DeviceCategory } from './enumerations-der.ts';

/**
 * How values of the 2018 types stand in documents of the 2013 namespace (sep.xsd 2.0.4): other names, other codes for
 * the same things, power factors with a sign in place of an excitation flag. What 2013 cannot say is left out.
 */
export interface Form {
  /** Turns what a peer of 2013 wrote into the 2018 form, in place. */
  fromPeer(value: Value): void;
  /** A copy as the peer wants it; members that it does not know may be left in. */
  toPeer(value: Readonly<Value>): Value;
}

type Value = Record<string, unknown>;

interface Member {
  /** The name in 2018. */
  readonly here: string;
  /** The name in 2013. */
  readonly there: string;
  readonly read: (value: unknown) => unknown;
  readonly write: (value: unknown) => unknown;
}

const same = (value: unknown): unknown => value;
const renamed = (there: string, here: string): Member => ({ there, here, read: same, write: same });
type Codec = Pick<Member, 'read' | 'write'>;
const coded = (name: string, codec: Codec): Member => ({ there: name, here: name, ...codec });
const upTo = (limit: number): Codec => ({ read: same, write: (value) => Math.min(value as number, limit) });

/** Codes by what they mean in 2013, under the name of 2018; `unknown` stands for what the other edition lacks. */
function codes(
  known: Readonly<Record<number, number>>,
  edition2018: Readonly<Record<string, number>>,
  unknown: number,
): Codec {
  const back = new Map(Object.entries(known).map(([there, here]) => [here, Number(there)] as const));
  const taken = new Set(Object.values(edition2018));
  return {
    read: (value) => known[value as number] ?? (taken.has(value as number) ? unknown : value),
    write: (value) => back.get(value as number) ?? (taken.has(value as number) ? unknown : value),
  };
}

/** Bit maps of four octets: pairs of the bit of 2018 and the bits of 2013 that say the same. */
function bits(pairs: readonly (readonly [here: number, there: readonly number[]])[]): Codec {
  const first = new Map<number, number>();
  for (const [here, [there = -1]] of pairs) if (!first.has(there)) first.set(there, here);
  return {
    read: (value) =>
      bitmap(
        4,
        [...first].filter(([there]) => hasBit(value as Uint8Array, there)).map(([, here]) => here),
      ),
    write: (value) =>
      bitmap(
        4,
        pairs.filter(([here]) => hasBit(value as Uint8Array, here)).flatMap(([, there]) => there),
      ),
  };
}

const derType = codes(
  {
    0: DERType.notApplicable,
    1: DERType.virtualOrMixed,
    2: DERType.reciprocatingEngine,
    3: DERType.fuelCell,
    4: DERType.photovoltaic,
    5: DERType.combinedHeatAndPower,
    80: DERType.otherStorage,
    81: DERType.electricVehicle,
    82: DERType.combinedPVAndStorage,
  },
  DERType,
  DERType.notApplicable,
);

/** A code that both editions keep reserved: a client passes over such a curve. */
const reservedCurve = 255;
const curveType = codes(
  {
    0: DERCurveType.opModVoltVar,
    1: DERCurveType.opModFreqWatt,
    2: DERCurveType.opModWattPF,
    3: DERCurveType.opModVoltWatt,
    4: DERCurveType.opModLVRTMomentaryCessation,
    5: DERCurveType.opModLVRTMustTrip,
    6: DERCurveType.opModHVRTMomentaryCessation,
    7: DERCurveType.opModHVRTMustTrip,
    8: DERCurveType.opModLFRTMustTrip,
    9: DERCurveType.opModHFRTMustTrip,
    10: DERCurveType.opModWattVar,
  },
  DERCurveType,
  reservedCurve,
);

const modes = bits(
  [
    DERControlMode.opModVoltVar,
    DERControlMode.opModFreqWatt,
    DERControlMode.opModFreqDroop,
    DERControlMode.opModWattPF,
    DERControlMode.opModVoltWatt,
    DERControlMode.opModLVRTMomentaryCessation,
    DERControlMode.opModLVRTMustTrip,
    DERControlMode.opModHVRTMomentaryCessation,
    DERControlMode.opModHVRTMustTrip,
    DERControlMode.opModLFRTMustTrip,
    DERControlMode.opModHFRTMustTrip,
    DERControlMode.opModConnect,
    DERControlMode.opModEnergize,
    DERControlMode.opModMaxLimW,
    DERControlMode.opModFixedVar,
    DERControlMode.opModFixedPFInjectW,
    DERControlMode.opModFixedW,
    DERControlMode.opModTargetW,
    DERControlMode.opModTargetVar,
    DERControlMode.charge,
    DERControlMode.discharge,
    DERControlMode.opModWattVar,
  ].map((here, there) => [here, [there]] as const),
);

/** 2013's own categories: 14 generation systems, 16 smart inverter, 18 residential energy storage unit. */
const categories = bits([
  ...Array.from({ length: 13 }, (_, bit) => [bit, [bit]] as const),
  [DeviceCategory.electricVehicle, [13]],
  [DeviceCategory.otherGeneration, [14]],
  [DeviceCategory.loadControlSwitch, [15]],
  [DeviceCategory.virtualOrMixedDER, [16]],
  [DeviceCategory.evse, [17]],
  [DeviceCategory.otherStorage, [18]],
  [DeviceCategory.energyManagementSystem, [19]],
  [DeviceCategory.smartEnergyModule, [20]],
  [DeviceCategory.reciprocatingEngine, [14]],
  [DeviceCategory.fuelCell, [14]],
  [DeviceCategory.photovoltaic, [14]],
  [DeviceCategory.combinedHeatAndPower, [14]],
  [DeviceCategory.combinedPVAndStorage, [14, 18]],
]);

interface PowerFactor {
  readonly displacement: number;
  readonly multiplier: number;
}
const withSign = (sign: 1 | -1) => (value: unknown) => {
  const { displacement, multiplier } = value as PowerFactor;
  return { displacement: sign * Math.abs(displacement), multiplier };
};
/** A limit whose direction the member's name tells: in 2013 the sign repeats it. */
const overExcited: Codec = { read: withSign(1), write: withSign(1) };
const underExcited: Codec = { read: withSign(1), write: withSign(-1) };
/** Positive is over-excited: as rtgMinPF became rtgMinPFOverExcited, rtgMinPFNeg rtgMinPFUnderExcited. */
const signedPowerFactor: Codec = {
  read: (value) => {
    const { displacement } = value as PowerFactor;
    return { ...withSign(1)(value), excitation: displacement < 0 };
  },
  write: (value) => withSign((value as { excitation: boolean }).excitation ? -1 : 1)(value),
};

const members: Readonly<Record<string, readonly Member[]>> = {
  List: [coded('all', upTo(65_535))],
  SubscribableList: [coded('all', upTo(65_535))],
  ListLink: [coded('all', upTo(65_535))],
  Subscription: [coded('limit', upTo(65_535))],
  AbstractDevice: [{ there: 'loadShedDeviceCategory', here: 'deviceCategory', ...categories }],
  EndDeviceControl: [coded('deviceCategory', categories)],
  DERCapability: [
    coded('modesSupported', modes),
    coded('type', derType),
    renamed('rtgA', 'rtgMaxA'),
    renamed('rtgAh', 'rtgMaxAh'),
    renamed('rtgVA', 'rtgMaxVA'),
    renamed('rtgVar', 'rtgMaxVar'),
    renamed('rtgVarNeg', 'rtgMaxVarNeg'),
    renamed('rtgW', 'rtgMaxW'),
    renamed('rtgWh', 'rtgMaxWh'),
    { there: 'rtgMinPF', here: 'rtgMinPFOverExcited', ...overExcited },
    { there: 'rtgMinPFNeg', here: 'rtgMinPFUnderExcited', ...underExcited },
    coded('rtgOverExcitedPF', overExcited),
    coded('rtgUnderExcitedPF', underExcited),
  ],
  DERSettings: [
    coded('modesEnabled', modes),
    { there: 'setMinPF', here: 'setMinPFOverExcited', ...overExcited },
    { there: 'setMinPFNeg', here: 'setMinPFUnderExcited', ...underExcited },
  ],
  DERControlBase: [{ there: 'opModFixedPF', here: 'opModFixedPFInjectW', ...signedPowerFactor }],
  DERCurve: [coded('curveType', curveType)],
};

interface Point {
  readonly excitation?: boolean;
  readonly xvalue: number;
  readonly yvalue: number;
}

/** The points of a Watt-PowerFactor curve have an excitation in 2018, a sign in 2013. */
function pointsFromPeer(value: Value): void {
  if (value['curveType'] !== DERCurveType.opModWattPF) return;
  value['CurveData'] = (value['CurveData'] as readonly Point[]).map(({ xvalue, yvalue }) => ({
    excitation: yvalue < 0,
    xvalue,
    yvalue: Math.abs(yvalue),
  }));
}

function pointsToPeer(value: Value): void {
  const points = value['CurveData'];
  if (!Array.isArray(points)) return;
  value['CurveData'] = (points as readonly Point[]).map(({ excitation, xvalue, yvalue }) => ({
    xvalue,
    yvalue: excitation === true ? -yvalue : yvalue,
  }));
}

/**
 * The form of a type, told by its own name and those of its bases; undefined where both editions agree.
 * `only2018` are members that 2013 does not have: a value with one of them is in the 2018 form whatever its namespace
 * says, as some peers write, and its codes are taken as they are.
 */
export function formOf2013(names: readonly string[], only2018: ReadonlySet<string>): Form | undefined {
  const own = names.flatMap((name) => (Object.hasOwn(members, name) ? (members[name] ?? []) : []));
  if (own.length === 0) return undefined;
  const names2018 = [...only2018];
  const isCurve = names[0] === 'DERCurve';
  return {
    fromPeer: (value) => {
      const is2018 = names2018.some((name) => value[name] !== undefined);
      for (const { there, here, read } of own) {
        const found = value[there];
        if (found === undefined || (is2018 && there === here)) continue;
        delete value[there];
        value[here] ??= read(found);
      }
      if (isCurve && !is2018) pointsFromPeer(value);
    },
    toPeer: (value) => {
      const copy: Value = { ...value };
      for (const { there, here, write } of own) if (value[here] !== undefined) copy[there] = write(value[here]);
      if (isCurve) pointsToPeer(copy);
      return copy;
    },
  };
}
