import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { type UnixSeconds, Wh } from '#hal/units.ts';
import type { ClampFrame, EnergyMeter, SiteMeter } from '../capabilities.ts';

/**
 * A meter as the meter of a connection point: channel 1 is all of its phases. It is read when a frame is asked for.
 *
 * Errors: those of the meter, and `GTX-MTR-005` no energy registers to count by, or none that could be believed yet ·
 * `006` asked a second time in one second.
 */
export class MeterClamps implements SiteMeter {
  readonly #meter: EnergyMeter;
  readonly #clock: Pick<Clock, 'now'>;
  #starting: Promise<void> | undefined;

  constructor(meter: EnergyMeter, clock: Pick<Clock, 'now'>) {
    this.#meter = meter;
    this.#clock = clock;
  }

  start(): Promise<void> {
    this.#starting ??= this.#meter.start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async frameAfter(after: UnixSeconds): Promise<ClampFrame> {
    await this.start();
    const receivedAt = this.#clock.now();
    if (receivedAt <= after) throw new GridError('GTX-MTR-006', 'The meter was read in this second already');
    const { powerW, importWh, exportWh, phases } = await this.#meter.read();
    if (importWh === undefined || exportWh === undefined) {
      throw new GridError('GTX-MTR-005', 'The meter gives no energy that can be believed', {
        hint: 'Right after a start or an exchange of the meter the second reading decides; else check the driver.',
      });
    }
    const milliV = phases[0]?.voltageMilliV;
    return {
      receivedAt,
      // Its registers outlive every restart: a count that never starts again says so.
      message: receivedAt,
      voltsRms: milliV === undefined ? undefined : milliV / 1000,
      channels: [{ powerW, energyWh: Wh(importWh - exportWh) }],
    };
  }

  /** The bus is its owner's. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
