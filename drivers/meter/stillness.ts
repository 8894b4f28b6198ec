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
  #image: Buffer | undefined;
  #since = 0;

  /**
   * @param powerW as the registers say, positive or negative
   * @param stepWh what the energy register counts in
   */
  isStill(image: Buffer, now: UnixSeconds, powerW: number, stepWh: number): boolean {
    if (this.#image === undefined || !this.#image.equals(image)) {
      this.#image = image;
      this.#since = now;
      return false;
    }
    const seconds = now - this.#since;
    const missedWh = (Math.abs(powerW) * seconds) / 3600;
    return seconds >= leastSeconds && missedWh >= Math.max(leastWh, leastSteps * stepWh);
  }
}
