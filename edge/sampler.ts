import { reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type {
  Battery,
  BatteryReading,
  ClampChannel,
  ClampFrame,
  Contactor,
  InverterReading,
  PvInverter,
  RippleInput,
  SiteMeter,
} from '#drivers/capabilities.ts';
import type { GridReading } from '#drivers/grid-support.ts';
import type { ChannelValues } from '#ieee2030_5/ext/channels.ts';
import { Health } from './health.ts';
import { type MeterBounds, MeterWatch } from './meter-watch.ts';
import { countNet, emptyNetRegister, joined, type NetRegister } from './net-register.ts';
import { PatientCall } from './patient-call.ts';

export interface BoardDevices {
  readonly meter: SiteMeter;
  readonly gridChannel: number;
  /** `undefined` where nothing measures the load: it is reckoned from what the others say. */
  readonly loadChannel: number | undefined;
  /** So long a frame of the meter counts as the present, seconds; without it every sample wants one of its own. */
  readonly frameSeconds?: number;
  readonly inverter: PvInverter | undefined;
  readonly battery: Battery | undefined;
  readonly ripple?: RippleInput | undefined;
  readonly contactor?: Contactor | undefined;
  /** Told of every sample when it is begun. */
  readonly onSample?: (now: UnixSeconds, sample: Promise<SiteSample>) => void;
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

/** How long a sample waits, wall milliseconds: for a device that is well, and for one that was silent the last time. */
const patienceMs = { well: 2_000, silent: 300 } as const;
/** An emulated front-end sends for each sample. */
const emulatedFrameMs = 5_000;
/** A front-end that sends gives up by itself first: what it has to say later is the next sample's. */
const frameSlackMs = 100;
/** A real one sends when it likes, and one that was silent may be so for long. */
const realFrameMs = { well: 300, silent: 100 } as const;
/** One that sends by itself is no sooner there for being waited for; control keeps its second. */
const pushedFrameMs = 10;

/** Reads all devices of a board side by side; one that fails does not stop the others. */
export class Sampler {
  readonly #devices: BoardDevices;
  readonly #log: Log;
  readonly #health: Health;
  readonly #failing = new Set<string>();
  readonly #reads = new Map<string, PatientCall<unknown>>();
  readonly #watch: MeterWatch | undefined;
  #frameBefore: ClampFrame | undefined;
  registers: BoardRegisters;
  /** Where the front-end's counters stood when this run counted first. */
  readonly #first: { grid?: NetRegister['last']; load?: NetRegister['last'] } = {};

  /** @param bounds what the meter of the connection point is believed; left out, everything */
  constructor(
    devices: BoardDevices,
    registers: BoardRegisters,
    log: Log,
    health: Health = new Health(),
    bounds?: MeterBounds,
  ) {
    this.#devices = devices;
    this.#health = health;
    this.#watch = bounds && new MeterWatch(bounds);
    this.registers = registers;
    this.#log = log;
  }

  async sample(now: UnixSeconds): Promise<SiteSample> {
    const { inverter, battery, gridChannel, loadChannel } = this.#devices;
    // All of them are asked before the first is waited for; none rejects.
    const meterRead = this.#frame(now);
    const inverterRead = inverter && this.#read('inverter', now, () => inverter.read());
    const batteryRead = battery && this.#read('battery', now, () => battery.read());
    const [seen, pv, storage] = [await meterRead, await inverterRead, await batteryRead];
    const frame = seen && this.#believed(seen, now, pv, storage);
    const grid = frame?.channels[gridChannel - 1];
    const load = loadChannel === undefined ? this.#reckonedLoad(grid, pv, storage) : frame?.channels[loadChannel - 1];
    if (frame !== undefined) this.#count(frame, grid, load);
    if (storage !== undefined) this.#countLosses(storage);
    return {
      time: now,
      gridW: grid?.powerW,
      loadW: load?.powerW,
      voltageV: frame?.voltsRms,
      inverter: pv,
      battery: storage,
    };
  }

  /** Voltage, frequency and state: not for every sample. A device that the last one did not hear is not waited for. */
  async readGrid(now: UnixSeconds): Promise<GridReadings> {
    const read = (role: 'inverter' | 'battery'): Promise<GridReading | undefined> | undefined => {
      const device = this.#devices[role];
      if (device === undefined || this.#failing.has(role)) return undefined;
      return this.#read(`${role} state`, now, () => device.readGrid());
    };
    const [pv, storage] = [read('inverter'), read('battery')];
    return { inverter: await pv, battery: await storage };
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

  /**
   * The registers go on from what was kept, which could not be had until now: what flowed before this run began, and
   * what it has counted since, are added.
   */
  goOnFrom(kept: BoardRegisters): void {
    const { grid, load, lossesWh } = this.registers;
    const upTo = (what: 'grid' | 'load'): NetRegister => {
      const first = this.#first[what];
      return first === undefined ? kept[what] : countNet(kept[what], first.netWh, first.message);
    };
    this.registers = {
      grid: joined(upTo('grid'), grid),
      load: joined(upTo('load'), load),
      lossesWh: Wh(Math.max(kept.lossesWh, lossesWh)),
    };
  }

  /** What the building draws is what comes in and what its devices give; unknown while one of them is silent. */
  #reckonedLoad(
    grid: ClampChannel | undefined,
    pv: InverterReading | undefined,
    storage: BatteryReading | undefined,
  ): ClampChannel | undefined {
    const { inverter, battery } = this.#devices;
    const isSilent = (inverter !== undefined && pv === undefined) || (battery !== undefined && storage === undefined);
    if (grid === undefined || isSilent) return undefined;
    const storedWh = (storage?.acDischargeWh ?? 0) - (storage?.acChargeWh ?? 0);
    return {
      powerW: W(Math.max(0, grid.powerW + (pv?.powerW ?? 0) + (storage?.powerW ?? 0))),
      energyWh: Wh(grid.energyWh + (pv?.generationWh ?? 0) + storedWh),
    };
  }

  /**
   * A front-end that sends seldom is waited for a moment only, and what it said last counts until it is too old: the
   * other devices are not to wait for it.
   */
  #frame(now: UnixSeconds): Promise<ClampFrame | undefined> {
    const { meter, frameSeconds } = this.#devices;
    // A clock that was set back would make every frame an old one.
    if (this.#frameBefore !== undefined && now < this.#frameBefore.receivedAt) this.#frameBefore = undefined;
    const before = this.#frameBefore;
    const after = before?.receivedAt ?? UnixSeconds(0);
    const isFresh = before !== undefined && now - before.receivedAt < (frameSeconds ?? 0);
    const realMs = isFresh && meter.sendsByItself === true ? pushedFrameMs : realFrameMs.well;
    const wellMs = frameSeconds === undefined ? emulatedFrameMs : realMs;
    const ms = this.#failing.has('clamps') ? realFrameMs.silent : wellMs;
    const read = (): Promise<ClampFrame> => meter.frameAfter(after, ms);
    return this.#attempt('clamps', now, frameSlackMs + 2 * ms, read, isFresh ? before : undefined);
  }

  /** What the meter says, unless it cannot be. */
  #believed(
    frame: ClampFrame,
    now: UnixSeconds,
    pv: InverterReading | undefined,
    storage: BatteryReading | undefined,
  ): ClampFrame | undefined {
    if (this.#watch === undefined) return frame;
    const { inverter, battery, gridChannel } = this.#devices;
    const isSilent = (inverter !== undefined && pv === undefined) || (battery !== undefined && storage === undefined);
    const derW = isSilent ? undefined : (pv?.powerW ?? 0) + (storage?.powerW ?? 0);
    const doubt = this.#watch.doubt(now, { frame, gridChannel, derW });
    this.#frameBefore = frame;
    if (doubt === undefined) {
      this.#answered('meter', now);
      return frame;
    }
    this.#failed('meter', now, doubt, 'the meter is not believed');
    return undefined;
  }

  #count(frame: ClampFrame, grid: ClampChannel | undefined, load: ClampChannel | undefined): void {
    this.#frameBefore = frame;
    const { registers } = this;
    this.registers = {
      ...registers,
      grid: grid === undefined ? registers.grid : countNet(registers.grid, grid.energyWh, frame.message),
      load: load === undefined ? registers.load : countNet(registers.load, load.energyWh, frame.message),
    };
    this.#first.grid ??= this.registers.grid.last;
    this.#first.load ??= this.registers.load.last;
  }

  /** AC and DC registers truncate apart, so their difference may step back by one Wh; a register never does. */
  #countLosses(storage: BatteryReading): void {
    const { acChargeWh, dcChargeWh, acDischargeWh, dcDischargeWh } = storage;
    const lossesWh = Math.max(this.registers.lossesWh, acChargeWh - dcChargeWh + dcDischargeWh - acDischargeWh);
    if (lossesWh !== this.registers.lossesWh) this.registers = { ...this.registers, lossesWh: Wh(lossesWh) };
  }

  #read<T>(device: string, now: UnixSeconds, read: () => Promise<T>): Promise<T | undefined> {
    const ms = this.#failing.has(device) ? patienceMs.silent : patienceMs.well;
    return this.#attempt(device, now, ms, read);
  }

  #within<T>(device: string, ms: number, read: () => Promise<T>): Promise<T> {
    // Each name is read by one function only.
    let reads = this.#reads.get(device) as PatientCall<T> | undefined;
    if (reads === undefined) this.#reads.set(device, (reads = new PatientCall<T>(device)));
    return reads.within(ms, read);
  }

  /** @param known what counts where there is no answer now; left out, the device has failed then */
  async #attempt<T>(
    device: string,
    now: UnixSeconds,
    ms: number,
    read: () => Promise<T>,
    known?: T,
  ): Promise<T | undefined> {
    try {
      const value = await this.#within(device, ms, read);
      this.#answered(device, now);
      return value;
    } catch (error) {
      if (known === undefined) this.#failed(device, now, error, 'device does not answer');
      else this.#answered(device, now);
      return known;
    }
  }

  #answered(device: string, now: UnixSeconds): void {
    this.#health.set(device, now);
    if (this.#failing.delete(device)) this.#log.info({ device }, 'device answers again');
  }

  #failed(device: string, now: UnixSeconds, error: unknown, what: string): void {
    if (!this.#failing.has(device)) this.#log.warn({ device, reason: reasonOf(error) }, what);
    this.#failing.add(device);
    this.#health.set(device, now, error);
  }
}
