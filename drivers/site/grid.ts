import { normal, seedOf, uniform } from '#hal/random.ts';

/** The grid at the connection point. */
export interface GridCondition {
  /** Of the nominal voltage, 0 and up. */
  readonly voltagePercent: number;
  readonly frequencyHz: number;
}

/** The grid at each Unix second: a pure function of time, so that a campus that restarts meets the same grid. */
export type GridSource = (time: number) => GridCondition;

/** As on a campus in the United States. */
export const nominalGrid: GridCondition = { voltagePercent: 100, frequencyHz: 60 };

/** Of the voltage: what a load that switches somewhere near makes of it from one second to the next. */
const flickerShare = 0.0015;

/**
 * By how much the voltage of a second differs from what is scheduled, as a factor: never the same for long, as little as
 * no protection takes notice of.
 * @param seed of the place: others see others
 */
export const flickerAt = (seed: number, time: number): number => 1 + flickerShare * (2 * uniform(seed, time) - 1);

export interface GridChange extends Partial<GridCondition> {
  /** Unix second from which it holds. */
  readonly from: number;
}

/** Nominal until the first change; what a change leaves out stays as it was. Changes come in the order of time. */
export function scheduledGrid(changes: readonly GridChange[]): GridSource {
  const steps: { readonly from: number; readonly grid: GridCondition }[] = [];
  let grid = nominalGrid;
  for (const { from, voltagePercent = grid.voltagePercent, frequencyHz = grid.frequencyHz } of changes) {
    grid = { voltagePercent, frequencyHz };
    steps.push({ from, grid });
  }
  return (time) => steps.findLast(({ from }) => from <= time)?.grid ?? nominalGrid;
}

/** Seconds that one disturbance lasts at most, and the mean number of hours between two. */
export interface Disturbances {
  readonly hoursBetween: number;
  readonly longestSeconds: number;
}

const slot = 60;
/** Standard deviations of a distribution grid in ordinary operation (ANSI C84.1 range A is ±5 %). */
const voltageSpread = 1.2;
const frequencySpread = 0.012;
/** What goes wrong: sags and swells of the voltage, and frequency away from nominal. */
const disturbanceKinds: readonly GridCondition[] = [
  { voltagePercent: 45, frequencyHz: 60 },
  { voltagePercent: 75, frequencyHz: 60 },
  { voltagePercent: 115, frequencyHz: 60 },
  { voltagePercent: 98, frequencyHz: 59.4 },
  { voltagePercent: 102, frequencyHz: 60.6 },
];

/** A normal value a minute, joined by straight lines. */
function wander(seed: number, time: number): number {
  const minute = Math.floor(time / slot);
  const from = normal(seed, minute);
  return from + (normal(seed, minute + 1) - from) * (time / slot - minute);
}

/**
 * A grid that wanders about nominal, the voltage by minutes joined by straight lines, with disturbances now and then.
 * @param seed of the campus: one grid is everyone's
 */
export function seededGrid(seed: number, { hoursBetween, longestSeconds }: Disturbances): GridSource {
  const [voltage, frequency, disturbance] = ['voltage', 'frequency', 'disturbance'].map((name) =>
    seedOf(seed, name),
  ) as [number, number, number];
  const hour = 3600;
  return (time) => {
    const index = Math.floor(time / hour);
    if (uniform(disturbance, 4 * index) * hoursBetween < 1) {
      const start = index * hour + Math.floor(uniform(disturbance, 4 * index + 1) * (hour - longestSeconds));
      const length = 1 + Math.floor(uniform(disturbance, 4 * index + 2) * longestSeconds);
      const kind = Math.floor(uniform(disturbance, 4 * index + 3) * disturbanceKinds.length);
      if (time >= start && time < start + length) return disturbanceKinds[kind]!;
    }
    return {
      voltagePercent: nominalGrid.voltagePercent + voltageSpread * wander(voltage, time),
      frequencyHz: nominalGrid.frequencyHz + frequencySpread * wander(frequency, time),
    };
  };
}
