import { reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type {
  Battery,
  BatteryReading,
  ClampFrame,
  InverterReading,
  PvInverter,
  SiteMeter,
} from '#drivers/capabilities.ts';
import type { GridReading } from '#drivers/grid-support.ts';
import type { ChannelValues } from '#ieee2030_5/ext/channels.ts';
import { countNet, emptyNetRegister, type NetRegister } from './net-register.ts';

export interface BoardDevices {
  readonly meter: SiteMeter;
  readonly gridChannel: number;
  readonly loadChannel: number;
  readonly inverter: PvInverter | undefined;
  readonly battery: Battery | undefined;
}

/** What a board knows of its building at one instant; `undefined` where a device did not answer. */
export interface SiteSample {
  readonly time: UnixSeconds;
  readonly gridW: W | undefined;
  readonly loadW: W | undefined;
  /** Between line and neutral at the connection point. */
  readonly voltageV: number | undefined;
  readonly inverter: InverterReading | undefined;
  readonly battery: BatteryReading | undefined;
}

/** What the devices measure of the grid; `undefined` where there is none, or where it did not answer. */
export interface GridReadings {
  readonly inverter: GridReading | undefined;
  readonly battery: GridReading | undefined;
}

/** The registers that a board itself must keep: they outlive its devices' and its own restarts. */
export interface BoardRegisters {
  readonly grid: NetRegister;
  readonly load: NetRegister;
  readonly lossesWh: Wh;
}

export const emptyRegisters: BoardRegisters = { grid: emptyNetRegister, load: emptyNetRegister, lossesWh: Wh(0) };

const frameTimeoutMs = 5000;

/** Reads all devices of a board side by side; one that fails does not stop the others. */
export class Sampler {
  readonly #devices: BoardDevices;
  readonly #log: Log;
  readonly #failing = new Set<string>();
  #lastFrame = UnixSeconds(0);
  registers: BoardRegisters;

  constructor(devices: BoardDevices, registers: BoardRegisters, log: Log) {
    this.#devices = devices;
    this.registers = registers;
    this.#log = log;
  }

  async sample(now: UnixSeconds): Promise<SiteSample> {
    const { meter, inverter, battery, gridChannel, loadChannel } = this.#devices;
    const [frame, pv, storage] = await Promise.all([
      this.#read('clamps', () => meter.frameAfter(this.#lastFrame, frameTimeoutMs)),
      inverter === undefined ? undefined : this.#read('inverter', () => inverter.read()),
      battery === undefined ? undefined : this.#read('battery', () => battery.read()),
    ]);
    if (frame !== undefined) this.#count(frame);
    if (storage !== undefined) this.#countLosses(storage);
    return {
      time: now,
      gridW: frame?.channels[gridChannel - 1]?.powerW,
      loadW: frame?.channels[loadChannel - 1]?.powerW,
      voltageV: frame?.voltsRms,
      inverter: pv,
      battery: storage,
    };
  }

  /** Voltage, frequency and state: not for every sample. */
  async readGrid(): Promise<GridReadings> {
    const { inverter, battery } = this.#devices;
    const [pv, storage] = await Promise.all([
      inverter === undefined ? undefined : this.#read('inverter state', () => inverter.readGrid()),
      battery === undefined ? undefined : this.#read('battery state', () => battery.readGrid()),
    ]);
    return { inverter: pv, battery: storage };
  }

  /** The values of one posting, from the newest sample and the registers. */
  values(sample: SiteSample): ChannelValues {
    const { grid, load, lossesWh } = this.registers;
    const { gridW, loadW, inverter, battery } = sample;
    return {
      gridImport: gridW === undefined ? undefined : grid.importWh,
      gridExport: gridW === undefined ? undefined : grid.exportWh,
      generation: inverter?.generationWh,
      consumption: loadW === undefined ? undefined : load.importWh,
      storageCharge: battery?.dcChargeWh,
      storageDischarge: battery?.dcDischargeWh,
      losses: battery === undefined ? undefined : lossesWh,
      storagePower: battery?.powerW,
      stateOfCharge: battery?.stateOfChargeCentiPercent,
    };
  }

  #count(frame: ClampFrame): void {
    this.#lastFrame = frame.receivedAt;
    const grid = frame.channels[this.#devices.gridChannel - 1];
    const load = frame.channels[this.#devices.loadChannel - 1];
    const { registers } = this;
    this.registers = {
      ...registers,
      grid: grid === undefined ? registers.grid : countNet(registers.grid, grid.energyWh, frame.message),
      load: load === undefined ? registers.load : countNet(registers.load, load.energyWh, frame.message),
    };
  }

  /** AC and DC registers truncate apart, so their difference may step back by one Wh; a register never does. */
  #countLosses(storage: BatteryReading): void {
    const { acChargeWh, dcChargeWh, acDischargeWh, dcDischargeWh } = storage;
    const lossesWh = Math.max(this.registers.lossesWh, acChargeWh - dcChargeWh + dcDischargeWh - acDischargeWh);
    if (lossesWh !== this.registers.lossesWh) this.registers = { ...this.registers, lossesWh: Wh(lossesWh) };
  }

  async #read<T>(device: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await read();
      if (this.#failing.delete(device)) this.#log.info({ device }, 'device answers again');
      return value;
    } catch (error) {
      if (!this.#failing.has(device)) this.#log.warn({ device, reason: reasonOf(error) }, 'device does not answer');
      this.#failing.add(device);
      return undefined;
    }
  }
}
