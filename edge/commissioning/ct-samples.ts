import type { UnixSeconds } from '#hal/units.ts';
import type { Phase } from '#drivers/register-map.ts';
import { mean } from './ct-statistics.ts';

/** What a clamp is to see. Positive is import for `grid`, what is drawn for `load`. */
export interface CheckedClamp {
  /** Input of the front-end, 1 and up. */
  readonly channel: number;
  readonly sees: 'grid' | 'load';
  /** The line that it is on, where there is one clamp a line. */
  readonly phase?: Phase | undefined;
}

/** One frame of the front-end, and what the others measured at the same time; W, `undefined` where nothing did. */
export interface CtSample {
  readonly time: UnixSeconds;
  /** By input, the first first. */
  readonly clampsW: readonly number[];
  /** By input, where the front-end tells it. */
  readonly powerFactors?: readonly (number | undefined)[];
  /** What inverter and battery give; 0 where there are none. */
  readonly derW: number | undefined;
  /** A meter at the connection point, positive is import; L1 to L3 where it measures lines. */
  readonly meter?: { readonly powerW: number; readonly phasesW: readonly (number | undefined)[] } | undefined;
  /** Which level of a step; `undefined` while it settles, and in all of a passive check. */
  readonly level?: number | undefined;
}

/** Means of some seconds: what differs by a moment's delay between two devices is gone in them. */
export interface Block {
  readonly clampsW: readonly number[];
  readonly derW: number | undefined;
  readonly meterW: number | undefined;
  readonly phasesW: readonly (number | undefined)[];
}

const blockSamples = 5;
const leastBlocks = 6;

/** The levels of a step one by one; without a step runs of frames, at least six of them where there are enough. */
export function blocksOf(samples: readonly CtSample[]): readonly Block[] {
  const isStepped = samples.some(({ level }) => level !== undefined);
  if (!isStepped) {
    const size = Math.max(1, Math.min(blockSamples, Math.floor(samples.length / leastBlocks)));
    const runs = Math.floor(samples.length / size);
    return Array.from({ length: runs }, (_, i) => blockOf(samples.slice(i * size, (i + 1) * size)));
  }
  const levels = Map.groupBy(
    samples.filter(({ level }) => level !== undefined),
    ({ level }) => level,
  );
  return [...levels.values()].map(blockOf);
}

const meanOf = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  return known.length < values.length || known.length === 0 ? undefined : mean(known);
};

function blockOf(samples: readonly CtSample[]): Block {
  const inputs = samples[0]?.clampsW.length ?? 0;
  return {
    clampsW: Array.from({ length: inputs }, (_, i) => mean(samples.map(({ clampsW }) => clampsW[i] ?? 0))),
    derW: meanOf(samples.map(({ derW }) => derW)),
    meterW: meanOf(samples.map(({ meter }) => meter?.powerW)),
    phasesW: [0, 1, 2].map((i) => meanOf(samples.map(({ meter }) => meter?.phasesW[i]))),
  };
}
