import type { DerModes, TripPoint } from '../grid-support.ts';
import { type TripCurves, tripModels } from './ieee1547-defaults.ts';
import type { ModeEntry, ModeTable } from './mode-table.ts';
import type { PlacedModel } from './placed-model.ts';
import { StoredSets, tripNames } from './stored-sets.ts';

type TripMode = {
  [Mode in keyof DerModes]: DerModes[Mode] extends readonly TripPoint[] ? Mode : never;
}[keyof DerModes];
type Curve = keyof TripCurves;

/** The modes that models 707 to 710 hold, by model and curve. */
const modesOf: Readonly<Record<707 | 708 | 709 | 710, Readonly<Partial<Record<Curve, TripMode>>>>> = {
  707: {
    MustTrip: 'lowVoltageMustTrip',
    MayTrip: 'lowVoltageMayTrip',
    MomCess: 'lowVoltageMomentaryCessation',
  },
  708: {
    MustTrip: 'highVoltageMustTrip',
    MayTrip: 'highVoltageMayTrip',
    MomCess: 'highVoltageMomentaryCessation',
  },
  709: { MustTrip: 'lowFrequencyMustTrip', MayTrip: 'lowFrequencyMayTrip' },
  710: { MustTrip: 'highFrequencyMustTrip', MayTrip: 'highFrequencyMayTrip' },
};

const curves = ['MustTrip', 'MayTrip', 'MomCess'] as const;

/** The modes of the models 707 to 710 that the device has. */
export function tripModes(models: ReadonlyMap<number, PlacedModel>): ModeTable {
  const entries = tripModels.flatMap(({ model: id, magnitude }) => {
    const model = models.get(id);
    if (model === undefined) return [];
    const sets = new StoredSets(model, tripNames);
    return Object.entries(modesOf[id]).map(
      ([curve, mode]) => [mode, tripMode(sets, curve as Curve, magnitude)] as const,
    );
  });
  return Object.fromEntries(entries);
}

/**
 * One set holds all three curves: the other two stay as they are active. Trip functions have no timer; `null` brings
 * back the factory's curve where the device keeps it as its last set, else the one that was active at the first order.
 */
function tripMode(sets: StoredSets, curve: Curve, magnitude: 'V' | 'Hz'): ModeEntry<TripMode> {
  const { model } = sets;
  let own: readonly TripPoint[] | undefined;
  const pointsOf = (set: number, of: Curve): TripPoint[] =>
    Array.from({ length: model.raw(`${sets.prefix(set)}${of}.ActPt`) ?? 0 }, (_, i) => {
      const point = `${sets.prefix(set)}${of}.Pt[${i}].`;
      return { seconds: model.value(`${point}Tms`) ?? 0, magnitude: model.value(point + magnitude) ?? 0 };
    });
  return {
    support: sets.support(model.raw('NPt') ?? 0),
    set: (points) =>
      sets.inTurn(async () => {
        await model.refresh();
        own ??= pointsOf(sets.factorySet ?? 0, curve);
        const set = sets.workSet();
        const values: Record<string, number> = {};
        for (const name of curves) {
          const to = `${sets.prefix(set)}${name}.`;
          const wanted = name === curve ? (points ?? own) : pointsOf(0, name);
          values[`${to}ActPt`] = wanted.length;
          wanted.forEach(({ seconds, magnitude: value }, i) => {
            values[`${to}Pt[${i}].Tms`] = model.toRaw(`${to}Pt[${i}].Tms`, seconds);
            values[`${to}Pt[${i}].${magnitude}`] = model.toRaw(`${to}Pt[${i}].${magnitude}`, value);
          });
        }
        await sets.put(set, values, 0);
      }),
  };
}
