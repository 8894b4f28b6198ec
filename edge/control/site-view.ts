import type { SiteSample } from '../sampler.ts';
import { moved, type Moves } from './moves.ts';
import type { Plant } from './plant.ts';
import type { LimitName } from './power-plan.ts';

/** What was ordered last; W. */
export interface Ordered {
  readonly storageW: number;
  readonly pvW: number | null;
}

/** The site as far as it is known, W; what a device does not tell is taken from what the others do. */
export interface SiteView {
  /** `undefined` without the meter. */
  readonly load: { readonly lowW: number; readonly highW: number } | undefined;
  readonly pvW: number;
  /** PV gives as much as it is allowed to. */
  readonly isPvCapped: boolean;
  readonly storageW: number;
  /** What the storage does, where that is not what it was told. */
  readonly strayW: number | undefined;
  readonly moves: Moves;
  /** What each limit is about; `undefined` where it is not seen. */
  readonly powers: Readonly<Record<LimitName, number | undefined>>;
}

/** Shares of a rating: what still counts as doing what was told, and as being at the limit. */
const followsShare = 0.02;
const cappedShare = 0.005;

/** An inverter that does not answer may give all that its limit allows; the clamps know better where they work. */
export function viewOf(sample: SiteSample, plant: Plant, ordered: Ordered, before: Moves): SiteView {
  const { time, gridW, loadW } = sample;
  const ratedPvW = plant.inverter?.ratedW ?? 0;
  const storageW = plant.battery === undefined ? 0 : (sample.battery?.powerW ?? ordered.storageW);
  const restW = gridW === undefined || loadW === undefined ? undefined : loadW - gridW - storageW;
  const pvW =
    plant.inverter === undefined
      ? 0
      : (sample.inverter?.powerW ?? Math.max(0, restW ?? Math.min(ratedPvW, ordered.pvW ?? ratedPvW)));
  const load = loadAt(gridW, loadW, pvW + storageW);
  const isPvCapped = ordered.pvW !== null && pvW >= ordered.pvW - cappedShare * ratedPvW;
  const isStray = Math.abs(storageW - ordered.storageW) > followsShare * (plant.battery?.ratedW ?? 0);
  return {
    load,
    pvW,
    isPvCapped,
    storageW,
    strayW: isStray ? storageW : undefined,
    moves: moved(before, time, loadW, isPvCapped ? undefined : sample.inverter?.powerW),
    powers: {
      export: load && pvW + storageW - load.lowW,
      import: load && load.highW - pvW - storageW,
      generation: pvW + Math.max(0, storageW),
      load: load && load.highW + Math.max(0, -storageW),
      output: pvW + storageW,
    },
  };
}

/** Clamps and devices may disagree by what they leave out: the worse of both counts. */
function loadAt(gridW: number | undefined, loadW: number | undefined, derW: number): SiteView['load'] {
  if (loadW === undefined) return undefined;
  const derivedW = gridW === undefined ? loadW : gridW + derW;
  return { lowW: Math.min(loadW, derivedW), highW: Math.max(loadW, derivedW) };
}
