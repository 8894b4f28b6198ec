import type { SiteSample } from '../sampler.ts';
import { moved, type Moves } from './moves.ts';
import type { Plant } from './plant.ts';
import type { LimitName } from './power-plan.ts';

/** What was ordered last; W. */
export interface Ordered {
  readonly storageW: number;
  readonly pvW: number | null;
}

/** What the building draws, as far as it is known. */
export interface SeenLoad {
  readonly lowW: number;
  readonly highW: number;
  /** What it draws at least whatever a silent inverter gives; `lowW` where it is not silent. */
  readonly sureW?: number;
}

/** The site as far as it is known, W; what a device does not tell is taken from what the others do. */
export interface SiteView {
  /** `undefined` without the meter. */
  readonly load: SeenLoad | undefined;
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

/**
 * A device that does not answer may do what it was last told; the clamps know better where they work. Where they see
 * the connection point only, what they show less the others is load and silent device together, which is all that the
 * limits of import and export are about.
 */
export function viewOf(sample: SiteSample, plant: Plant, ordered: Ordered, before: Moves): SiteView {
  const { time, gridW, loadW } = sample;
  const ratedPvW = plant.inverter?.ratedW ?? 0;
  const storageW = plant.battery === undefined ? 0 : (sample.battery?.powerW ?? ordered.storageW);
  const restW = gridW === undefined || loadW === undefined ? undefined : loadW - gridW - storageW;
  const pvW =
    plant.inverter === undefined
      ? 0
      : (sample.inverter?.powerW ?? Math.max(0, restW ?? Math.min(ratedPvW, ordered.pvW ?? ratedPvW)));
  const isPvSeen = plant.inverter === undefined || sample.inverter !== undefined;
  const load = loadAt(gridW, loadW, { pvW, storageW, isPvSeen });
  const isPvCapped = isPvSeen && ordered.pvW !== null && pvW >= ordered.pvW - cappedShare * ratedPvW;
  const isSilent = plant.battery !== undefined && sample.battery === undefined;
  const isStray = Math.abs(storageW - ordered.storageW) > followsShare * (plant.battery?.ratedW ?? 0);
  return {
    load,
    pvW,
    isPvCapped,
    storageW,
    strayW: isStray || isSilent ? storageW : undefined,
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

interface SeenDevices {
  readonly pvW: number;
  readonly storageW: number;
  readonly isPvSeen: boolean;
}

/** Clamps and devices may disagree by what they leave out: the worse of both counts. */
function loadAt(
  gridW: number | undefined,
  loadW: number | undefined,
  { pvW, storageW, isPvSeen }: SeenDevices,
): SeenLoad | undefined {
  if (gridW === undefined) return loadW === undefined ? undefined : { lowW: loadW, highW: loadW };
  const derivedW = gridW + pvW + storageW;
  if (loadW !== undefined) return { lowW: Math.min(loadW, derivedW), highW: Math.max(loadW, derivedW) };
  const both = { lowW: derivedW, highW: derivedW };
  return isPvSeen ? both : { ...both, sureW: Math.max(0, gridW + storageW) };
}
