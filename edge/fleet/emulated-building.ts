import type { Clock } from '#hal/clock.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import type { BytePort } from '#hal/ports.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { DeviceMemory, Role, Twin, TwinPowers, Wire, Wires } from '#drivers/driver.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { type RegisterBank, serveModbusTcp } from '#drivers/modbus/server.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import { driverNamed } from '#drivers/registry.ts';
import type { GridSource } from '#drivers/site/grid.ts';
import { Site, type SiteState, type TraceSource } from '#drivers/site/site.ts';
import type { InverterModels } from '#drivers/sunspec/inverter-twin.ts';
import { type BoardDevice, devicesOf, isEmulated } from '../board-devices.ts';
import type { BoardFile, DeviceEntry } from '../board-file.ts';
import { PassingMemory } from '../runtime/device-memory.ts';
import { makeDevices } from '../runtime/make-devices.ts';
import type { BoardDevices } from '../sampler.ts';

/** The twins take requests that travel together: a sample of both devices, their grid state too, is one exchange. */
export const maxInFlight = 8;
/** SunSpec model 1 gives a serial number 32 bytes. */
const serialBytes = 32;

/** What a serial number says of the kind of device; elsewhere the role itself. */
const serialMarks: { readonly [R in Role]?: string } = { clamps: 'CT', inverter: 'PV', battery: 'BAT' };

function serialOf(file: BoardFile, role: Role): string {
  const mark = serialMarks[role] ?? role.toUpperCase();
  return `${file.meterId.slice(mark.length + 1 - serialBytes)}-${mark}`;
}

export interface EmulatedBuildingOptions {
  readonly file: BoardFile;
  readonly clock: Pick<Clock, 'now'>;
  readonly seed: number;
  readonly state: SiteState | undefined;
  readonly traces: TraceSource | undefined;
  /** The generation of the inverter's registers; `ieee1547`, which has every control mode, when left out. */
  readonly inverterModels?: InverterModels;
  /** Where the drivers of its devices remember; until the program ends unless told. */
  readonly memoryOf?: (role: Role) => DeviceMemory;
  /** Voltage and frequency at the connection point; nominal when left out. `site.grid` sets it later. */
  readonly grid?: GridSource;
  /** Puts something between the gateway's port and whoever uses it. */
  readonly portOf?: (port: BytePort) => BytePort;
  /** Puts the Modbus twins on a wire, each at its unit, and answers the bus; a gateway of their own unless told. */
  readonly serveBus?: (units: ReadonlyMap<number, RegisterBank>) => Promise<RegisterTransport>;
}

/** Whether there is nothing real in its place. */
const isTwinned = (file: BoardFile, entry: DeviceEntry<Role> | undefined): boolean =>
  entry === undefined || isEmulated(file, entry);

/** A device that is emulated, and its twin. */
interface TwinnedDevice extends BoardDevice {
  readonly wire: Wire;
  readonly twin: Twin<Role, Wire>;
}

/**
 * A building without hardware, or without some of it: its physics, and behind real sockets on loopback the twins of
 * the devices that the board file emulates. What a board sees of it is what it would see of a real one.
 */
export class EmulatedBuilding implements AsyncDisposable {
  readonly meterId: string;
  readonly site: Site;
  readonly #options: EmulatedBuildingOptions;
  readonly #twins: readonly TwinnedDevice[];
  readonly #resources = new AsyncDisposableStack();
  #bus: RegisterTransport | undefined;
  /** Of the devices that are not emulated. */
  #real = { pvW: 0, batteryW: 0 };

  constructor(options: EmulatedBuildingOptions) {
    const { file, clock, seed, state, traces, inverterModels } = options;
    const { inverter, battery } = file.devices;
    this.meterId = file.meterId;
    this.#options = options;
    const spec = {
      meterId: file.meterId,
      building: file.building,
      location: file.location,
      pvRatedW: inverter?.ratedW ?? 0,
      peakLoadW: file.site?.peakLoadW ?? 0,
      battery: { capacityWh: battery?.capacityWh ?? 0, ratedW: battery?.ratedW ?? 0 },
      // A real inverter has a sun of its own.
      ...(isTwinned(file, inverter) ? traces && { traces } : { traces: { ...traces, pvW: () => this.#real.pvW } }),
    };
    const site = new Site(spec, seed, state);
    this.site = site;
    this.#twins = devicesOf(file)
      .filter(({ entry }) => isEmulated(file, entry))
      .map(({ role, entry }) => {
        const driver = driverNamed(role, entry.driver);
        const context = { clock, site, serial: serialOf(file, role), ...(inverterModels && { inverterModels }) };
        return { role, entry, wire: driver.wire, twin: driver.twin(entry, context) };
      });
    const powerOf = <R extends keyof TwinPowers>(role: R): TwinPowers[R] | undefined =>
      this.#twins.find((each) => each.role === role)?.twin.power as TwinPowers[R] | undefined;
    const [pv, storage] = [powerOf('inverter'), powerOf('battery')];
    site.controls = {
      pv: (now, availableW, grid) => pv?.(now, availableW, grid) ?? { activeW: availableW, reactiveVar: 0 },
      battery: (now, range, grid) => storage?.(now, range, grid) ?? { activeW: this.#real.batteryW, reactiveVar: 0 },
    };
    if (options.grid !== undefined) site.grid = options.grid;
  }

  /** Starts the twins and answers the drivers of a building that is all emulated. */
  async start(): Promise<BoardDevices> {
    const { file, clock, memoryOf = () => new PassingMemory() } = this.#options;
    await this.startTwins();
    const devices = makeDevices({ file, clock, wireOf: (device) => this.wireOf(device), memoryOf });
    this.#resources.use(devices.meter);
    return devices;
  }

  async startTwins(): Promise<void> {
    for (const { twin } of this.#twins) {
      await twin.start?.();
      this.#resources.defer(async () => twin[Symbol.asyncDispose]?.());
    }
    const units = this.#twins
      .filter(({ wire }) => wire === 'modbus')
      .map(({ entry, twin }) => [Number(entry['unit']), twin.wire as RegisterBank] as const);
    const serveBus = this.#options.serveBus ?? ((served) => this.#serveBus(served));
    if (units.length > 0) this.#bus = await serveBus(new Map(units));
  }

  /** What an emulated device is wired to, once the twins have started; throws RangeError for one that is not. */
  wireOf({ role }: BoardDevice): Wires[Wire] {
    const found = this.#twins.find((each) => each.role === role);
    const wire = found?.wire === 'modbus' ? this.#bus : (found?.twin.wire as Wires[Wire] | undefined);
    if (wire === undefined) throw new RangeError(`${role} of ${this.meterId} is not emulated, or not started`);
    return wire;
  }

  /** What the devices that are not emulated give now, AC W; a battery as far as the emulated cells allow. */
  follow(real: { readonly pvW: number; readonly batteryW: number }): void {
    this.#real = { pvW: Math.max(0, Math.round(real.pvW)), batteryW: Math.round(real.batteryW) };
  }

  /** Lets the physics run up to `now` and the devices tell of it. */
  advanceTo(now: UnixSeconds): void {
    this.site.advanceTo(now);
    for (const { twin } of this.#twins) twin.afterSecond?.(now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  /** Emulated devices are units behind one Modbus TCP gateway, as those of a hybrid inverter are. */
  async #serveBus(units: ReadonlyMap<number, RegisterBank>): Promise<ModbusTcpClient> {
    const { portOf = (port) => port } = this.#options;
    const { port } = this.#resources.use(await serveModbusTcp({ port: 0, units }));
    return this.#resources.use(new ModbusTcpClient(portOf(new TcpPort('127.0.0.1', port)), { maxInFlight }));
  }
}
