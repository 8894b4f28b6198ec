import type { Clock } from '#hal/clock.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { type UnixSeconds, W, Wh } from '#hal/units.ts';
import { EmonMeter } from '#drivers/ct/emon-meter.ts';
import { EmonTwin } from '#drivers/ct/emon-twin.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { type RegisterBank, serveModbusTcp } from '#drivers/modbus/server.ts';
import type { GridSource } from '#drivers/site/grid.ts';
import { type DevicePower, Site, type SiteState, type TraceSource } from '#drivers/site/site.ts';
import { nominalVolts } from '#drivers/sunspec/nominal-grid.ts';
import { SunSpecBattery } from '#drivers/sunspec/battery.ts';
import { SunSpecBatteryTwin } from '#drivers/sunspec/battery-twin.ts';
import { SunSpecInverter } from '#drivers/sunspec/inverter.ts';
import { type InverterModels, SunSpecInverterTwin } from '#drivers/sunspec/inverter-twin.ts';
import type { BoardFile } from '../board-file.ts';
import type { BoardDevices } from '../sampler.ts';

/** Inputs of an emonTx. */
const clampInputs = 6;
/** The twins take requests that travel together: a sample of both devices is one exchange. */
const maxInFlight = 4;
/** SunSpec model 1 gives a serial number 32 bytes. */
const serialBytes = 32;

const serialOf = (file: BoardFile, device: string): string =>
  `${file.meterId.slice(device.length + 1 - serialBytes)}-${device}`;

export interface EmulatedBuildingOptions {
  readonly file: BoardFile;
  readonly clock: Clock;
  readonly seed: number;
  readonly state: SiteState | undefined;
  readonly traces: TraceSource | undefined;
  /** The generation of the inverter's registers; `ieee1547`, which has every control mode, when left out. */
  readonly inverterModels?: InverterModels;
  /** Voltage and frequency at the connection point; nominal when left out. `site.grid` sets it later. */
  readonly grid?: GridSource;
}

const nothing: DevicePower = { activeW: 0, reactiveVar: 0 };

/**
 * A building without hardware: its physics, and behind real sockets on loopback the twins of its devices. What a
 * board sees of it is what it would see of a real one.
 */
export class EmulatedBuilding implements AsyncDisposable {
  readonly meterId: string;
  readonly site: Site;
  readonly #options: EmulatedBuildingOptions;
  readonly #emon: EmonTwin;
  readonly #inverter: SunSpecInverterTwin | undefined;
  readonly #battery: SunSpecBatteryTwin | undefined;
  readonly #resources = new AsyncDisposableStack();

  constructor(options: EmulatedBuildingOptions) {
    const { file, clock, seed, state, traces } = options;
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
      ...(traces === undefined ? {} : { traces }),
    };
    const site = new Site(spec, seed, state);
    this.site = site;
    this.#emon = new EmonTwin(clock);
    if (inverter !== undefined) {
      const source = {
        ratedW: inverter.ratedW,
        serial: serialOf(file, 'PV'),
        powerW: () => site.state.pvW,
        energyWh: () => site.generationWh,
      };
      this.#inverter = new SunSpecInverterTwin(source, clock, options.inverterModels ?? 'ieee1547');
    }
    if (battery !== undefined) {
      const source = {
        ratedW: battery.ratedW,
        capacityWh: battery.capacityWh,
        serial: serialOf(file, 'BAT'),
        acPowerW: () => site.state.batteryW,
        socCentiPercent: () => site.stateOfChargeCentiPercent,
        acChargeWh: () => site.acChargeWh,
        acDischargeWh: () => site.acDischargeWh,
        dcChargeWh: () => site.dcChargeWh,
        dcDischargeWh: () => site.dcDischargeWh,
      };
      this.#battery = new SunSpecBatteryTwin(source, clock);
    }
    const [pvTwin, batteryTwin] = [this.#inverter, this.#battery];
    site.controls = {
      pv: (now, availableW, grid) => pvTwin?.power(now, availableW, grid) ?? nothing,
      battery: (now, range, grid) => batteryTwin?.power(now, range, grid) ?? nothing,
    };
    if (options.grid !== undefined) site.grid = options.grid;
  }

  /** Starts the twins and answers the drivers that reach them over their sockets. */
  async start(): Promise<BoardDevices> {
    const { file, clock } = this.#options;
    const { clamps, inverter, battery } = file.devices;
    await this.#emon.start();
    this.#resources.use(this.#emon);
    const meter = this.#resources.use(new EmonMeter(new TcpPort('127.0.0.1', this.#emon.port), clock));
    const bus = await this.#serveBus();
    return {
      meter,
      gridChannel: clamps.gridChannel,
      loadChannel: clamps.loadChannel,
      inverter: inverter === undefined ? undefined : new SunSpecInverter(bus, inverter.unit),
      battery: battery === undefined ? undefined : new SunSpecBattery(bus, battery.unit),
    };
  }

  /** Lets the physics run up to `now` and the clamps tell of it. */
  advanceTo(now: UnixSeconds): void {
    this.site.advanceTo(now);
    const { gridW, loadW } = this.site.state;
    const { gridChannel, loadChannel } = this.#options.file.devices.clamps;
    const channels = Array.from({ length: clampInputs }, () => ({ powerW: W(0), energyWh: Wh(0) }));
    channels[gridChannel - 1] = { powerW: W(gridW), energyWh: this.site.netGridWh };
    channels[loadChannel - 1] = { powerW: W(loadW), energyWh: this.site.consumptionWh };
    this.#emon.emit({ voltsRms: (nominalVolts.lineToNeutral * this.site.grid(now).voltagePercent) / 100, channels });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  /** Inverter and battery are units behind one Modbus TCP gateway, as those of a hybrid inverter are. */
  async #serveBus(): Promise<ModbusTcpClient> {
    const { inverter, battery } = this.#options.file.devices;
    const units = new Map<number, RegisterBank>();
    if (inverter !== undefined && this.#inverter !== undefined) units.set(inverter.unit, this.#inverter.bank);
    if (battery !== undefined && this.#battery !== undefined) units.set(battery.unit, this.#battery.bank);
    const { port } = this.#resources.use(await serveModbusTcp({ port: 0, units }));
    return this.#resources.use(new ModbusTcpClient(new TcpPort('127.0.0.1', port), { maxInFlight }));
  }
}
