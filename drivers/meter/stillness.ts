import type { UnixSeconds } from '#hal/units.ts';

/** A device that shows the same registers for so long while energy should have flowed is taken to stand still. */
const leastSeconds = 60;
/** Energy that must have been missed, in steps of the register, and at least. */
const leastSteps = 10;
const leastWh = 20;

/**
 * Tells a meter that stands still (its bus interface lives, its measurement does not) from a steady load: not one bit
 * changes, though at the power that it shows its energy register should have counted on.
 */
export class StillnessWatch {
  #image: ArrayLike<number | undefined> | undefined;
  #since = 0;

  /**
   * @param image registers or what they say; it is kept, and must not change
   * @param powerW as the registers say, positive or negative
   * @param stepWh what the energy register counts in
   */
  isStill(image: ArrayLike<number | undefined>, now: UnixSeconds, powerW: number, stepWh: number): boolean {
    if (this.#image === undefined || !isSame(this.#image, image)) {
      this.#image = image;
      this.#since = now;
      return false;
    }
    const seconds = now - this.#since;
    const missedWh = (Math.abs(powerW) * seconds) / 3600;
    return seconds >= leastSeconds && missedWh >= Math.max(leastWh, leastSteps * stepWh);
  }
}

function isSame(a: ArrayLike<number | undefined>, b: ArrayLike<number | undefined>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
