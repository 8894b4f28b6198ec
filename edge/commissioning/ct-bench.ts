/** For tests: a building whose clamps hang as a technician may have hung them, seen through the bytes of its front-end. */
import { normal, seedOf, uniform } from '#hal/random.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { parseEmonLine } from '#drivers/ct/emon-line.ts';
import { type EmonFormat, formatEmon } from '#drivers/ct/emon-twin.ts';
import { buildingTypes } from '#drivers/site/load-shapes.ts';
import { Site } from '#drivers/site/site.ts';
import type { CheckedClamp, CtSample } from './ct-samples.ts';

/** What a clamp really is. */
export interface HungClamp extends CheckedClamp {
  /** Where it hangs; as it is to be unless told. */
  readonly hangs?: { readonly sees?: 'grid' | 'load'; readonly phase?: 'L1' | 'L2' | 'L3' };
  readonly isReversed?: boolean;
  readonly ratio?: number;
  /** Measured with another line's voltage: +1 the next one, −1 the one before. */
  readonly voltageOff?: 1 | -1;
  /** Of what it shows, W rms. */
  readonly noiseW?: number;
  readonly isDead?: boolean;
}

export interface CtBenchOptions {
  readonly seed: number;
  readonly clamps: readonly HungClamp[];
  readonly seconds: number;
  /** Local hour of the day, 0 to 23. */
  readonly hour: number;
  readonly hasMeter?: boolean;
  /** The battery gives so much and nothing by turns of so many seconds, the first of which settle. */
  readonly step?: { readonly w: number; readonly seconds: number; readonly settle: number };
  readonly format?: EmonFormat;
}

const midnight = 1_782_025_200;
const lines = ['L1', 'L2', 'L3'] as const;
/** Class of clamps, meter and what devices say of themselves. */
const classes = { clamp: 0.01, meter: 0.005, der: 0.02 };

const around = (seed: number, name: string, share: number): number =>
  1 + share * (2 * uniform(seedOf(seed, name), 0) - 1);

/** Three lines of a load that share it unevenly, and now and then otherwise. */
function sharesAt(seed: number, time: number): readonly number[] {
  const weights = lines.map((line) => {
    const own = seedOf(seed, line);
    return 0.6 + 0.8 * uniform(own, 0) + 0.5 * uniform(own, 1 + Math.floor(time / 17));
  });
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / all);
}

/** What the check would have sampled. */
export function ctSamples(options: CtBenchOptions): CtSample[] {
  const { seed, hour, seconds, step, format = 'text' } = options;
  const building = buildingTypes[Math.floor(uniform(seedOf(seed, 'building'), 0) * buildingTypes.length)]!;
  const site = new Site(
    {
      meterId: `CT_${seed}`,
      building,
      location: { latitude: 37.4, longitude: -122.2, timeZone: 'America/Los_Angeles' },
      pvRatedW: 12_000,
      peakLoadW: 15_000,
      battery: { capacityWh: 20_000, ratedW: 5000 },
    },
    seed,
  );
  const start = midnight + hour * 3600 + Math.floor(uniform(seedOf(seed, 'start'), 0) * 3000);
  const turnAt = (time: number): number => Math.floor((time - start - 1) / (step?.seconds ?? Infinity));
  site.controls = {
    pv: (_now, activeW) => ({ activeW, reactiveVar: 0 }),
    battery: (now) => ({ activeW: step !== undefined && turnAt(now) % 2 === 1 ? step.w : 0, reactiveVar: 0 }),
  };
  site.advanceTo(UnixSeconds(start));
  const samples: CtSample[] = [];
  let before: number | undefined;
  for (let time = start + 1; time <= start + seconds; time++) {
    site.advanceTo(UnixSeconds(time));
    const { loadW, gridW, pvW, batteryW } = site.state;
    const shares = sharesAt(seed, time);
    const flows = { loadW, gridW, derW: pvW + batteryW, shares };
    const channels = Array.from({ length: 6 }, (_, i) => {
      const clamp = options.clamps.find(({ channel }) => channel === i + 1);
      return { powerW: W(clamp === undefined ? 0 : shownBy(clamp, flows, seed, time)), energyWh: Wh(0) };
    });
    const parsed = parseEmonLine(formatEmon({ message: time - start, voltsRms: 230.1, channels }, format));
    if (typeof parsed === 'string') throw new RangeError(parsed);
    // Devices are asked a moment earlier or later than the clamps are read.
    const derW = Math.round(
      (uniform(seedOf(seed, 'late'), time) < 0.3 ? (before ?? pvW + batteryW) : pvW + batteryW) *
        around(seed, 'der', classes.der),
    );
    before = pvW + batteryW;
    const gain = around(seed, 'meter', classes.meter);
    const phasesW = shares.map((share) => Math.round(gain * (loadW * share - (pvW + batteryW) / 3)));
    const isSettled = step !== undefined && (time - start - 1) % step.seconds >= step.settle;
    samples.push({
      time: UnixSeconds(time),
      clampsW: parsed.channels.map(({ powerW }) => powerW),
      derW,
      ...(options.hasMeter === true && { meter: { powerW: Math.round(gain * gridW), phasesW } }),
      ...(isSettled && { level: turnAt(time) }),
    });
  }
  return samples;
}

interface Flows {
  readonly loadW: number;
  readonly gridW: number;
  readonly derW: number;
  readonly shares: readonly number[];
}

/** Reactive power of the building's load, share of active. */
const tanPhi = 0.2;

function shownBy(clamp: HungClamp, { loadW, gridW, derW, shares }: Flows, seed: number, time: number): number {
  if (clamp.isDead === true) return Math.round(uniform(seedOf(seed, 'hum'), time) * 2);
  const sees = clamp.hangs?.sees ?? clamp.sees;
  const phase = clamp.hangs?.phase ?? clamp.phase;
  const share = phase === undefined ? 1 : shares[lines.indexOf(phase)]!;
  const loadOnLine = loadW * share;
  const activeW = sees === 'load' ? loadOnLine : phase === undefined ? gridW : loadOnLine - derW / 3;
  const { voltageOff } = clamp;
  // P = Re(V̄ I) with the voltage a third of a turn away.
  const seenW =
    voltageOff === undefined ? activeW : -activeW / 2 + voltageOff * (Math.sqrt(3) / 2) * tanPhi * loadOnLine;
  const gain =
    around(seed, `clamp ${clamp.channel}`, classes.clamp) * (clamp.ratio ?? 1) * (clamp.isReversed === true ? -1 : 1);
  const noiseW = (clamp.noiseW ?? 0) * normal(seedOf(seed, `noise ${clamp.channel}`), time);
  return Math.round(gain * seenW + noiseW);
}
