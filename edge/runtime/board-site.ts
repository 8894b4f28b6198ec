import { join } from 'node:path';
import type { Clock } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Role } from '#drivers/driver.ts';
import { devicesOf, isEmulated } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';
import { EmulatedBuilding } from '../fleet/emulated-building.ts';
import { FieldStore } from '../fleet/field-store.ts';
import type { BoardDevices, SiteSample } from '../sampler.ts';
import { DeviceFile } from './device-memory.ts';
import { makeDevices } from './make-devices.ts';
import { Wiring } from './wiring.ts';

export interface BoardSiteOptions {
  readonly file: BoardFile;
  readonly clock: Clock;
  /** Where devices and the emulated building keep what they must remember. */
  readonly dataFolder: string;
  readonly seed: number;
}

/** The building's state is kept this often, seconds. */
const keepSeconds = 15;
/** A front-end that sends every ten seconds, as an emonTx does, is as quick as the fault it must tell of. */
const frameSeconds = 10;

/**
 * What a board stands in front of, port by port: real devices, twins in an emulated building, or both. Emulated
 * clamps see what the real devices were last read to give.
 */
export class BoardSite implements AsyncDisposable {
  readonly #options: BoardSiteOptions;
  readonly #resources = new AsyncDisposableStack();
  #building: EmulatedBuilding | undefined;

  constructor(options: BoardSiteOptions) {
    this.#options = options;
  }

  /** Whether a device of the board is emulated. */
  get isEmulated(): boolean {
    const { file } = this.#options;
    return devicesOf(file).some(({ entry }) => isEmulated(file, entry));
  }

  /** Starts the twins and makes the drivers; which of the devices are there is found out when they are started. */
  async start(): Promise<BoardDevices> {
    const { file, clock, dataFolder } = this.#options;
    const wiring = this.#resources.use(new Wiring(file));
    const building = this.isEmulated ? await this.#startBuilding() : undefined;
    const devices = makeDevices({
      file,
      clock,
      wireOf: (device) =>
        building !== undefined && isEmulated(file, device.entry) ? building.wireOf(device) : wiring.wireOf(device),
      memoryOf: (role: Role) => new DeviceFile(join(dataFolder, 'devices', `${role}.json`)),
    });
    for (const device of [devices.meter, devices.ripple, devices.contactor]) if (device) this.#resources.use(device);
    const { clamps } = file.devices;
    return clamps === undefined || isEmulated(file, clamps) ? devices : { ...devices, frameSeconds };
  }

  /** What the real devices give goes into the emulated building, where there is one. */
  follow(sample: SiteSample): void {
    this.#building?.follow({ pvW: sample.inverter?.powerW ?? 0, batteryW: sample.battery?.powerW ?? 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #startBuilding(): Promise<EmulatedBuilding> {
    const { file, clock, dataFolder, seed } = this.#options;
    const store = this.#resources.use(new FieldStore(join(dataFolder, 'field.db')));
    const building = this.#resources.use(
      new EmulatedBuilding({ file, clock, seed, state: store.load(file.meterId), traces: undefined }),
    );
    await building.startTwins();
    // The time in which the board did not run is a power cut: nothing happened in it.
    building.site.resumeAt(clock.now());
    const advance = (now: UnixSeconds): void => {
      building.advanceTo(now);
      if (now % keepSeconds === 0) store.save([[file.meterId, building.site.save()]]);
    };
    this.#resources.use(clock.every({ name: 'field', period: 1, phase: 'field' }, advance));
    this.#building = building;
    return building;
  }
}
