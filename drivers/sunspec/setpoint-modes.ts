import { GridError } from '#hal/errors.ts';
import type { DerRatings, ModeSupport, PowerFactor, VarSetpoint } from '../grid-support.ts';
import { keptTimer } from './kept-timer.ts';
import type { ModeEntry, ModeTable } from './mode-table.ts';
import type { PlacedModel } from './placed-model.ts';
import type { Kept } from './point-writer.ts';
import { excitations, priorities, varReferences, varsMode } from './register-codes.ts';

const [off, on] = [0, 1] as const;

/** A device with coarser steps may round a limit down, never up. */
const keptLimit: Kept = (path, taken, written) =>
  path === 'WMaxLimPct' ? taken !== undefined && taken <= written : taken === written;

const supportFor = (model: PlacedModel, prefix: string): ModeSupport => ({
  reverts: model.has(`${prefix}RvrtTms`, `${prefix}EnaRvrt`) ? 'toValue' : 'never',
  ramps: false,
});

/** The setpoints of model 704 and, where the device has it, the permission of 703, in the words of the modes. */
export function setpointModes(
  model: PlacedModel,
  enterService: PlacedModel | undefined,
  ratings: DerRatings,
): ModeTable {
  return {
    limitW: model.has('WMaxLimPctEna', 'WMaxLimPct') ? limit(model, ratings) : undefined,
    targetW: model.has('WSetEna', 'WSet') ? target(model, ratings) : undefined,
    powerFactorInject: model.has('PFWInjEna', 'PFWInj.PF', 'PFWInj.Ext') ? factor(model, 'PFWInj') : undefined,
    powerFactorAbsorb: model.has('PFWAbsEna', 'PFWAbs.PF', 'PFWAbs.Ext') ? factor(model, 'PFWAbs') : undefined,
    fixedVar: model.has('VarSetEna', 'VarSetMod') ? fixedVar(model) : undefined,
    rampRate: model.has('WRmp') ? rampRate(model) : undefined,
    ...(enterService?.has('ES') === true ? permission(enterService) : {}),
  };
}

function limit(model: PlacedModel, { maxW }: DerRatings): ModeEntry<'limitW'> {
  const percent = (w: number): number => model.toRaw('WMaxLimPct', (100 * Math.min(w, maxW)) / maxW, 'down');
  return {
    support: supportFor(model, 'WMaxLimPct'),
    set: (w, { revertSeconds, revertTo }) =>
      model.writeImplemented(
        {
          WMaxLimPctEna: w === null ? off : on,
          WMaxLimPct: percent(w ?? maxW),
          WMaxLimPctRvrt: percent(revertTo ?? maxW),
          WMaxLimPctEnaRvrt: revertTo === undefined ? off : on,
          WMaxLimPctRvrtTms: w === null ? 0 : model.toRaw('WMaxLimPctRvrtTms', revertSeconds),
        },
        'WMaxLimPctEna',
        keptTimer('WMaxLimPctRvrtTms', keptLimit),
      ),
  };
}

function target(model: PlacedModel, { maxW }: DerRatings): ModeEntry<'targetW'> {
  const watts = 1;
  // Toward zero, so that a coarse step never asks for more than was meant.
  const setpoint = (w: number): number => model.toRaw('WSet', Math.min(Math.max(w, -maxW), maxW), 'towardZero');
  return {
    support: supportFor(model, 'WSet'),
    set: (w, { revertSeconds, revertTo }) =>
      model.writeImplemented(
        {
          WSetEna: w === null ? off : on,
          WSetMod: watts,
          WSet: setpoint(w ?? 0),
          WSetRvrt: setpoint(revertTo ?? 0),
          WSetPct: 0,
          WSetPctRvrt: 0,
          WSetEnaRvrt: revertTo === undefined ? off : on,
          WSetRvrtTms: w === null ? 0 : model.toRaw('WSetRvrtTms', revertSeconds),
        },
        'WSetEna',
        keptTimer('WSetRvrtTms', (path, taken, written) => path.startsWith('WSetPct') || taken === written),
      ),
  };
}

function factor(model: PlacedModel, group: 'PFWInj' | 'PFWAbs'): ModeEntry<'powerFactorInject' | 'powerFactorAbsorb'> {
  const points = (of: string, { cosPhi, excitation }: PowerFactor): Record<string, number> => ({
    [`${of}.PF`]: model.toRaw(`${of}.PF`, cosPhi),
    [`${of}.Ext`]: excitations.indexOf(excitation),
  });
  const unity: PowerFactor = { cosPhi: 1, excitation: 'over' };
  return {
    support: supportFor(model, group),
    set: (value, { revertSeconds, revertTo }) =>
      model.writeImplemented(
        {
          ...points(group, value ?? unity),
          ...points(`${group}Rvrt`, revertTo ?? unity),
          [`${group}Ena`]: value === null ? off : on,
          [`${group}EnaRvrt`]: revertTo === undefined ? off : on,
          [`${group}RvrtTms`]: value === null ? 0 : model.toRaw(`${group}RvrtTms`, revertSeconds),
        },
        `${group}Ena`,
        keptTimer(`${group}RvrtTms`),
      ),
  };
}

function fixedVar(model: PlacedModel): ModeEntry<'fixedVar'> {
  const raw = (setpoint: VarSetpoint): { mode: number; vars: number; percent: number } =>
    'var' in setpoint
      ? { mode: varsMode, vars: model.toRaw('VarSet', setpoint.var, 'towardZero'), percent: 0 }
      : {
          mode: varReferences.indexOf(setpoint.of),
          vars: 0,
          percent: model.toRaw('VarSetPct', setpoint.percent, 'towardZero'),
        };
  return {
    support: supportFor(model, 'VarSet'),
    set: async (value, { revertSeconds, revertTo }) => {
      const now = raw(value ?? { percent: 0, of: 'maxVar' });
      const later = revertTo === undefined ? { ...now, vars: 0, percent: 0 } : raw(revertTo);
      if (later.mode !== now.mode) {
        throw new GridError('GTX-SUN-008', 'A fixed var reverts to one of the same unit and reference only');
      }
      if (!model.has(now.mode === varsMode ? 'VarSet' : 'VarSetPct')) {
        throw new GridError(
          'GTX-SUN-008',
          `The device takes no reactive power in ${now.mode === varsMode ? 'var' : '%'}`,
        );
      }
      await model.writeImplemented(
        {
          VarSetEna: value === null ? off : on,
          VarSetMod: now.mode,
          VarSetPri: priorities.indexOf('reactive'),
          VarSet: now.vars,
          VarSetRvrt: later.vars,
          VarSetPct: now.percent,
          VarSetPctRvrt: later.percent,
          VarSetEnaRvrt: revertTo === undefined ? off : on,
          VarSetRvrtTms: value === null ? 0 : model.toRaw('VarSetRvrtTms', revertSeconds),
        },
        'VarSetEna',
        keptTimer('VarSetRvrtTms', (path, taken, written) => path === 'VarSetPri' || taken === written),
      );
    },
  };
}

const holds: ModeSupport = { reverts: 'never', ramps: false };

function rampRate(model: PlacedModel): ModeEntry<'rampRate'> {
  const ofMaxW = 1;
  const own = model.raw('WRmp')!;
  return {
    support: holds,
    set: async (rate) => {
      const WRmp = rate === null ? own : model.toRaw('WRmp', rate, 'down');
      // 0 stands for no ramp at all.
      if (WRmp === 0)
        throw new GridError('GTX-SUN-008', `The slowest ramp of the device is 1 % a second, not ${rate} %`);
      await model.writeImplemented({ WRmp, WRmpRef: ofMaxW }, 'WRmp');
    },
  };
}

const enterServicePoints = {
  ESVHi: 'maxVoltagePercent',
  ESVLo: 'minVoltagePercent',
  ESHzHi: 'maxHz',
  ESHzLo: 'minHz',
  ESDlyTms: 'delaySeconds',
  ESRndTms: 'randomDelaySeconds',
  ESRmpTms: 'rampSeconds',
} as const;

/** Model 703. `null` brings back what the device was set to when the driver started. */
function permission(model: PlacedModel): ModeTable {
  const paths = Object.keys(enterServicePoints) as (keyof typeof enterServicePoints)[];
  const own = Object.fromEntries(paths.map((path) => [path, model.raw(path) ?? 0]));
  return {
    connect: { support: holds, set: (value) => model.writeImplemented({ ES: value === false ? off : on }, 'ES') },
    enterService: {
      support: holds,
      set: (value) => {
        const values =
          value === null
            ? own
            : Object.fromEntries(paths.map((path) => [path, model.toRaw(path, value[enterServicePoints[path]])]));
        return model.writeImplemented(values, 'ESVHi');
      },
    },
  };
}
