import { escaped } from '#hal/markup.ts';
import { type CaseResult, outcomeOf, type StepResult } from './result.ts';

const seconds = (wallMs: number): string => (wallMs / 1000).toFixed(3);
const total = (steps: readonly StepResult[]): string => seconds(steps.reduce((sum, { wallMs }) => sum + wallMs, 0));

/**
 * The results as JUnit XML (the form of Jenkins' `junit-10.xsd`): a suite a plan, a case each step that expects
 * something or that could not be done. A plan that was ended early has an error.
 */
export function junitReport(results: readonly CaseResult[]): string {
  const suites = results.map(suite);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="gridtokenx bench">\n${suites.join('')}</testsuites>\n`;
}

function suite(result: CaseResult): string {
  const { name, steps, error, title, board, seed } = result;
  const cases = steps.filter(({ isCheck, outcome }) => isCheck || outcome !== 'passed');
  const count = (outcome: string): number => cases.filter((step) => step.outcome === outcome).length;
  // What checked nothing, or was ended, must not look like a success.
  const ended = error ?? (outcomeOf(result) === 'skipped' ? 'nothing was checked' : undefined);
  const attributes = [
    `name="${escaped(name)}"`,
    `tests="${cases.length + (ended === undefined ? 0 : 1)}"`,
    `failures="${count('failed')}"`,
    `errors="${ended === undefined ? 0 : 1}"`,
    `skipped="${count('skipped')}"`,
    `time="${total(steps)}"`,
  ];
  const properties = Object.entries({ title, board, seed: String(seed) }).map(
    ([key, value]) => `      <property name="${key}" value="${escaped(value)}"/>\n`,
  );
  const inner = [
    `    <properties>\n${properties.join('')}    </properties>\n`,
    ...cases.map((step) => testCase(name, step)),
    ...(ended === undefined ? [] : [endCase(name, ended)]),
  ];
  return `  <testsuite ${attributes.join(' ')}>\n${inner.join('')}  </testsuite>\n`;
}

function testCase(suiteName: string, { number, text, outcome, detail, wallMs }: StepResult): string {
  const head = `    <testcase classname="${escaped(suiteName)}" name="${number}. ${escaped(text)}" time="${seconds(wallMs)}"`;
  if (outcome === 'passed') return `${head}/>\n`;
  const what = outcome === 'failed' ? 'failure' : 'skipped';
  return `${head}>\n      <${what} message="${escaped(detail)}"/>\n    </testcase>\n`;
}

const endCase = (suiteName: string, reason: string): string =>
  `    <testcase classname="${escaped(suiteName)}" name="runs to its end" time="0.000">\n      <error message="${escaped(reason)}"/>\n    </testcase>\n`;
