import type { Kept } from './point-writer.ts';

/** The timer must run; a device may count in coarser steps or show what is left, but never longer. */
const isArmed = (taken: number | undefined, written: number): boolean =>
  written === 0 || (taken !== undefined && taken > 0 && taken <= written);

/** Judges the point `timer` as a timer, and every other one by `judge`. */
export const keptTimer =
  (timer: string, judge: Kept = (_path, taken, written) => taken === written): Kept =>
  (path, taken, written) =>
    path === timer ? isArmed(taken, written) : judge(path, taken, written);
