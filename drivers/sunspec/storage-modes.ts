import { GridError } from '#hal/errors.ts';
import { keptTimer } from './kept-timer.ts';
import type { ModeEntry, ModeTable } from './mode-table.ts';
import { models } from './models.generated.ts';
import type { PlacedModel } from './placed-model.ts';

/** What 100 % is in model 124, W. */
export interface StorageRates {
  readonly chargeW: number;
  readonly dischargeW: number;
}

/** 124 `StorCtl_Mod`: nothing is asked for; both rates hold. */
const [free, bothRates] = [0, 3] as const;
const fromPvOnly = models[124].points.ChaGriSet.symbols.PV;

/**
 * The setpoint of model 124. Its two rates are the ends of a window, the discharge rate the upper one: to hold a power
 * both are set to it, one of them with the sign of the other direction, as `int16` allows. Its timer falls back to no
 * control at all: the battery's own operation. Errors: `GTX-SUN-004` a battery that may not charge from the grid.
 */
export function storageModes(model: PlacedModel, rates: StorageRates): Pick<ModeTable, 'targetW'> {
  if (!model.has('OutWRte', 'InWRte', 'StorCtl_Mod')) return { targetW: undefined };
  if (model.raw('ChaGriSet') === fromPvOnly) {
    throw new GridError('GTX-SUN-004', 'The battery is set to charge from PV only (124.ChaGriSet)', {
      hint: 'Allow it to charge from the grid in its own settings: the board does not write settings that are kept.',
    });
  }
  return { targetW: target(model, rates) };
}

const target = (model: PlacedModel, { chargeW, dischargeW }: StorageRates): ModeEntry<'targetW'> => ({
  support: {
    reverts: model.has('InOutWRte_RvrtTms') ? 'toDefault' : 'never',
    ramps: model.has('InOutWRte_RmpTms'),
  },
  set: (w, { revertSeconds, rampSeconds = 0 }) => {
    const held = Math.min(Math.max(w ?? 0, -chargeW), dischargeW);
    // Toward zero, so that a coarse step never asks for more than was meant, nor crosses the window's ends.
    const rate = (point: string, percent: number): number => model.toRaw(point, percent, 'towardZero');
    return model.writeImplemented(
      {
        OutWRte: rate('OutWRte', w === null ? 100 : (100 * held) / dischargeW),
        InWRte: rate('InWRte', w === null ? 100 : (-100 * held) / chargeW),
        InOutWRte_WinTms: 0,
        InOutWRte_RvrtTms: w === null ? 0 : model.toRaw('InOutWRte_RvrtTms', revertSeconds),
        InOutWRte_RmpTms: model.toRaw('InOutWRte_RmpTms', rampSeconds),
        StorCtl_Mod: w === null ? free : bothRates,
      },
      'StorCtl_Mod',
      keptTimer('InOutWRte_RvrtTms', (path, taken, written) => {
        // A device with coarser steps may come nearer to rest, never further from it.
        if (path.endsWith('WRte')) return taken !== undefined && isWithin(taken, written);
        return path !== 'StorCtl_Mod' || taken === written;
      }),
    );
  },
});

const isWithin = (taken: number, written: number): boolean =>
  Math.min(0, written) <= taken && taken <= Math.max(0, written);
