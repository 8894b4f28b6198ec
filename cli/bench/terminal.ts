import type { BenchCase } from './case.ts';
import { type CaseResult, type Outcome, outcomeOf, type StepResult, summaryOf } from './result.ts';

const marks: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✗', skipped: '–' };

/** Before the first step of a plan. */
export const caseHead = ({ name, plan, board }: BenchCase): string => `${name}: ${plan.title} (${board.path})`;

/** A step as it ends; one that expects nothing has no tick. */
export function stepLine({ isCheck, outcome, text, detail }: StepResult): string {
  const mark = isCheck || outcome !== 'passed' ? marks[outcome] : ' ';
  return `  ${mark} ${text}${detail === '' ? '' : `: ${detail}`}`;
}

/** After the last. */
export const caseTail = (result: CaseResult): string =>
  `${marks[outcomeOf(result)]} ${result.name}: ${summaryOf(result)}${result.error === undefined ? '' : `, ended by ${result.error}`}`;
