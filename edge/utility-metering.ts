import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { BoardFile } from './board-file.ts';
import type { Connection } from './client/connection.ts';
import type { Resources } from './client/discovery.ts';
import type { UtilityClient } from './client/utility-client.ts';
import { UtilityMirror } from './client/utility-mirror.ts';
import { MirroredPlace } from './mirrored-place.ts';
import { Outbox } from './outbox.ts';
import type { OutboxFile } from './outbox-file.ts';
import type { BoardDevices, GridReadings, SiteSample } from './sampler.ts';
import { placesOf } from './utility-places.ts';

export interface UtilityMeteringOptions {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly connection: Connection;
  readonly utility: Pick<UtilityClient, 'serverNow' | 'mirrorUsagePoints' | 'view'>;
  /** Of the device that is mirrored. */
  readonly lfdi: Lfdi;
  readonly outboxFile: OutboxFile;
  readonly sampleSeconds: number;
  readonly seed: number;
  readonly log: Log;
  /** Called with the wall milliseconds of every acknowledged post. */
  readonly onPosted: (elapsedMs: number) => void;
}

/**
 * What a utility that is not ours is told of a building: SA TS 5573's two MirrorUsagePoints, of the connection point
 * and of the DERs, each at its own postRate.
 */
export class UtilityMetering {
  readonly #utility: UtilityMeteringOptions['utility'];
  readonly #lfdi: Lfdi;
  readonly #places: readonly MirroredPlace[];

  constructor(options: UtilityMeteringOptions) {
    const { file, devices, connection, utility, lfdi, outboxFile, sampleSeconds, seed, log, onPosted } = options;
    const { meterId } = file;
    this.#utility = utility;
    this.#lfdi = lfdi;
    const listed = (): ReturnType<UtilityClient['mirrorUsagePoints']> => utility.mirrorUsagePoints();
    this.#places = placesOf(devices, file.devices.battery?.capacityWh).map((place) => {
      return new MirroredPlace({
        place,
        outbox: new Outbox(outboxFile, `${meterId}/${place.name}`, [...place.channels.keys()]),
        mirror: new UtilityMirror({ connection, meterId, lfdi, place, listed }),
        sampleSeconds,
        seed,
        log,
        onPosted,
      });
    });
  }

  async take(sample: SiteSample, grid: GridReadings): Promise<void> {
    const at = this.#utility.serverNow();
    await Promise.all(this.#places.map((place) => place.add(at, { sample, grid })));
  }

  /** Whether the server is to be talked to now; not before it shows the device: its client waits for that. */
  isDue(now: UnixSeconds): boolean {
    if (this.#utility.view(this.#lfdi) === undefined) return false;
    const serverNow = this.#utility.serverNow();
    return this.#places.some((place) => place.isDue(now, serverNow));
  }

  /** Posts what is due of each place; rejects as `Connection.post` does, after all of them had their turn. */
  async post({ mirrorUsagePoints }: Resources, now: UnixSeconds): Promise<void> {
    const serverNow = this.#utility.serverNow();
    const failures: unknown[] = [];
    for (const place of this.#places) {
      if (!place.isDue(now, serverNow)) continue;
      try {
        await place.post(mirrorUsagePoints, now, serverNow);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
