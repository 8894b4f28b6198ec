import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { type UnixSeconds, W } from '#hal/units.ts';
import type { GridSupport } from '#drivers/grid-support.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Schedule } from '#ieee2030_5/events/schedule.ts';
import { formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import type { BoardFile } from '../board-file.ts';
import type { Explanation } from '../control/explanation.ts';
import { ControlLoop } from '../control/loop.ts';
import type { LimitName } from '../control/power-plan.ts';
import { type BoardDevices, emptyRegisters, Sampler, type SiteSample } from '../sampler.ts';
import { type OrderFailure, watchOrders } from './order-watch.ts';

/** The powers that a trial may limit; `generation`: of inverter and battery together. */
export const trialPowers = ['generation', 'export', 'import', 'load'] as const satisfies readonly LimitName[];
export type TrialPower = (typeof trialPowers)[number];

const modeOf = {
  generation: 'opModGenLimW',
  export: 'opModExpLimW',
  import: 'opModImpLimW',
  load: 'opModLoadLimW',
} as const satisfies Readonly<Record<TrialPower, keyof DERModes>>;

export interface LimitTrialOptions {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly clock: Pick<Clock, 'now'>;
  readonly power: TrialPower;
  /** 0 and up. */
  readonly watts: number;
  readonly log: Log;
}

/** A device that could not be started. */
export interface MissingDevice {
  readonly role: string;
  readonly reason: GridError;
}

/** One second of a trial. Powers are W as measured; what does not answer is `undefined`. */
export interface TrialSecond {
  readonly sample: SiteSample;
  readonly setpoints: Explanation['setpoints'];
  /** The power that is limited. */
  readonly limitedW: number | undefined;
  /** W by which the limit cannot be held whatever is done. */
  readonly shortfallW: number;
  /** Orders that a device did not take in this second. */
  readonly failures: readonly OrderFailure[];
}

/** As long as a board's own orders hold without it. */
const revertSeconds = 60;

/**
 * A limit put on a site by hand, without a head-end: the board's own control loop carries it out, with the devices'
 * revert timers armed, until `release`. Never beside a board that runs.
 */
export class LimitTrial {
  readonly #options: LimitTrialOptions;
  readonly #devices: BoardDevices;
  readonly #loop: ControlLoop;
  readonly #sampler: Sampler;
  readonly #started = new Set<string>();
  #failures: OrderFailure[] = [];

  constructor(options: LimitTrialOptions) {
    const { file, log, power, watts, clock } = options;
    this.#options = options;
    const onFailure = (failure: OrderFailure): void => void this.#failures.push(failure);
    const { inverter, battery } = options.devices;
    this.#devices = {
      ...options.devices,
      inverter: inverter && watchOrders(inverter, 'inverter', onFailure),
      battery: battery && watchOrders(battery, 'battery', onFailure),
    };
    const devices = this.#devices;
    this.#sampler = new Sampler(devices, emptyRegisters, log);
    const schedule = scheduleOf(power, watts);
    const utility = {
      serverNow: () => clock.now(),
      schedule: () => schedule,
      view: () => undefined,
      lastError: undefined,
    };
    this.#loop = new ControlLoop({ file, devices, utility, sampleSeconds: 1, lfdi: undefined, log });
  }

  /** Starts what is there. Rejects with GTX-CMS-006 where nothing is that could be limited. */
  async start(): Promise<readonly MissingDevice[]> {
    const { meter, inverter, battery, ripple, contactor } = this.#devices;
    const missing: MissingDevice[] = [];
    for (const [role, device] of Object.entries({ clamps: meter, inverter, battery, ripple, contactor })) {
      try {
        await device?.start();
        if (device !== undefined) this.#started.add(role);
      } catch (error) {
        if (!(error instanceof GridError)) throw error;
        missing.push({ role, reason: error });
      }
    }
    if (!this.#started.has('inverter') && !this.#started.has('battery')) {
      const [first] = missing.filter(({ role }) => role === 'inverter' || role === 'battery');
      throw new GridError('GTX-CMS-006', 'There is neither an inverter nor a battery that could be limited', {
        hint: first?.reason.describe() ?? 'The board file names none.',
      });
    }
    this.#loop.start((role) => this.#started.has(role));
    return missing;
  }

  /** Samples the site once and tells the devices what the limit makes of it. */
  async second(now: UnixSeconds): Promise<TrialSecond> {
    this.#failures = [];
    const sample = await this.#sampler.sample(now);
    await this.#loop.control(sample, 0);
    const { explanation } = this.#loop;
    if (explanation === undefined) throw new RangeError('the loop controlled without an explanation');
    const { setpoints, shortfallW } = explanation;
    return {
      sample,
      setpoints,
      shortfallW,
      limitedW: limitedOf(this.#options.power, sample),
      failures: this.#failures,
    };
  }

  /**
   * Gives the devices back: the battery rests, and the inverter is free, or where that could exceed what the connection
   * may export, is left at that. Rejects with the first failure, after everything was tried.
   */
  async release(): Promise<void> {
    const { inverter, battery } = this.#devices;
    const freed = await Promise.allSettled([
      inverter !== undefined && this.#started.has('inverter') ? this.#free(inverter) : undefined,
      battery !== undefined && this.#started.has('battery') ? rest(battery) : undefined,
    ]);
    for (const result of freed) if (result.status === 'rejected') throw result.reason;
  }

  /** What the connection allows when nobody looks; `undefined` where the inverter may give all that it has. */
  get safePvW(): number | undefined {
    const ratedW = this.#loop.plant.inverter?.ratedW ?? 0;
    const { exportLimitW } = this.#options.file.connection;
    return exportLimitW < ratedW ? exportLimitW : undefined;
  }

  async #free(inverter: GridSupport): Promise<void> {
    const support = inverter.modes().get('limitW');
    if (support === undefined) return;
    const safeW = this.safePvW;
    if (safeW === undefined) {
      await inverter.setMode('limitW', null, { revertSeconds });
      return;
    }
    const revertTo = support.reverts === 'toValue' ? { revertTo: W(safeW) } : {};
    await inverter.setMode('limitW', W(safeW), { revertSeconds, ...revertTo });
  }
}

async function rest(battery: GridSupport): Promise<void> {
  if (battery.modes().has('targetW')) await battery.setMode('targetW', null, { revertSeconds });
}

function scheduleOf(power: TrialPower, watts: number): Schedule<DERModes> {
  const mRID = formatMrid(mridOf('limit trial'));
  const source = { kind: 'default', mRID, program: mRID, primacy: 0 } as const;
  const fallback = { value: { multiplier: 0, value: watts }, rampTms: undefined, source };
  return { segments: {}, defaults: { [modeOf[power]]: fallback }, outcomes: new Map() };
}

/** What a limit of this power is about, W; generation counts what the battery gives, not what it draws. */
function limitedOf(power: TrialPower, { gridW, loadW, inverter, battery }: SiteSample): number | undefined {
  const storageW = battery?.powerW ?? 0;
  if (power === 'generation')
    return inverter === undefined && battery === undefined
      ? undefined
      : (inverter?.powerW ?? 0) + Math.max(0, storageW);
  if (power === 'load') return loadW === undefined ? undefined : loadW + Math.max(0, 0 - storageW);
  if (gridW === undefined) return undefined;
  return power === 'import' ? gridW : 0 - gridW;
}
