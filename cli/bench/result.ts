import type { Second } from './bench-site.ts';

/** `skipped`: it could not be done or checked here, for a reason that is told. */
export type Outcome = 'passed' | 'failed' | 'skipped';

export interface StepResult {
  /** From 1. */
  readonly number: number;
  /** It expects something; the others only do. */
  readonly isCheck: boolean;
  readonly text: string;
  readonly outcome: Outcome;
  /** What was measured, or why not. */
  readonly detail: string;
  /** Seconds since the plan began. */
  readonly from: number;
  readonly until: number;
  readonly wallMs: number;
}

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  /** The board file. */
  readonly board: string;
  /** All devices were twins, and time the plan's own. */
  readonly isVirtual: boolean;
  readonly seed: number;
  readonly steps: readonly StepResult[];
  readonly seconds: readonly Second[];
  /** What ended it early. */
  readonly error: string | undefined;
}

const countOf = ({ steps }: CaseResult, outcome: Outcome): number =>
  steps.filter((step) => step.isCheck && step.outcome === outcome).length;

/** A plan that checked nothing has not passed. */
export function outcomeOf(result: CaseResult): Outcome {
  if (result.error !== undefined || result.steps.some(({ outcome }) => outcome === 'failed')) return 'failed';
  return countOf(result, 'passed') > 0 ? 'passed' : 'skipped';
}

/** `7 of 8 checks, 1 failed, in 312 s`. */
export function summaryOf(result: CaseResult): string {
  const checks = result.steps.filter(({ isCheck }) => isCheck).length;
  const [failed, skipped] = [countOf(result, 'failed'), countOf(result, 'skipped')];
  const until = result.steps.at(-1)?.until ?? 0;
  return [
    `${countOf(result, 'passed')} of ${checks} checks`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
    `${until} s${result.isVirtual ? ' of its own time' : ''}`,
  ].join(', ');
}
