import type { CurvePoint, EnterService, PowerFactor, TripPoint, VarSetpoint } from '../grid-support.ts';
import type { DerSettings, TripSettings } from './der-settings.ts';
import type { DeviceImage } from './device-image.ts';
import type { ModelId } from './device-map.ts';
import { type TripCurves, tripModels } from './ieee1547-defaults.ts';
import { excitations, priorities, varReferences, wattReferences } from './register-codes.ts';

const isOn = (image: DeviceImage, model: ModelId, point: string): boolean => image.value(model, point) === 1;

/** Model 702 and 704. */
export function setpointSettings(
  image: DeviceImage,
): Pick<
  DerSettings,
  | 'maxW'
  | 'maxVA'
  | 'maxVarInject'
  | 'maxVarAbsorb'
  | 'limitW'
  | 'targetW'
  | 'powerFactorInject'
  | 'powerFactorAbsorb'
  | 'fixedVar'
  | 'rampPercent'
  | 'varRampPercent'
> {
  const control = (point: string): number => image.value(704, point);
  const maxW = image.value(702, 'WMax');
  const limitW = Math.floor((control('WMaxLimPct') * maxW) / 100);
  const targetW = control('WSetMod') === 1 ? control('WSet') : Math.trunc((control('WSetPct') * maxW) / 100);
  return {
    maxW,
    maxVA: image.value(702, 'VAMax'),
    maxVarInject: image.value(702, 'VarMaxInj'),
    maxVarAbsorb: image.value(702, 'VarMaxAbs'),
    limitW: isOn(image, 704, 'WMaxLimPctEna') ? limitW : null,
    targetW: isOn(image, 704, 'WSetEna') ? targetW : null,
    powerFactorInject: powerFactor(image, 'PFWInj'),
    powerFactorAbsorb: powerFactor(image, 'PFWAbs'),
    fixedVar: isOn(image, 704, 'VarSetEna')
      ? { setpoint: varSetpoint(image), priority: priorities[control('VarSetPri')]! }
      : null,
    // Through the full range within a second is no ramp at all.
    rampPercent: control('WRmp') % 100,
    varRampPercent: control('VarRmp') % 100,
  };
}

const powerFactor = (image: DeviceImage, group: 'PFWInj' | 'PFWAbs'): PowerFactor | null =>
  isOn(image, 704, `${group}Ena`)
    ? { cosPhi: image.value(704, `${group}.PF`), excitation: excitations[image.value(704, `${group}.Ext`)]! }
    : null;

function varSetpoint(image: DeviceImage): VarSetpoint {
  const of = varReferences[image.value(704, 'VarSetMod')];
  return of === undefined ? { var: image.value(704, 'VarSet') } : { percent: image.value(704, 'VarSetPct'), of };
}

/** Model 703. */
export const enterServiceSettings = (
  image: DeviceImage,
): { readonly isPermitted: boolean; readonly enterService: EnterService } => ({
  isPermitted: isOn(image, 703, 'ES'),
  enterService: {
    maxVoltagePercent: image.value(703, 'ESVHi'),
    minVoltagePercent: image.value(703, 'ESVLo'),
    maxHz: image.value(703, 'ESHzHi'),
    minHz: image.value(703, 'ESHzLo'),
    delaySeconds: image.value(703, 'ESDlyTms'),
    randomDelaySeconds: image.value(703, 'ESRndTms'),
    rampSeconds: image.value(703, 'ESRmpTms'),
  },
});

const pointsOf = (image: DeviceImage, model: ModelId, x: string, y: string): CurvePoint[] =>
  Array.from({ length: image.value(model, 'Crv[0].ActPt') }, (_, i) => ({
    x: image.value(model, `Crv[0].Pt[${i}].${x}`),
    y: image.value(model, `Crv[0].Pt[${i}].${y}`),
  }));

/** Models 705, 706, 711 and 712: their active sets. */
export function curveSettings(image: DeviceImage): Pick<DerSettings, 'voltVar' | 'voltWatt' | 'freqDroop' | 'wattVar'> {
  const active = (model: ModelId, point: string): number => image.value(model, `Crv[0].${point}`);
  const droop = (point: string): number => image.value(711, `Ctl[0].${point}`);
  return {
    voltVar: isOn(image, 705, 'Ena')
      ? {
          points: pointsOf(image, 705, 'V', 'Var'),
          reference: varReferences[active(705, 'DeptRef')]!,
          responseSeconds: active(705, 'RspTms'),
          vRefPercent: active(705, 'VRef'),
          priority: priorities[active(705, 'Pri')]!,
        }
      : null,
    voltWatt: isOn(image, 706, 'Ena')
      ? {
          points: pointsOf(image, 706, 'V', 'W'),
          reference: wattReferences[active(706, 'DeptRef')]!,
          responseSeconds: active(706, 'RspTms'),
        }
      : null,
    freqDroop: isOn(image, 711, 'Ena')
      ? {
          deadbandOverHz: droop('DbOf'),
          deadbandUnderHz: droop('DbUf'),
          droopOver: droop('KOf'),
          droopUnder: droop('KUf'),
          responseSeconds: droop('RspTms'),
          minPercent: droop('PMin'),
        }
      : null,
    wattVar: isOn(image, 712, 'Ena')
      ? {
          points: pointsOf(image, 712, 'W', 'Var'),
          reference: varReferences[active(712, 'DeptRef')]!,
          priority: priorities[active(712, 'Pri')]!,
        }
      : null,
  };
}

/** Models 707 to 710: the active set of each that is switched on. */
export function tripSettings(image: DeviceImage): readonly TripSettings[] {
  return tripModels
    .filter(({ model }) => isOn(image, model, 'Ena'))
    .map(({ model, magnitude, quantity, side }) => {
      const curve = (name: keyof TripCurves): TripPoint[] =>
        Array.from({ length: image.value(model, `Crv[0].${name}.ActPt`) }, (_, i) => ({
          seconds: image.value(model, `Crv[0].${name}.Pt[${i}].Tms`),
          magnitude: image.value(model, `Crv[0].${name}.Pt[${i}].${magnitude}`),
        }));
      return { quantity, side, mustTrip: curve('MustTrip'), momentaryCessation: curve('MomCess') };
    });
}
