import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { GridReading, GridSupport } from '#drivers/grid-support.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import { activeAt, nextChange, type Schedule, type Settings } from '#ieee2030_5/events/schedule.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { DERCurve } from '#ieee2030_5/types.generated.ts';
import type { BoardFile } from '../board-file.ts';
import type { UtilityView } from '../client/utility-view.ts';
import { PatientCall } from '../patient-call.ts';
import type { BoardDevices, GridReadings, SiteSample } from '../sampler.ts';
import type { DerState } from './der-documents.ts';
import { type Explanation, withRefusals } from './explanation.ts';
import { type DeviceModes, deviceModes } from './grid-modes.ts';
import { begunAgain, decide, type LadderMemory, nothingDecided } from './ladder.ts';
import { type SiteRules, watts } from './limits.ts';
import { DeviceOrders, type Reversions } from './orders.ts';
import { type Plant, plantOf } from './plant.ts';

/** What the utility's client knows; see `UtilityClient`. */
export interface Utility {
  serverNow(): UnixSeconds;
  schedule(lfdi: Lfdi | undefined): Schedule<DERModes> | undefined;
  view(lfdi: Lfdi | undefined): UtilityView | undefined;
  /** `undefined` while the server is reached. */
  readonly lastError: Error | undefined;
}

export interface ControlLoopOptions {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly utility: Utility;
  readonly sampleSeconds: number;
  /** Whose programs the board follows: the client's own device's, whatever its certificate, where it is not said. */
  readonly lfdi: Lfdi | undefined;
  /** What the devices measure of the grid; without it the loop never looks. */
  readonly readGrid?: (now: UnixSeconds) => Promise<GridReadings>;
  readonly log: Log;
}

/** What the devices measure of the grid is asked for this often, seconds; more often only where a mode needs it. */
const gridSeconds = 15;
/** And with every so manieth sample at the most. */
const samplesPerGrid = 4;

/** How long orders are waited for, wall milliseconds; less where they were late already. */
const patienceMs = { first: 2_000, late: 300 } as const;

const none: Settings<DERModes> = {};

/** The control of one board: takes each sample, decides by the ladder, and tells the devices. */
export class ControlLoop {
  readonly #options: ControlLoopOptions;
  readonly #site: SiteRules;
  readonly #giving = { inverter: new PatientCall<void>('inverter'), battery: new PatientCall<void>('battery') };
  #plant: Plant = { inverter: undefined, battery: undefined };
  #orders: { readonly inverter: DeviceOrders | undefined; readonly battery: DeviceOrders | undefined } | undefined;
  #memory: LadderMemory = nothingDecided;
  #explanation: Explanation | undefined;
  #settings:
    | { readonly of: Schedule<DERModes>; readonly until: number; readonly value: Settings<DERModes> }
    | undefined;
  #lostSince: UnixSeconds | undefined;
  /** Of which the log has told. */
  #hasSwitchFailed = false;
  #grid: GridReadings = { inverter: undefined, battery: undefined };
  #gridAt = -Infinity;
  #sample: SiteSample | undefined;

  constructor(options: ControlLoopOptions) {
    this.#options = options;
    const { importLimitW, exportLimitW, controlWhenLost } = options.file.connection;
    this.#site = { importLimitW, exportLimitW, whenLost: controlWhenLost ?? {} };
  }

  /** What the board controls, once its devices are started. */
  get plant(): Plant {
    return this.#plant;
  }

  /** Why the devices are told what they are told; `undefined` before the first sample. */
  get explanation(): Explanation | undefined {
    const explanation = this.#explanation;
    if (explanation === undefined) return undefined;
    const faults = new Map([...(this.#orders?.inverter?.refusals ?? []), ...(this.#orders?.battery?.refusals ?? [])]);
    const refused = [...deviceModes].flatMap(([mode, own]) => {
      const fault = faults.get(own);
      return fault === undefined ? [] : [[mode, fault] as const];
    });
    return withRefusals(explanation, new Map(refused));
  }

  /** What is to be told of the DERs; `undefined` before the first sample. */
  get state(): DerState | undefined {
    const sample = this.#sample;
    if (sample === undefined) return undefined;
    const at = this.#options.utility.serverNow();
    const settings = this.#settingsAt(at);
    return {
      at,
      plant: this.#plant,
      settings,
      service: this.#memory.service,
      mayConnect: settings.opModConnect?.value !== false,
      grid: this.#grid,
      battery: sample.battery,
      outputW: (sample.inverter?.powerW ?? 0) + (sample.battery?.powerW ?? 0),
    };
  }

  /** Devices have been found: what they can do is known. Called again when another is. */
  start(isStarted: (role: 'inverter' | 'battery') => boolean = () => true): void {
    const { file, devices, log } = this.#options;
    this.#plant = plantOf(file, devices, isStarted);
    const { inverter, battery } = this.#plant;
    const before = this.#orders;
    const orders = (device: GridSupport, name: string, ratedW: number, reversions: Reversions): DeviceOrders =>
      new DeviceOrders(device, name, ratedW, reversions, log);
    this.#orders = {
      inverter:
        devices.inverter && inverter && isStarted('inverter')
          ? (before?.inverter ??
            orders(devices.inverter, 'inverter', inverter.ratedW, { limitW: this.#safePvW(inverter.ratedW) }))
          : undefined,
      battery:
        devices.battery && battery && isStarted('battery')
          ? (before?.battery ?? orders(devices.battery, 'battery', battery.ratedW, { targetW: W(0) }))
          : undefined,
    };
  }

  /** To be told before the first `control` where the board ran before. */
  beginAgain(): void {
    this.#memory = begunAgain;
  }

  /**
   * Looks at what the devices measure of the grid where it is time to; to be called when the second's `control` is
   * done, which is not to wait for it.
   * @returns whether it was looked at in this second
   */
  async look(now: UnixSeconds): Promise<boolean> {
    const period = Math.max(gridSeconds, samplesPerGrid * this.#options.sampleSeconds);
    // A clock that was set back is no reason to wait until it is there again.
    if (Math.abs(now - this.#gridAt) >= period) await this.#see(now);
    return this.#gridAt === now;
  }

  async #see(now: UnixSeconds): Promise<void> {
    const grid = await this.#options.readGrid?.(now);
    if (grid === undefined) return;
    this.#grid = seenBy(grid, this.#memory.service === 'out');
    this.#gridAt = now;
  }

  async control(sample: SiteSample, commitmentW: number): Promise<void> {
    const { utility, lfdi, devices } = this.#options;
    const serverTime = utility.serverNow();
    const settings = this.#settingsAt(serverTime);
    this.#sample = sample;
    // The only mode by which what the devices measure decides.
    if (settings.opModFreqWatt !== undefined) await this.#see(sample.time);
    const ripple = await devices.ripple?.read();
    const { setpoints, explanation, memory } = decide(
      {
        now: sample.time,
        serverTime,
        settings,
        curveOf: (href) => curveAt(utility.view(lfdi), href),
        isServerLost: this.#isLost(sample.time),
        site: this.#site,
        plant: this.#plant,
        frequencyHz: this.#grid.inverter?.frequencyHz ?? this.#grid.battery?.frequencyHz,
        sample,
        commitmentW,
        ripple,
      },
      this.#memory,
    );
    this.#memory = memory;
    this.#explanation = explanation;
    const { pvW, storageW } = setpoints;
    const limitW = pvW ?? this.#standingLimitW();
    const { inverter, battery } = this.#orders ?? {};
    await Promise.all([
      inverter &&
        this.#give('inverter', inverter, limitW === null ? setpoints.inverter : { ...setpoints.inverter, limitW }),
      battery && this.#give('battery', battery, { ...setpoints.battery, targetW: storageW }),
      devices.contactor && this.#switch(explanation.setpoints.isConnected),
    ]);
  }

  /** A device that is slow to take its orders holds up no other, nor the next sample. */
  async #give(name: 'inverter' | 'battery', orders: DeviceOrders, wanted: DeviceModes): Promise<void> {
    const call = this.#giving[name];
    const now = this.#sample?.time;
    if (now === undefined) return;
    try {
      await call.within(call.isUnderWay ? patienceMs.late : patienceMs.first, () => orders.give(wanted, now));
    } catch (error) {
      if (!(error instanceof GridError) || error.code !== 'GTX-EDG-040') throw error;
    }
  }

  async #switch(isConnected: boolean): Promise<void> {
    const { devices, log } = this.#options;
    try {
      await devices.contactor?.connect(isConnected);
      this.#hasSwitchFailed = false;
    } catch (error) {
      if (!this.#hasSwitchFailed) log.error({ isConnected, reason: reasonOf(error) }, 'the contactor does not follow');
      this.#hasSwitchFailed = true;
    }
  }

  /** The tightest that export and import may be within a period, W; server time. Ramps are left aside. */
  tightestIn(from: UnixSeconds, until: UnixSeconds): { readonly importW: number; readonly exportW: number } {
    const { importLimitW, exportLimitW } = this.#site;
    const schedule = this.#options.utility.schedule(this.#options.lfdi);
    if (schedule === undefined) return { importW: importLimitW, exportW: exportLimitW };
    let [importW, exportW] = [importLimitW, exportLimitW];
    for (let at: UnixSeconds | undefined = from; at !== undefined && at < until; at = nextChange(schedule, at)) {
      const { opModImpLimW, opModExpLimW } = activeAt(schedule, at);
      if (opModImpLimW !== undefined) importW = Math.min(importW, watts(opModImpLimW.value));
      if (opModExpLimW !== undefined) exportW = Math.min(exportW, watts(opModExpLimW.value));
    }
    return { importW: Math.max(0, importW), exportW: Math.max(0, exportW) };
  }

  /** What PV may give while nobody controls it: the export limit holds although the building draws nothing. */
  #safePvW(ratedW: number): W {
    return W(Math.min(ratedW, this.#site.exportLimitW));
  }

  /** A limit that lets PV give all it can, but has the device revert to the safe one without the board. */
  #standingLimitW(): W | null {
    const { inverter } = this.#plant;
    if (inverter === undefined || this.#orders?.inverter === undefined) return null;
    if (this.#safePvW(inverter.ratedW) >= inverter.ratedW) return null;
    const reverts = this.#options.devices.inverter?.modes().get('limitW')?.reverts;
    return reverts === 'toValue' ? W(inverter.ratedW) : null;
  }

  /** Reckoned anew when the schedule is another or something in it changes hands. */
  #settingsAt(serverTime: UnixSeconds): Settings<DERModes> {
    const schedule = this.#options.utility.schedule(this.#options.lfdi);
    if (schedule === undefined) return none;
    const known = this.#settings;
    if (known?.of === schedule && serverTime < known.until) return known.value;
    const value = activeAt(schedule, serverTime);
    this.#settings = { of: schedule, until: nextChange(schedule, serverTime) ?? Infinity, value };
    return value;
  }

  #isLost(now: UnixSeconds): boolean {
    if (this.#options.utility.lastError === undefined) {
      this.#lostSince = undefined;
      return false;
    }
    this.#lostSince ??= now;
    const { controlWhenLost } = this.#options.file.connection;
    return controlWhenLost !== undefined && now - this.#lostSince >= controlWhenLost.afterSeconds;
  }
}

/** A shutdown that the board itself has ordered is no alarm. */
const unordered = (reading: GridReading | undefined): GridReading | undefined =>
  reading && { ...reading, alarms: new Set([...reading.alarms].filter((alarm) => alarm !== 'manualShutdown')) };

const seenBy = ({ inverter, battery }: GridReadings, isShutDown: boolean): GridReadings =>
  isShutDown ? { inverter: unordered(inverter), battery: unordered(battery) } : { inverter, battery };

function curveAt(view: UtilityView | undefined, href: string): DERCurve | undefined {
  for (const { curves } of view?.derPrograms ?? []) {
    const curve = curves.get(href);
    if (curve !== undefined) return curve;
  }
  return undefined;
}
