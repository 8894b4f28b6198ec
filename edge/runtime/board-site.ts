import { join } from 'node:path';
import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { portsOfWire, type Role, type Wire, type Wires } from '#drivers/driver.ts';
import { driverNamed } from '#drivers/registry.ts';
import { type BoardDevice, devicesOf, isEmulated } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';
import type { EmulatedBuilding } from '../fleet/emulated-building.ts';
import { Health, type PartHealth } from '../health.ts';
import type { BoardDevices, SiteSample } from '../sampler.ts';
import { DeviceFile } from './device-memory.ts';
import type { BoardRecorder } from '../recording/board-recorder.ts';
import { emulatedBus, portNameOf } from '../recording/recorded-header.ts';
import { makeDevices } from './make-devices.ts';
import { Wiring } from './wiring.ts';

export interface BoardSiteOptions {
  readonly file: BoardFile;
  readonly clock: Clock;
  /** Where devices and the emulated building keep what they must remember. */
  readonly dataFolder: string;
  readonly seed: number;
  /** Puts something between a driver and its wire, such as one that listens; nothing unless told. */
  readonly through?: (device: BoardDevice, wire: Wires[Wire]) => Wires[Wire];
  /** Records what passes; it is its owner's to close, after this. */
  readonly recorder?: BoardRecorder;
}

const wireOfRole = ({ role, entry }: BoardDevice): Wire => driverNamed(role, entry.driver).wire;

/** The building's state is kept this often, seconds. */
const keepSeconds = 15;
/** A front-end that sends every ten seconds, as an emonTx does, is as quick as the fault it must tell of. */
export const frameSeconds = 10;

/**
 * What a board stands in front of, port by port: real devices, twins in an emulated building, or both. Emulated
 * clamps see what the real devices were last read to give.
 */
export class BoardSite implements AsyncDisposable {
  readonly #options: BoardSiteOptions;
  readonly #resources = new AsyncDisposableStack();
  readonly #health = new Health();
  #building: EmulatedBuilding | undefined;

  constructor(options: BoardSiteOptions) {
    this.#options = options;
  }

  /** Whether a device of the board is emulated. */
  get isEmulated(): boolean {
    const { file } = this.#options;
    return devicesOf(file).some(({ entry }) => isEmulated(file, entry));
  }

  /** How it keeps what devices and building must remember: a disk that is full keeps none of them from working. */
  get health(): readonly PartHealth[] {
    return this.#health.parts;
  }

  /** Starts the twins and makes the drivers; which of the devices are there is found out when they are started. */
  async start(): Promise<BoardDevices> {
    const { file, clock, dataFolder, through = (_device, wire) => wire, recorder } = this.#options;
    const memoryOf = (role: Role): DeviceFile =>
      new DeviceFile(join(dataFolder, 'devices', `${role}.json`), (error) =>
        this.#health.set(`${role} memory`, clock.now(), error),
      );
    const { clamps } = file.devices;
    const isTold = clamps !== undefined && !isEmulated(file, clamps);
    await recorder?.start(file, memoryOf, isTold ? frameSeconds : undefined);
    const wiring = this.#resources.use(new Wiring(file, recorder?.port.bind(recorder)));
    const building = this.isEmulated ? await this.#startBuilding() : undefined;
    const twinWireOf = (device: BoardDevice, wire: Wires[Wire]): Wires[Wire] => {
      const kind = wireOfRole(device);
      // The bus of the Modbus twins is recorded where its port is.
      if (recorder === undefined || kind === 'modbus') return wire;
      return recorder.port(portNameOf(file, device), portsOfWire[kind][0]!, wire as never);
    };
    const wireOf = (device: BoardDevice): Wires[Wire] =>
      building !== undefined && isEmulated(file, device.entry)
        ? twinWireOf(device, building.wireOf(device))
        : wiring.wireOf(device);
    const devices = makeDevices({
      file,
      clock,
      wireOf: (device) => through(device, wireOf(device)),
      memoryOf,
    });
    for (const device of [devices.meter, devices.ripple, devices.contactor]) if (device) this.#resources.use(device);
    const told = isTold ? { ...devices, frameSeconds } : devices;
    return recorder?.devices(told) ?? told;
  }

  /** What the real devices give goes into the emulated building, where there is one. */
  follow(sample: SiteSample): void {
    this.#building?.follow({ pvW: sample.inverter?.powerW ?? 0, batteryW: sample.battery?.powerW ?? 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #startBuilding(): Promise<EmulatedBuilding> {
    const { file, clock, dataFolder, seed, recorder } = this.#options;
    // A real board holds none of it in its memory.
    const [{ EmulatedBuilding: Building }, { FieldStore, fieldFile }] = await Promise.all([
      import('../fleet/emulated-building.ts'),
      import('../fleet/field-store.ts'),
    ]);
    const store = this.#unlessFull(() => this.#resources.use(new FieldStore(join(dataFolder, fieldFile))));
    const building = this.#resources.use(
      new Building({
        file,
        clock,
        seed,
        state: store?.load(file.meterId),
        traces: undefined,
        ...(recorder !== undefined && { portOf: (port) => recorder.port(emulatedBus, 'tcp', port) }),
      }),
    );
    await building.startTwins();
    // The time in which the board did not run is a power cut: nothing happened in it.
    building.site.resumeAt(clock.now());
    const advance = (now: UnixSeconds): void => {
      building.advanceTo(now);
      if (store === undefined || now % keepSeconds > 0) return;
      this.#unlessFull(() => store.save([[file.meterId, building.site.save()]]));
    };
    this.#resources.use(clock.every({ name: 'field', period: 1, phase: 'field' }, advance));
    this.#building = building;
    return building;
  }

  /** What is not kept of an emulated building is forgotten with the program; until then it is as any other. */
  #unlessFull<T>(keep: () => T): T | undefined {
    const now = this.#options.clock.now();
    try {
      const kept = keep();
      this.#health.set('emulated building', now);
      return kept;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#health.set('emulated building', now, error);
      return undefined;
    }
  }
}
