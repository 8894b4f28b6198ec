import { GridError } from '#hal/errors.ts';
import type { DerRatings, ModeSupport, VarSetpoint } from '../grid-support.ts';
import { keptTimer } from './kept-timer.ts';
import type { ModeEntry, ModeTable } from './mode-table.ts';
import type { PlacedModel } from './placed-model.ts';
import { legacyVarModes, toEei } from './register-codes.ts';

const [off, on] = [0, 1] as const;

const supportFor = (model: PlacedModel, prefix: string): ModeSupport => ({
  reverts: model.has(`${prefix}_RvrtTms`) ? 'toDefault' : 'never',
  ramps: model.has(`${prefix}_RmpTms`),
});

/**
 * The modes of model 123. Its timers fall back to no control at all: connected, without a limit, at unity power
 * factor and without reactive power.
 */
export function legacyModes(model: PlacedModel, ratings: DerRatings): ModeTable {
  return {
    connect: model.has('Conn') ? connect(model) : undefined,
    limitW: model.has('WMaxLimPct', 'WMaxLim_Ena') ? limit(model, ratings) : undefined,
    powerFactorInject: model.has('OutPFSet', 'OutPFSet_Ena') ? powerFactor(model) : undefined,
    fixedVar: model.has('VArPct_Mod', 'VArPct_Ena') && varModes(model).length > 0 ? vars(model, ratings) : undefined,
  };
}

const connect = (model: PlacedModel): ModeEntry<'connect'> => ({
  support: supportFor(model, 'Conn'),
  set: (value, { revertSeconds }) =>
    model.writeImplemented(
      {
        Conn_WinTms: 0,
        Conn_RvrtTms: value === false ? model.toRaw('Conn_RvrtTms', revertSeconds) : 0,
        Conn: value === false ? off : on,
      },
      'Conn',
      keptTimer('Conn_RvrtTms', (path, taken, written) => path === 'Conn_WinTms' || taken === written),
    ),
});

function limit(model: PlacedModel, { maxW }: DerRatings): ModeEntry<'limitW'> {
  return {
    support: supportFor(model, 'WMaxLimPct'),
    set: (w, { revertSeconds, rampSeconds = 0 }) =>
      model.writeImplemented(
        {
          WMaxLimPct: model.toRaw('WMaxLimPct', (100 * Math.min(w ?? maxW, maxW)) / maxW, 'down'),
          WMaxLimPct_WinTms: 0,
          WMaxLimPct_RvrtTms: w === null ? 0 : model.toRaw('WMaxLimPct_RvrtTms', revertSeconds),
          WMaxLimPct_RmpTms: model.toRaw('WMaxLimPct_RmpTms', rampSeconds),
          WMaxLim_Ena: w === null ? off : on,
        },
        'WMaxLim_Ena',
        keptTimer('WMaxLimPct_RvrtTms', (path, taken, written) => {
          // A device with coarser steps may round a limit down, never up.
          if (path === 'WMaxLimPct') return taken !== undefined && taken <= written;
          return path !== 'WMaxLim_Ena' || taken === written;
        }),
      ),
  };
}

const powerFactor = (model: PlacedModel): ModeEntry<'powerFactorInject'> => ({
  support: supportFor(model, 'OutPFSet'),
  set: (value, { revertSeconds, rampSeconds = 0 }) =>
    model.writeImplemented(
      {
        OutPFSet: model.toRaw('OutPFSet', value === null ? 1 : toEei(value)),
        OutPFSet_WinTms: 0,
        OutPFSet_RvrtTms: value === null ? 0 : model.toRaw('OutPFSet_RvrtTms', revertSeconds),
        OutPFSet_RmpTms: model.toRaw('OutPFSet_RmpTms', rampSeconds),
        OutPFSet_Ena: value === null ? off : on,
      },
      'OutPFSet_Ena',
      keptTimer('OutPFSet_RvrtTms', (path, taken, written) =>
        path === 'OutPFSet' || path === 'OutPFSet_Ena' ? taken === written : true,
      ),
    ),
});

const varModes = (model: PlacedModel): readonly (typeof legacyVarModes)[number][] =>
  legacyVarModes.filter(({ point }) => model.has(point));

function vars(model: PlacedModel, ratings: DerRatings): ModeEntry<'fixedVar'> {
  return {
    support: supportFor(model, 'VArPct'),
    set: async (value, { revertSeconds, rampSeconds = 0 }) => {
      const { mode, point, percent } = inPercent(model, value ?? { percent: 0, of: varModes(model)[0]!.of }, ratings);
      const values = {
        [point]: model.toRaw(point, percent, 'towardZero'),
        VArPct_WinTms: 0,
        VArPct_RvrtTms: value === null ? 0 : model.toRaw('VArPct_RvrtTms', revertSeconds),
        VArPct_RmpTms: model.toRaw('VArPct_RmpTms', rampSeconds),
        VArPct_Mod: mode,
        VArPct_Ena: value === null ? off : on,
      };
      await model.writeImplemented(
        values,
        'VArPct_Ena',
        keptTimer('VArPct_RvrtTms', (path, taken, written) => {
          const mustHold = path === point || path === 'VArPct_Mod' || path === 'VArPct_Ena';
          return !mustHold || taken === written;
        }),
      );
    },
  };
}

/** Vars as a percentage that the device takes. Errors: `GTX-SUN-008` when it takes none for this setpoint. */
function inPercent(
  model: PlacedModel,
  setpoint: VarSetpoint,
  { maxVarInject, maxVarAbsorb }: DerRatings,
): { readonly mode: number; readonly point: string; readonly percent: number } {
  const of = 'var' in setpoint ? 'maxVar' : setpoint.of;
  const kind = varModes(model).find((candidate) => candidate.of === of);
  const fullVar = 'var' in setpoint && setpoint.var < 0 ? maxVarAbsorb : maxVarInject;
  const percent = 'var' in setpoint ? (100 * setpoint.var) / fullVar : setpoint.percent;
  if (kind === undefined || !(Math.abs(percent) <= 100)) {
    const what = 'var' in setpoint ? `${setpoint.var} var` : `reactive power in percent of ${of}`;
    throw new GridError('GTX-SUN-008', `The device takes no ${what}`);
  }
  return { mode: legacyVarModes.indexOf(kind) + 1, point: kind.point, percent };
}
