import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { ClampFrame, EnergyMeter, MeterReading } from '#drivers/capabilities.ts';
import type { BoardFile } from '../board-file.ts';
import type { BoardDevices } from '../sampler.ts';
import { checkClamps, type CtVerdict } from './ct-check.ts';
import type { CheckedClamp, CtSample } from './ct-samples.ts';
import { mean } from './ct-statistics.ts';
import { endStep, planStep, refreshSeconds, type StepPlan, takeLevel } from './ct-step.ts';

export interface CtRunOptions {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly clamps: readonly CheckedClamp[];
  /** A meter at the connection point beside the clamps. */
  readonly meter: EnergyMeter | undefined;
  /** How long the site is watched where there is no step. */
  readonly seconds: number;
  readonly isStepped: boolean;
}

/** What the check goes by: a meter before anything else. */
export type CtMethod = 'meter' | 'step' | 'passive';

export interface CtProgress {
  readonly what: string;
  readonly done: number;
  readonly all: number;
}

export interface CtResult {
  readonly verdict: CtVerdict;
  readonly method: CtMethod;
  readonly step: StepPlan | undefined;
  readonly samples: readonly CtSample[];
}

/** Levels of a step, low and high by turns. */
const levels = 8;
/** A level lasts so many frames, of which the first settle; and at least so many seconds. */
const level = { frames: 4, settleFrames: 1, leastSeconds: 20, settleSeconds: 5 };
/** A front-end that sends every ten seconds has sent twice by then. */
const mostSilentSeconds = 25;
const frameTimeoutMs = 700;
const mostSamples = 10_000;

/** Runs a clamp check on a site: frame by frame, beside what inverter, battery and meter say. One call a second. */
export class CtRun {
  readonly #options: CtRunOptions;
  readonly #samples: CtSample[] = [];
  #step: StepPlan | undefined;
  #frame: ClampFrame | undefined;
  #startedAt: number | undefined;
  /** When the check proper began, and how long a level or the whole of it lasts. */
  #plan:
    | { readonly from: number; readonly levelSeconds: number; readonly settleSeconds: number; readonly seconds: number }
    | undefined;
  /** What inverter and battery gave since the last frame, and what the meter said. */
  #ders: number[] = [];
  #meters: MeterReading[] = [];
  #told: { readonly isHigh: boolean; readonly at: number } | undefined;

  constructor(options: CtRunOptions) {
    this.#options = options;
  }

  /** Starts the devices. Rejects as they do, and with GTX-CTC-002 where a step is asked for that nobody can make. */
  async start(): Promise<void> {
    const { file, devices, meter, isStepped } = this.#options;
    const { inverter, battery } = devices;
    await devices.meter.start();
    await inverter?.start();
    await battery?.start();
    await meter?.start();
    if (!isStepped) return;
    const { battery: batteryEntry } = file.devices;
    const [stored, given] = [await battery?.read(), await inverter?.read()];
    this.#step = planStep({
      exportLimitW: file.connection.exportLimitW,
      battery:
        battery === undefined || stored === undefined
          ? undefined
          : {
              ratedW: Math.min(batteryEntry?.ratedW ?? 0, battery.nameplate().ratedW),
              reading: stored,
              reservePercent: batteryEntry?.reservePercent ?? 0,
            },
      inverter:
        inverter === undefined || given === undefined
          ? undefined
          : { ratedW: inverter.nameplate().ratedW, powerW: given.powerW },
    });
  }

  /**
   * Takes one second; answers how far the check is, and `done === all` when it is over. Rejects with the front-end's error
   * when it stays silent, and as inverter, battery and meter do.
   */
  async second(now: UnixSeconds): Promise<CtProgress> {
    this.#startedAt ??= now;
    await this.#takeLevel(now);
    await this.#takeReferences();
    const frame = await this.#newFrame(now);
    if (frame !== undefined) this.#take(frame);
    const plan = this.#plan;
    if (plan === undefined) return { what: 'waiting for the front-end', done: 0, all: 1 };
    const done = Math.min(plan.seconds, now - plan.from);
    return { what: this.#what(now), done, all: plan.seconds };
  }

  /** Gives the devices back. */
  async release(): Promise<void> {
    if (this.#step !== undefined && this.#told !== undefined) await endStep(this.#step, this.#options.devices);
  }

  result(): CtResult {
    const { clamps, meter } = this.#options;
    const method = meter !== undefined ? 'meter' : this.#step !== undefined ? 'step' : 'passive';
    return { verdict: checkClamps(clamps, this.#samples), method, step: this.#step, samples: this.#samples };
  }

  async #takeLevel(now: number): Promise<void> {
    const plan = this.#plan;
    const step = this.#step;
    if (plan === undefined || step === undefined) return;
    const isHigh = this.#levelAt(now) % 2 === 1;
    const isTold = this.#told?.isHigh === isHigh && now - this.#told.at < refreshSeconds;
    if (isTold) return;
    this.#told = { isHigh, at: now };
    await takeLevel(step, isHigh, this.#options.devices);
  }

  #levelAt(now: number): number {
    const plan = this.#plan;
    return plan === undefined ? 0 : Math.floor((now - plan.from) / plan.levelSeconds);
  }

  async #takeReferences(): Promise<void> {
    const { devices, meter } = this.#options;
    const [given, stored, metered] = await Promise.all([
      devices.inverter?.read(),
      devices.battery?.read(),
      meter?.read(),
    ]);
    this.#ders.push((given?.powerW ?? 0) + (stored?.powerW ?? 0));
    if (metered !== undefined) this.#meters.push(metered);
  }

  async #newFrame(now: UnixSeconds): Promise<ClampFrame | undefined> {
    const before = this.#frame?.receivedAt ?? UnixSeconds(0);
    try {
      return await this.#options.devices.meter.frameAfter(before, frameTimeoutMs);
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      const since = this.#frame?.receivedAt ?? this.#startedAt ?? now;
      if (now - since <= mostSilentSeconds) return undefined;
      throw error;
    }
  }

  #take(frame: ClampFrame): void {
    const before = this.#frame;
    this.#frame = frame;
    const time = frame.receivedAt;
    const meters = this.#meters;
    const sample: CtSample = {
      time,
      clampsW: frame.channels.map(({ powerW }) => powerW),
      powerFactors: frame.channels.map(({ powerFactor }) => powerFactor),
      derW: mean(this.#ders),
      ...(meters.length > 0 && { meter: meanMeter(meters) }),
    };
    this.#ders = [];
    this.#meters = [];
    if (before !== undefined && this.#plan === undefined) this.#begin(time, time - before.receivedAt);
    else if (this.#plan !== undefined && this.#samples.length < mostSamples) this.#samples.push(this.#levelled(sample));
  }

  #begin(now: number, framePeriod: number): void {
    const levelSeconds = Math.max(level.leastSeconds, level.frames * framePeriod);
    const settleSeconds = Math.max(level.settleSeconds, level.settleFrames * framePeriod + 2);
    const seconds = this.#step === undefined ? this.#options.seconds : levels * levelSeconds;
    this.#plan = { from: now, levelSeconds, settleSeconds, seconds };
  }

  #levelled(sample: CtSample): CtSample {
    const plan = this.#plan;
    if (plan === undefined || this.#step === undefined) return sample;
    const within = (sample.time - plan.from) % plan.levelSeconds;
    return within < plan.settleSeconds ? sample : { ...sample, level: this.#levelAt(sample.time) };
  }

  #what(now: number): string {
    const step = this.#step;
    if (step === undefined) return `watching, ${this.#samples.length} frames`;
    return `${step.by} at the ${this.#levelAt(now) % 2 === 1 ? 'upper' : 'lower'} level of the step`;
  }
}

function meanMeter(readings: readonly MeterReading[]): NonNullable<CtSample['meter']> {
  const phasesW = [0, 1, 2].map((i) => {
    const known = readings.map(({ phases }) => phases[i]?.powerW).filter((w) => w !== undefined);
    return known.length < readings.length ? undefined : mean(known);
  });
  return { powerW: mean(readings.map(({ powerW }) => powerW)), phasesW };
}
