import type { DerMode } from '#drivers/grid-support.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Seen } from '#ieee2030_5/events/life.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type { DERControl } from '#ieee2030_5/types.generated.ts';
import { deviceModes } from './grid-modes.ts';
import { boardModes } from './limits.ts';
import type { Plant } from './plant.ts';

/** Asked every second while something is set; a plant does not change, another takes its place. */
const known = new WeakMap<Plant, ReadonlySet<keyof DERModes>>();

/** The modes that a plant carries out: by what the board tells it every second, or by a device of its own. */
export function supportedModes(plant: Plant): ReadonlySet<keyof DERModes> {
  let modes = known.get(plant);
  if (modes === undefined) known.set(plant, (modes = modesOf(plant)));
  return modes;
}

function modesOf({ inverter, battery }: Plant): ReadonlySet<keyof DERModes> {
  if (inverter === undefined && battery === undefined) return new Set();
  const has = (mode: DerMode): boolean => [inverter, battery].some((each) => each?.modes.has(mode) === true);
  const own = [...deviceModes].flatMap(([mode, device]) => (has(device) ? [mode] : []));
  const enter = has('enterService') ? enterServiceSettings : [];
  const board = boardModes.filter((mode) => battery !== undefined || mode !== 'opModStorageTargetW');
  return new Set([...board, ...own, ...enter]);
}

const enterServiceSettings = [
  'setESDelay',
  'setESHighFreq',
  'setESHighVolt',
  'setESLowFreq',
  'setESLowVolt',
  'setESRampTms',
  'setESRandomDelay',
] as const satisfies readonly (keyof DERModes)[];

/** Events of which the plant can carry out nothing (Response.status 252), by mRID. */
export function notApplicable(
  controls: readonly DERControl[],
  supported: ReadonlySet<keyof DERModes>,
): NonNullable<Seen<DERModes>['rejected']> {
  const rejected = controls.flatMap(({ mRID, DERControlBase: base }) => {
    const present = Object.entries(base).filter(([mode, value]) => mode !== 'rampTms' && value !== undefined);
    const asked = present.map(([mode]) => mode as keyof DERModes);
    const isRejected = asked.length > 0 && asked.every((mode) => !supported.has(mode));
    return isRejected ? [[formatMrid(mRID), 'rejectedNotApplicable'] as const] : [];
  });
  return new Map(rejected);
}
