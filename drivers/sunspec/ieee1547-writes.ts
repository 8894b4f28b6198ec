import type { DeviceImage } from './device-image.ts';
import type { ModelId } from './device-map.ts';
import { tripModels } from './ieee1547-defaults.ts';
import type { RevertingControl } from './revert-timers.ts';

/** Raw values of the twin's scale factors: hundredths of a percent, thousandths of a hertz and of a power factor. */
const hundredPercent = 10_000;
const anySeconds = [0, 0xfffffffe] as const;
const onOff = [0, 1] as const;
const signedPercent = [-hundredPercent, hundredPercent] as const;
/** Curves reach well beyond nominal (IEEE 2030.5: at least to 135 %). */
const voltage = [0, 2 * hundredPercent] as const;
const hertz = [40_000, 80_000] as const;

type Range = readonly [least: number, greatest: number];

const tripRanges = tripModels.flatMap(({ model, magnitude }): [string, Range][] => [
  [`${model}.Ena`, onOff],
  [`${model}.AdptCrvReq`, [1, 3]],
  ...['MustTrip', 'MayTrip', 'MomCess'].flatMap((curve): [string, Range][] => [
    [`${model}.Crv.${curve}.ActPt`, [0, 10]],
    [`${model}.Crv.${curve}.Pt.${magnitude}`, magnitude === 'V' ? voltage : hertz],
    [`${model}.Crv.${curve}.Pt.Tms`, [0, 360_000]],
  ]),
]);

const curveRanges = ([705, 706, 712] as const).flatMap((model): [string, Range][] => [
  [`${model}.Ena`, onOff],
  [`${model}.AdptCrvReq`, [1, 3]],
  [`${model}.RvrtTms`, anySeconds],
  [`${model}.RvrtCrv`, [1, 3]],
  [`${model}.Crv.ActPt`, [2, 10]],
]);

/** What the twin takes, raw, by point without indices; what is not here is refused. */
const ranges: ReadonlyMap<string, Range> = new Map<string, Range>([
  ...tripRanges,
  ...curveRanges,
  ['703.ES', onOff],
  ['703.ESVHi', [10_000, 11_000]],
  ['703.ESVLo', [8_800, 10_000]],
  ['703.ESHzHi', [60_000, 61_000]],
  ['703.ESHzLo', [59_000, 60_000]],
  ['703.ESDlyTms', [0, 600]],
  ['703.ESRndTms', [0, 1_000]],
  ['703.ESRmpTms', [0, 1_000]],
  ['704.PFWInjEna', onOff],
  ['704.PFWInjEnaRvrt', onOff],
  ['704.PFWInjRvrtTms', anySeconds],
  ['704.PFWAbsEna', onOff],
  ['704.PFWAbsEnaRvrt', onOff],
  ['704.PFWAbsRvrtTms', anySeconds],
  ['704.WMaxLimPctEna', onOff],
  ['704.WMaxLimPct', [0, hundredPercent]],
  ['704.WMaxLimPctRvrt', [0, hundredPercent]],
  ['704.WMaxLimPctEnaRvrt', onOff],
  ['704.WMaxLimPctRvrtTms', anySeconds],
  ['704.WSetEna', onOff],
  ['704.WSetMod', onOff],
  ['704.WSetPct', [-100, 100]],
  ['704.WSetPctRvrt', [-100, 100]],
  ['704.WSetEnaRvrt', onOff],
  ['704.WSetRvrtTms', anySeconds],
  ['704.VarSetEna', onOff],
  ['704.VarSetMod', [0, 4]],
  ['704.VarSetPri', onOff],
  ['704.VarSetPct', signedPercent],
  ['704.VarSetPctRvrt', signedPercent],
  ['704.VarSetEnaRvrt', onOff],
  ['704.VarSetRvrtTms', anySeconds],
  ['704.WRmp', [1, 100]],
  ['704.WRmpRef', [1, 1]],
  ['704.VarRmp', [1, 100]],
  ...['PFWInj', 'PFWInjRvrt', 'PFWAbs', 'PFWAbsRvrt'].flatMap((group): [string, Range][] => [
    [`704.${group}.PF`, [1, 1_000]],
    [`704.${group}.Ext`, onOff],
  ]),
  ['715.ControllerHb', [0, 0xfffffffe]],
  ['705.Crv.DeptRef', [0, 3]],
  ['705.Crv.Pri', onOff],
  ['705.Crv.VRef', [9_500, 10_500]],
  ['705.Crv.VRefAutoEna', [0, 0]],
  ['705.Crv.RspTms', [0, 60_000]],
  ['705.Crv.Pt.V', voltage],
  ['705.Crv.Pt.Var', signedPercent],
  ['706.Crv.DeptRef', onOff],
  ['706.Crv.RspTms', [0, 60_000]],
  ['706.Crv.Pt.V', voltage],
  ['706.Crv.Pt.W', signedPercent],
  ['711.Ena', onOff],
  ['711.AdptCtlReq', [1, 3]],
  ['711.RvrtTms', anySeconds],
  ['711.RvrtCtl', [1, 3]],
  ['711.Ctl.DbOf', [0, 1_000]],
  ['711.Ctl.DbUf', [0, 1_000]],
  ['711.Ctl.KOf', [10, 100]],
  ['711.Ctl.KUf', [10, 100]],
  ['711.Ctl.RspTms', [0, 60_000]],
  ['711.Ctl.PMin', [-100, 100]],
  ['712.Crv.DeptRef', [0, 3]],
  ['712.Crv.Pri', onOff],
  ['712.Crv.Pt.W', signedPercent],
  ['712.Crv.Pt.Var', signedPercent],
]);

/** The active set of every curve is read-only: it shows what was adopted. */
const active = /^7\d\d\.(?:Crv|Ctl)\[0\]/;
/** The last one is the factory's. */
const factory = /^7\d\d\.(?:Crv|Ctl)\[2\]/;

/** @param greatest raw values of the points whose range is the rating's: by point, least and greatest */
export function isAccepted(name: string, raw: number, greatest: ReadonlyMap<string, Range>): boolean {
  const range = greatest.get(name) ?? rangeOf(name);
  return range !== undefined && raw >= range[0] && raw <= range[1];
}

/** By the names that were asked for, of which there are no more than points. */
const rangesByName = new Map<string, Range | undefined>();

/** Undefined for what is not to be written. */
function rangeOf(name: string): Range | undefined {
  if (!rangesByName.has(name)) {
    const isFixed = active.test(name) || factory.test(name);
    rangesByName.set(name, isFixed ? undefined : ranges.get(name.replaceAll(/\[\d+\]/g, '')));
  }
  return rangesByName.get(name);
}

/** A model whose sets are stored, and adopted by their number. */
interface Adoption {
  readonly model: ModelId;
  readonly group: 'Crv' | 'Ctl';
  readonly request: string;
  readonly result: string;
  /** Whether the stored set makes sense; the twin refuses to adopt it otherwise. */
  readonly isSound: (image: DeviceImage, set: string) => boolean;
}

/** x never falls from point to point. */
function rises(image: DeviceImage, model: ModelId, set: string, x: string): boolean {
  const count = image.value(model, `${set}ActPt`);
  const at = (i: number): number => image.value(model, `${set}Pt[${i}].${x}`);
  for (let i = 1; i < count; i++) if (at(i) < at(i - 1)) return false;
  return true;
}

const storing: readonly Adoption[] = [
  ...([705, 706, 712] as const).map(
    (model): Adoption => ({
      model,
      group: 'Crv',
      request: 'AdptCrvReq',
      result: 'AdptCrvRslt',
      isSound: (image, set) => rises(image, model, set, model === 712 ? 'W' : 'V'),
    }),
  ),
  ...tripModels.map(
    ({ model }): Adoption => ({
      model,
      group: 'Crv',
      request: 'AdptCrvReq',
      result: 'AdptCrvRslt',
      isSound: (image, set) =>
        ['MustTrip.', 'MayTrip.', 'MomCess.'].every((curve) => rises(image, model, set + curve, 'Tms')),
    }),
  ),
  {
    model: 711,
    group: 'Ctl',
    request: 'AdptCtlReq',
    result: 'AdptCtlRslt',
    isSound: () => true,
  },
];

/** With the name by which a write of their request is told. */
export const adoptions = storing.map((adoption) => ({
  ...adoption,
  requestName: `${adoption.model}.${adoption.request}`,
}));

const completed = 1;
const failed = 2;

/** Makes a stored set, counted from 1, the active one, and shows the result. */
export function adopt(image: DeviceImage, { model, group, result, isSound }: Adoption, set: number): void {
  const from = `${group}[${set - 1}].`;
  const readOnly = `${group}[0].ReadOnly`;
  const isAdopted = isSound(image, from);
  if (isAdopted) {
    image.copy(model, from, `${group}[0].`);
    image.set(model, { [readOnly]: 1 });
  }
  image.set(model, { [result]: isAdopted ? completed : failed });
}

/** A setpoint of model 704: each of its values has one that it reverts to. */
const setpoint = (
  prefix: string,
  values: readonly (readonly [value: string, reversion: string])[],
): RevertingControl => ({
  model: 704,
  points: [
    `${prefix}Ena`,
    `${prefix}EnaRvrt`,
    `${prefix}RvrtTms`,
    ...values.flat(),
    ...(prefix === 'WSet' ? ['WSetMod'] : []),
    ...(prefix === 'VarSet' ? ['VarSetMod', 'VarSetPri'] : []),
  ],
  timer: `${prefix}RvrtTms`,
  remaining: `${prefix}RvrtRem`,
  isActive: (image) => image.value(704, `${prefix}Ena`) === 1,
  revert: (image) => {
    for (const [value, reversion] of [[`${prefix}Ena`, `${prefix}EnaRvrt`] as const, ...values]) {
      image.set(704, { [value]: image.point(704, reversion).get()! });
    }
  },
});

const powerFactorPoints = (prefix: string): readonly (readonly [string, string])[] => [
  [`${prefix}.PF`, `${prefix}Rvrt.PF`],
  [`${prefix}.Ext`, `${prefix}Rvrt.Ext`],
];

const curve = (model: 705 | 706 | 711 | 712): RevertingControl => {
  const adoption = adoptions.find((candidate) => candidate.model === model)!;
  const reversion = `Rvrt${adoption.group}`;
  return {
    model,
    points: ['Ena', 'RvrtTms', reversion, adoption.request],
    timer: 'RvrtTms',
    remaining: 'RvrtRem',
    isActive: (image) => image.value(model, 'Ena') === 1,
    revert: (image) => adopt(image, adoption, image.value(model, reversion)),
  };
};

export const revertingControls: readonly RevertingControl[] = [
  setpoint('PFWInj', powerFactorPoints('PFWInj')),
  setpoint('PFWAbs', powerFactorPoints('PFWAbs')),
  setpoint('WMaxLimPct', [['WMaxLimPct', 'WMaxLimPctRvrt']]),
  setpoint('WSet', [
    ['WSet', 'WSetRvrt'],
    ['WSetPct', 'WSetPctRvrt'],
  ]),
  setpoint('VarSet', [
    ['VarSet', 'VarSetRvrt'],
    ['VarSetPct', 'VarSetPctRvrt'],
  ]),
  curve(705),
  curve(706),
  curve(711),
  curve(712),
];
