import { serverMrid } from './identifiers.ts';
import type { Modes, UtilityProgram } from './utility/state.ts';
import { element, field } from './xml.ts';

/** DERCurveType and DERUnitRefType of IEEE 2030.5-2018. */
export const curveTypes = {
  opModFreqWatt: 0,
  opModHFRTMustTrip: 2,
  opModHVRTMustTrip: 5,
  opModLFRTMustTrip: 7,
  opModLVRTMustTrip: 10,
  opModVoltVar: 11,
  opModVoltWatt: 12,
} as const;
export type CurveMode = keyof typeof curveTypes;
export const reference = { none: 0, setMaxW: 1, setMaxVar: 2 } as const;

/** Adds a curve to a program; the points are in the curve's units, held to a hundredth. */
export function addCurve(
  program: UtilityProgram,
  mode: CurveMode,
  points: readonly (readonly [x: number, y: number])[],
  yRefType: number,
): Modes {
  const id = program.curves.length + 1;
  const mrid = serverMrid(7, id);
  const data = points.map(([x, y]) =>
    element('CurveData', {}, field('xvalue', Math.round(x * 100)), field('yvalue', Math.round(y * 100))),
  );
  const xml = [
    field('mRID', mrid),
    field('description', mode),
    field('creationTime', 1_781_000_000),
    ...data,
    field('curveType', curveTypes[mode]),
    field('xMultiplier', -2),
    field('yMultiplier', -2),
    field('yRefType', yRefType),
  ].join('');
  program.curves.push({ id, mrid, curveType: curveTypes[mode], xml });
  return { [mode]: { xml: '', href: `/edev/1/derp/${program.id}/dc/${id}` } };
}
