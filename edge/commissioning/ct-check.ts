import type { Phase } from '#drivers/register-map.ts';
import { blocksOf, type Block, type CheckedClamp, type CtSample } from './ct-samples.ts';
import { factorsByBalance, factorsByMeter, type FoundFactor, isOfOtherVoltage } from './ct-factors.ts';
import { differences, median, rms, spread } from './ct-statistics.ts';

/** What is wrong with a clamp. `elsewhere`: it sees another line or circuit than it is to see. */
export const clampFaults = ['dead', 'elsewhere', 'wrongPhase', 'reversed', 'ratio', 'reversedRatio', 'noisy'] as const;
export type ClampFault = (typeof clampFaults)[number];

export interface ClampFinding extends CheckedClamp {
  readonly verdict: 'good' | 'fault' | 'undecided';
  readonly fault?: ClampFault;
  /** What it shows over what flows, and how far that may be off; `undefined` where it cannot be told. */
  readonly factor: number | undefined;
  readonly uncertainty: number | undefined;
  readonly meanW: number;
  /** What it shows that nothing explains, W. */
  readonly noiseW: number | undefined;
  /** Where it hangs in truth, as far as that can be told. */
  readonly hangsOn?: Phase | 'grid' | 'load';
}

/** What the clamps say together, against the meter or against each other. */
export interface Balance {
  readonly verdict: 'good' | 'fault' | 'undecided';
  /** What is left over, W: mean of what the clamps sum up to, less what it should be. */
  readonly differenceW: number | undefined;
  /** The greatest flow at the site, W: what the difference is compared with. */
  readonly scaleW: number;
}

export interface CtVerdict {
  readonly clamps: readonly ClampFinding[];
  readonly balance: Balance;
  readonly verdict: 'good' | 'fault' | 'undecided';
}

/** What a good clamp may be off: by a meter, and by what inverter and battery say of themselves. */
const tolerances = { meter: 0.06, balance: 0.1 } as const;
/** A factor that may be off by more is not called good, or says nothing at all. */
const mostUncertainty = { good: 0.2, atAll: 0.3 };
/** Noise of a good clamp: share of the greatest flow at the site, and at least, W. */
const noise = { share: 0.04, w: 30 };
/** Below this a clamp shows nothing, W; what should flow to say so is a multiple of it. */
const dead = { w: 6, flowW: 100, share: 0.002 };
const balanceShare = 0.08;
const leastFrames = 3;

/** Judges the clamps of a site by what was sampled; a pure function. A good site is never called bad for want of data. */
export function checkClamps(clamps: readonly CheckedClamp[], samples: readonly CtSample[]): CtVerdict {
  const blocks = blocksOf(samples);
  const hasMeter = blocks.length > 0 && blocks.every(({ meterW }) => meterW !== undefined);
  const factors = hasMeter ? factorsByMeter(clamps, blocks) : factorsByBalance(clamps, blocks);
  const scaleW = scaleOf(clamps, blocks);
  const tolerance = hasMeter ? tolerances.meter : tolerances.balance;
  const noises = clamps.map((clamp, i) => noiseOf(clamp, samples, factors[i]!));
  const noisy = noisyOf(clamps, noises, samples, { scaleW, hasMeter });
  const single = clamps.map((clamp, i) => {
    const site = { scaleW, tolerance, noiseW: noises[i], isNoisy: noisy.has(clamp) };
    return judge(clamp, factors[i]!, samples, site);
  });
  const findings = single.map((finding) => exchanged(finding, single));
  const balance = balanceOf(clamps, blocks, scaleW, hasMeter);
  // Where there is nothing to compare with, the clamps stand for themselves.
  const verdicts = [...findings, ...(balance.differenceW === undefined ? [] : [balance])].map((each) => each.verdict);
  const verdict = verdicts.includes('fault') ? 'fault' : verdicts.includes('undecided') ? 'undecided' : 'good';
  return { clamps: findings, balance, verdict };
}

interface Site {
  readonly scaleW: number;
  readonly tolerance: number;
  readonly noiseW: number | undefined;
  readonly isNoisy: boolean;
}

function judge(clamp: CheckedClamp, found: FoundFactor, samples: readonly CtSample[], site: Site): ClampFinding {
  const shown = samples.map(({ clampsW }) => clampsW[clamp.channel - 1] ?? 0);
  const { factor, uncertainty, flowW, hangsOn } = found;
  const about = {
    ...clamp,
    factor,
    uncertainty,
    meanW: Math.round(median(shown)),
    noiseW: site.noiseW,
    ...(hangsOn && { hangsOn }),
  };
  const fault = (kind: ClampFault): ClampFinding => ({ ...about, verdict: 'fault', fault: kind });
  const leastW = Math.max(dead.w, dead.share * site.scaleW);
  if (shown.every((w) => Math.abs(w) <= leastW)) {
    const mustShow = shown.length >= leastFrames && flowW !== undefined && flowW >= Math.max(dead.flowW, 10 * leastW);
    return mustShow ? fault('dead') : { ...about, verdict: 'undecided' };
  }
  if (site.isNoisy) return fault('noisy');
  if (hangsOn !== undefined && hangsOn !== (clamp.phase ?? clamp.sees))
    return fault(isOfOtherVoltage(factor ?? 1) ? 'wrongPhase' : 'elsewhere');
  if (factor === undefined || uncertainty === undefined || uncertainty > mostUncertainty.atAll)
    return { ...about, verdict: 'undecided' };
  const margin = site.tolerance + uncertainty;
  if (Math.abs(factor - 1) <= margin)
    return { ...about, verdict: uncertainty <= mostUncertainty.good ? 'good' : 'undecided' };
  if (Math.abs(factor + 1) <= margin) return fault('reversed');
  if (Math.abs(factor) <= margin) return fault('elsewhere');
  // The other way round it looks like a ratio of a half, but for the front-end's own power factor.
  const isOther = isOfOtherVoltage(factor) || (isOfOtherVoltage(-factor) && hasPoorPowerFactor(samples, clamp));
  if (isOther) return fault('wrongPhase');
  return fault(factor > 0 ? 'ratio' : 'reversedRatio');
}

/** Clamps that are explained by each other are noisy together: the one that leaps more is. */
function noisyOf(
  clamps: readonly CheckedClamp[],
  noises: readonly (number | undefined)[],
  samples: readonly CtSample[],
  { scaleW, hasMeter }: { readonly scaleW: number; readonly hasMeter: boolean },
): ReadonlySet<CheckedClamp> {
  const noisy = clamps.filter((_clamp, i) => (noises[i] ?? 0) > Math.max(noise.w, noise.share * scaleW));
  if (hasMeter || noisy.length < 2) return new Set(noisy);
  const leaps = ({ channel }: CheckedClamp): number =>
    spread(differences(samples.map(({ clampsW }) => clampsW[channel - 1] ?? 0)));
  return new Set(noisy.toSorted((a, b) => leaps(b) - leaps(a)).slice(0, 1));
}

/** Where one of two hangs on the other's place, the other hangs on its. */
function exchanged(finding: ClampFinding, all: readonly ClampFinding[]): ClampFinding {
  const { phase, sees, verdict } = finding;
  const other = all.find((each) => each.phase === undefined && each.sees !== sees && each.hangsOn === sees);
  if (phase !== undefined || verdict === 'good' || other === undefined) return finding;
  return { ...finding, verdict: 'fault', fault: 'elsewhere', hangsOn: other.sees };
}

/** The front-end's own power factor says that the voltage is another line's: loads of buildings have better ones. */
function hasPoorPowerFactor(samples: readonly CtSample[], { channel }: CheckedClamp): boolean {
  const told = samples.map(({ powerFactors }) => powerFactors?.[channel - 1]).filter((factor) => factor !== undefined);
  return told.length > 0 && isOfOtherVoltage(0 - Math.abs(median(told)));
}

/** What the clamp shows from frame to frame that what flows does not explain. */
function noiseOf(
  clamp: CheckedClamp,
  samples: readonly CtSample[],
  { explain, factor }: FoundFactor,
): number | undefined {
  if (factor === undefined) return undefined;
  const left = samples.flatMap((sample) => {
    const explained = explain(sample);
    const shown = sample.clampsW[clamp.channel - 1];
    return explained === undefined || shown === undefined ? [] : [shown - explained];
  });
  return left.length < 5 ? undefined : Math.round(spread(left));
}

/** The greatest flow there is, W. */
function scaleOf(clamps: readonly CheckedClamp[], blocks: readonly Block[]): number {
  const loads = blocks.map(({ meterW, derW }) => (meterW === undefined ? 0 : meterW + (derW ?? 0)));
  const seen = clamps.map(({ channel }) => rms(blocks.map(({ clampsW }) => clampsW[channel - 1] ?? 0)));
  const hasMeter = blocks.some(({ meterW }) => meterW !== undefined);
  return Math.max(
    rms(blocks.map(({ meterW }) => meterW ?? 0)),
    rms(blocks.map(({ derW }) => derW ?? 0)),
    rms(loads),
    // Without a meter the clamps themselves are all that tells.
    ...(hasMeter ? [] : seen),
  );
}

/** The sum of the grid clamps against the meter; without one, what comes in against what goes where. */
function balanceOf(
  clamps: readonly CheckedClamp[],
  blocks: readonly Block[],
  scaleW: number,
  hasMeter: boolean,
): Balance {
  const sumOf = (sees: CheckedClamp['sees'], { clampsW }: Block): number | undefined => {
    const own = clamps.filter((clamp) => clamp.sees === sees);
    return own.length === 0 ? undefined : own.reduce((sum, { channel }) => sum + (clampsW[channel - 1] ?? 0), 0);
  };
  const left = blocks.flatMap((block) => {
    const [grid, load] = [sumOf('grid', block), sumOf('load', block)];
    const expected = hasMeter
      ? block.meterW
      : load === undefined || block.derW === undefined
        ? undefined
        : load - block.derW;
    return grid === undefined || expected === undefined ? [] : [grid - expected];
  });
  if (left.length === 0) return { verdict: 'undecided', differenceW: undefined, scaleW };
  const differenceW = Math.round(rms(left) * Math.sign(left.reduce((sum, value) => sum + value, 0)));
  const isGood = rms(left) <= Math.max(noise.w * 2, (balanceShare + (hasMeter ? 0 : balanceShare)) * scaleW);
  return { verdict: isGood ? 'good' : 'fault', differenceW, scaleW };
}
