import { isoTime, type UnixSeconds } from '#hal/units.ts';
import type { BoardFile } from '../board-file.ts';
import type { Balance, ClampFinding } from './ct-check.ts';
import type { CtMethod, CtResult } from './ct-run.ts';
import type { CtSample } from './ct-samples.ts';
import { balanceWords, wordsFor } from './ct-words.ts';
import type { StepPlan } from './ct-step.ts';

/** What a check of the clamps found, for a file: powers are integer W. */
export interface CtReport {
  readonly kind: 'ct-check';
  readonly version: 1;
  readonly meterId: string;
  readonly name: string;
  /** ISO 8601, UTC: when the last frame came. */
  readonly at: string;
  readonly software: string;
  /** Who says that it was done. */
  readonly technician: string | null;
  readonly method: CtMethod;
  readonly step: StepPlan | null;
  readonly seconds: number;
  readonly frames: number;
  readonly verdict: 'good' | 'fault' | 'undecided';
  readonly clamps: readonly (ClampFinding & { readonly finding: string; readonly mend: string | null })[];
  readonly balance: Balance & { readonly finding: string };
  /** What was seen, thinned out to a few hundred rows: seconds from the start, clamps by input, devices, meter. */
  readonly series: readonly SeriesRow[];
}

export interface SeriesRow {
  readonly second: number;
  readonly clampsW: readonly number[];
  readonly derW: number | null;
  readonly meterW: number | null;
}

export interface ReportFacts {
  readonly file: Pick<BoardFile, 'meterId' | 'name'>;
  readonly software: string;
  readonly technician: string | undefined;
  readonly now: UnixSeconds;
}

const mostRows = 240;
const rounded = (value: number | undefined, digits: number): number | undefined =>
  value === undefined ? undefined : Number(value.toFixed(digits));
const whole = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));

export function ctReport(
  { verdict, method, step, samples }: CtResult,
  { file, software, technician, now }: ReportFacts,
): CtReport {
  const [first, last] = [samples[0]?.time ?? now, samples.at(-1)?.time ?? now];
  return {
    kind: 'ct-check',
    version: 1,
    meterId: file.meterId,
    name: file.name,
    at: isoTime(now),
    software,
    technician: technician ?? null,
    method,
    step: step ?? null,
    seconds: last - first,
    frames: samples.length,
    verdict: verdict.verdict,
    clamps: verdict.clamps.map((clamp) => {
      const { finding, mend } = wordsFor(clamp);
      const { factor, uncertainty } = clamp;
      return {
        ...clamp,
        factor: rounded(factor, 4),
        uncertainty: rounded(uncertainty, 4),
        finding,
        mend: mend ?? null,
      };
    }),
    balance: {
      ...verdict.balance,
      scaleW: Math.round(verdict.balance.scaleW),
      finding: balanceWords(verdict.balance, method),
    },
    series: thinned(samples).map(({ time, clampsW, derW, meter }) => ({
      second: time - first,
      clampsW: clampsW.map((w) => Math.round(w)),
      derW: whole(derW),
      meterW: whole(meter?.powerW),
    })),
  };
}

function thinned(samples: readonly CtSample[]): readonly CtSample[] {
  const each = Math.max(1, Math.ceil(samples.length / mostRows));
  return samples.filter((_sample, i) => i % each === 0);
}
