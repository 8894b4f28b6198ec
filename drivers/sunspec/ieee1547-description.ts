import type { CurvePoint, TripPoint } from '../grid-support.ts';
import { type DeviceImage, exponentFor } from './device-image.ts';
import {
  defaultEnterService,
  defaultFreqDroop,
  neutralCurves,
  type TripCurves,
  tripModels,
  varShare,
} from './ieee1547-defaults.ts';
import { models } from './models.generated.ts';
import { nominalVolts } from './nominal-grid.ts';

const ac = models[701].points;
/** 702 `CtrlModes`: all but dynamic reactive current and schedules, which have no models here. */
const controlModes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13].reduce((bits, bit) => bits + 2 ** bit, 0);
/** Curves of `ReadOnly`. */
const [readWrite, readOnly] = [0, 1] as const;
const completed = 1;
/** Sets of curves: the active one, one to write, and the factory's, to which the device reverts. */
export const curveSets = 3;
/** IEEE 2030.5 gives a curve at most ten. */
export const curvePoints = 10;

export interface DeviceDescription {
  /** Model 1 `Md`. */
  readonly model: string;
  readonly serial: string;
  readonly ratedW: number;
  /** Of it, what is above the active power is left for reactive power. */
  readonly apparentVA: number;
  /** The greatest power absorbed, W; 0 for a generator. */
  readonly chargeW: number;
}

/** Models 1, 701 and 702. */
export function describeDevice(image: DeviceImage, device: DeviceDescription): void {
  const { model, serial, ratedW, apparentVA, chargeW } = device;
  image.setText(1, 'Mn', 'GridTokenX');
  image.setText(1, 'Md', model);
  image.setText(1, 'SN', serial);
  const powerExponent = exponentFor(apparentVA, 0x7fff);
  const ampsExponent = exponentFor(apparentVA / nominalVolts.lineToNeutral, 0x7fff / 10) - 1;
  const powers = { W_SF: powerExponent, VA_SF: powerExponent, Var_SF: powerExponent };
  image.set(701, { ...powers, PF_SF: -3, A_SF: ampsExponent, V_SF: -1, Hz_SF: -3, TotWh_SF: 0 });
  image.set(701, { ACType: ac.ACType.symbols.THREE_PHASE, DERMode: 1 });
  const ratingExponent = exponentFor(apparentVA, 0xfffe);
  image.set(702, { W_SF: ratingExponent, VA_SF: ratingExponent, Var_SF: ratingExponent, V_SF: 0 });
  const maxVar = Math.floor(varShare * apparentVA);
  image.setValues(702, { WMaxRtg: ratedW, VAMaxRtg: apparentVA, VarMaxInjRtg: maxVar, VarMaxAbsRtg: maxVar });
  image.setValues(702, { WMax: ratedW, VAMax: apparentVA, VarMaxInj: maxVar, VarMaxAbs: maxVar });
  if (chargeW > 0) {
    const rates = { WChaRteMaxRtg: chargeW, WDisChaRteMaxRtg: ratedW, WChaRteMax: chargeW, WDisChaRteMax: ratedW };
    image.setValues(702, rates);
  }
  image.setValues(702, { VNomRtg: nominalVolts.lineToLine, VNom: nominalVolts.lineToLine });
  image.set(702, { NorOpCatRtg: 1, AbnOpCatRtg: 2, CtrlModes: controlModes });
}

/** Model 704: everything switched off. */
export function describeControls(image: DeviceImage): void {
  const scales = { PF_SF: -3, WMaxLimPct_SF: -2, WSet_SF: 0, WSetPct_SF: 0, VarSet_SF: 0, VarSetPct_SF: -2 };
  image.set(704, scales);
  for (const group of ['PFWInj', 'PFWAbs']) {
    image.set(704, { [`${group}Ena`]: 0, [`${group}EnaRvrt`]: 0, [`${group}RvrtTms`]: 0, [`${group}RvrtRem`]: 0 });
    image.setValues(704, { [`${group}.PF`]: 1, [`${group}.Ext`]: 0, [`${group}Rvrt.PF`]: 1, [`${group}Rvrt.Ext`]: 0 });
  }
  image.setValues(704, { WMaxLimPctEna: 0, WMaxLimPct: 100, WMaxLimPctRvrt: 100, WMaxLimPctEnaRvrt: 0 });
  image.set(704, { WMaxLimPctRvrtTms: 0, WMaxLimPctRvrtRem: 0, WSetEna: 0, WSetMod: 1, WSet: 0, WSetRvrt: 0 });
  image.set(704, { WSetPct: 0, WSetPctRvrt: 0, WSetEnaRvrt: 0, WSetRvrtTms: 0, WSetRvrtRem: 0 });
  image.set(704, {
    VarSetEna: 0,
    VarSetMod: 1,
    VarSetPri: 1,
    VarSet: 0,
    VarSetRvrt: 0,
    VarSetPct: 0,
    VarSetPctRvrt: 0,
  });
  image.set(704, { VarSetEnaRvrt: 0, VarSetRvrtTms: 0, VarSetRvrtRem: 0, WRmp: 100, WRmpRef: 1, VarRmp: 100 });
}

/** Model 703: in service. */
export function describeEnterService(image: DeviceImage): void {
  const enter = defaultEnterService;
  image.set(703, { V_SF: -2, Hz_SF: -3, ES: 1, ESDlyRemTms: 0 });
  image.setValues(703, { ESVHi: enter.maxVoltagePercent, ESVLo: enter.minVoltagePercent });
  image.setValues(703, { ESHzHi: enter.maxHz, ESHzLo: enter.minHz, ESDlyTms: enter.delaySeconds });
  image.setValues(703, { ESRndTms: enter.randomDelaySeconds, ESRmpTms: enter.rampSeconds });
}

/** Models 705, 706 and 712: off, and all their curves neutral. */
export function describeCurves(image: DeviceImage): void {
  image.set(705, { V_SF: -2, DeptRef_SF: -2, RspTms_SF: -2 });
  image.set(706, { V_SF: -2, DeptRef_SF: -2, RspTms_SF: -2 });
  image.set(712, { W_SF: -2, DeptRef_SF: -2 });
  for (const [model, x, y] of [
    [705, 'V', 'Var'],
    [706, 'V', 'W'],
    [712, 'W', 'Var'],
  ] as const) {
    image.set(model, { Ena: 0, AdptCrvReq: 1, AdptCrvRslt: completed, RvrtTms: 0, RvrtRem: 0, RvrtCrv: curveSets });
    forEachSet((set, access) => {
      const prefix = `Crv[${set}].`;
      image.set(model, { [`${prefix}ReadOnly`]: access, [`${prefix}DeptRef`]: model === 706 ? 0 : 1 });
      if (model !== 706) image.set(model, { [`${prefix}Pri`]: 1 });
      if (model !== 712) image.setValues(model, { [`${prefix}RspTms`]: model === 705 ? 5 : 10 });
      if (model === 705) image.setValues(705, { [`${prefix}VRef`]: 100, [`${prefix}VRefAutoEna`]: 0 });
      setPoints(image, model, prefix, x, y, neutralCurves[model]);
    });
  }
}

const forEachSet = (describe: (set: number, access: number) => void): void => {
  for (let set = 0; set < curveSets; set++) describe(set, set === 1 ? readWrite : readOnly);
};

/** Unused points hold the last one, so that they are there to be written. */
function setPoints(
  image: DeviceImage,
  model: 705 | 706 | 712,
  prefix: string,
  x: string,
  y: string,
  points: readonly CurvePoint[],
): void {
  image.set(model, { [`${prefix}ActPt`]: points.length });
  for (let i = 0; i < curvePoints; i++) {
    const point = points[i] ?? points.at(-1)!;
    image.setValues(model, { [`${prefix}Pt[${i}].${x}`]: point.x, [`${prefix}Pt[${i}].${y}`]: point.y });
  }
}

/**
 * Model 711: on, as IEEE 1547-2018 asks for.
 * @param minPercent of the maximum power: where a falling droop ends
 */
export function describeDroop(image: DeviceImage, minPercent: number): void {
  const droop = defaultFreqDroop;
  image.set(711, { Db_SF: -3, K_SF: -3, RspTms_SF: -2, Ena: 1, AdptCtlReq: 1, AdptCtlRslt: completed });
  image.set(711, { RvrtTms: 0, RvrtRem: 0, RvrtCtl: curveSets });
  forEachSet((set, access) => {
    const prefix = `Ctl[${set}].`;
    image.setValues(711, {
      [`${prefix}DbOf`]: droop.deadbandOverHz,
      [`${prefix}DbUf`]: droop.deadbandUnderHz,
      [`${prefix}KOf`]: droop.droopOver,
      [`${prefix}KUf`]: droop.droopUnder,
      [`${prefix}RspTms`]: droop.responseSeconds,
      [`${prefix}PMin`]: minPercent,
      [`${prefix}ReadOnly`]: access,
    });
  });
}

/** Models 707 to 710: on, with the default curves in every set. */
export function describeTrips(image: DeviceImage): void {
  for (const { model, magnitude, curves } of tripModels) {
    image.set(model, magnitude === 'V' ? { V_SF: -2 } : { Hz_SF: -3 });
    image.set(model, { Tms_SF: -2, Ena: 1, AdptCrvReq: 1, AdptCrvRslt: completed });
    forEachSet((set, access) => {
      image.set(model, { [`Crv[${set}].ReadOnly`]: access });
      for (const [name, points] of Object.entries(curves) as [keyof TripCurves, readonly TripPoint[]][]) {
        const prefix = `Crv[${set}].${name}.`;
        image.set(model, { [`${prefix}ActPt`]: points.length });
        for (let i = 0; i < curvePoints; i++) {
          const { seconds, magnitude: value } = points[i] ?? points.at(-1) ?? { seconds: 0, magnitude: 0 };
          image.setValues(model, { [`${prefix}Pt[${i}].Tms`]: seconds, [`${prefix}Pt[${i}].${magnitude}`]: value });
        }
      }
    });
  }
}
