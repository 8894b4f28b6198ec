import { GridError } from '#hal/errors.ts';
import type { DerModes, VoltVarCurve } from '../grid-support.ts';
import type { ModeEntry, ModeTable } from './mode-table.ts';
import type { PlacedModel } from './placed-model.ts';
import { varReferences, wattReferences } from './register-codes.ts';
import { controlNames, curveNames, StoredSets } from './stored-sets.ts';

/** What any of the curves may say beside its points. */
type CurveOptions = Pick<VoltVarCurve, 'responseSeconds' | 'vRefPercent'>;

/** What a curve leaves out stays as the device has it active. */
function curveMode<Mode extends 'voltVar' | 'voltWatt' | 'wattVar'>(
  model: PlacedModel,
  x: string,
  y: string,
  referenceOf: (curve: DerModes[Mode]) => number,
): ModeEntry<Mode> {
  const sets = new StoredSets(model, curveNames);
  return {
    support: sets.support(model.raw('NPt') ?? 0),
    set: (curve, { revertSeconds }) =>
      sets.inTurn(async () => {
        await model.refresh();
        if (curve === null) return sets.end();
        const reference = referenceOf(curve);
        if (reference < 0) throw new GridError('GTX-SUN-008', `Model ${model.id} knows no such reference of a curve`);
        const set = sets.workSet();
        const [to, active] = [sets.prefix(set), sets.prefix(0)];
        const values: Record<string, number> = {
          [`${to}ActPt`]: curve.points.length,
          [`${to}DeptRef`]: reference,
          ...responseAndPriority(model, to, active, curve),
        };
        curve.points.forEach((point, i) => {
          values[`${to}Pt[${i}].${x}`] = model.toRaw(`${to}Pt[${i}].${x}`, point.x);
          values[`${to}Pt[${i}].${y}`] = model.toRaw(`${to}Pt[${i}].${y}`, point.y);
        });
        return sets.put(set, values, revertSeconds);
      }),
  };
}

function responseAndPriority(
  model: PlacedModel,
  to: string,
  active: string,
  curve: CurveOptions,
): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [point, value] of [
    ['RspTms', curve.responseSeconds],
    ['VRef', curve.vRefPercent ?? 100],
  ] as const) {
    const own = model.raw(active + point);
    if (own !== undefined) values[to + point] = value === undefined ? own : model.toRaw(to + point, value);
  }
  const priority = model.raw(`${active}Pri`);
  if (priority !== undefined) values[`${to}Pri`] = priority;
  if (model.has(`${active}VRefAutoEna`)) values[`${to}VRefAutoEna`] = 0;
  return values;
}

/** The modes of the models 705, 706, 711 and 712 that the device has. */
export function curveModes(models: ReadonlyMap<number, PlacedModel>): ModeTable {
  const [voltVar, voltWatt, droop, wattVar] = [705, 706, 711, 712].map((id) => models.get(id));
  return {
    voltVar: voltVar && curveMode<'voltVar'>(voltVar, 'V', 'Var', ({ reference }) => varReferences.indexOf(reference)),
    voltWatt:
      voltWatt && curveMode<'voltWatt'>(voltWatt, 'V', 'W', ({ reference }) => wattReferences.indexOf(reference)),
    wattVar: wattVar && curveMode<'wattVar'>(wattVar, 'W', 'Var', ({ reference }) => varReferences.indexOf(reference)),
    freqDroop: droop && droopMode(droop),
  };
}

const droopPoints = {
  DbOf: 'deadbandOverHz',
  DbUf: 'deadbandUnderHz',
  KOf: 'droopOver',
  KUf: 'droopUnder',
  RspTms: 'responseSeconds',
} as const;

function droopMode(model: PlacedModel): ModeEntry<'freqDroop'> {
  const sets = new StoredSets(model, controlNames);
  return {
    support: sets.support(),
    set: (droop, { revertSeconds }) =>
      sets.inTurn(async () => {
        await model.refresh();
        if (droop === null) return sets.end();
        const set = sets.workSet();
        const [to, active] = [sets.prefix(set), sets.prefix(0)];
        const values: Record<string, number> = {};
        for (const [point, name] of Object.entries(droopPoints)) {
          values[to + point] = model.toRaw(to + point, droop[name]);
        }
        const least = model.raw(`${active}PMin`);
        if (least !== undefined) values[`${to}PMin`] = least;
        return sets.put(set, values, revertSeconds);
      }),
  };
}
