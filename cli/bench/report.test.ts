import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { htmlReport } from './html.ts';
import { junitReport } from './junit.ts';
import { type CaseResult, outcomeOf, type StepResult } from './result.ts';

const step = (more: Partial<StepResult>): StepResult => ({
  number: 1,
  isCheck: true,
  text: 'expect 5 > "4" & <so on>\u0000',
  outcome: 'passed',
  detail: '5 W',
  from: 0,
  until: 3,
  wallMs: 12.4,
  ...more,
});
const result = (more: Partial<CaseResult> = {}): CaseResult => ({
  name: 'plan a&b',
  title: 'A <title>',
  board: 'board.yaml',
  isVirtual: true,
  seed: 1,
  steps: [
    step({ isCheck: false, text: 'set load 5 W', detail: '' }),
    step({ number: 2 }),
    step({ number: 3, outcome: 'failed', detail: 'measured "7" W' }),
    step({ number: 4, outcome: 'skipped', detail: 'nobody' }),
  ],
  seconds: [0, 1, 2].map((at) => ({
    at,
    read: { gridPower: at },
    actual: { gridPower: at },
    known: { gridPower: at },
    neighbours: new Map(),
    orders: { exportW: 100 },
  })),
  error: undefined,
  ...more,
});
const results = [result(), result({ name: 'ended', error: 'GTX-HAL-001 gone' }), result({ name: 'empty', steps: [] })];

const schema = XmlDocument.fromString(readFileSync(new URL('junit.xsd', import.meta.url), 'utf8'));

test('the JUnit report is what its schema asks for, and counts what it holds', () => {
  const document = XmlDocument.fromString(junitReport(results));
  XsdValidator.fromDoc(schema).validate(document);
  const numbers = (path: string): string => {
    const found = document.eval(path);
    return typeof found === 'object' ? '' : String(found);
  };
  for (const [i, [cases, failures, errors, skipped]] of [
    [3, 1, 0, 1],
    [4, 1, 1, 1],
    [1, 0, 1, 0],
  ].entries()) {
    const suite = `/testsuites/testsuite[${i + 1}]`;
    assert.equal(numbers(`count(${suite}/testcase)`), String(cases));
    assert.equal(numbers(`string(${suite}/@tests)`), String(cases));
    assert.equal(numbers(`string(${suite}/@failures)`), String(failures));
    assert.equal(numbers(`count(${suite}/testcase/failure)`), String(failures));
    assert.equal(numbers(`string(${suite}/@errors)`), String(errors));
    assert.equal(numbers(`count(${suite}/testcase/skipped)`), String(skipped));
  }
  assert.equal(numbers('string(//failure[1]/@message)'), 'measured "7" W');
  document.dispose();
});

test('a report that is not one is refused by the schema', () => {
  const wrong = XmlDocument.fromString(junitReport(results).replace('tests="3"', 'tests="three"'));
  assert.throws(() => XsdValidator.fromDoc(schema).validate(wrong));
});

test('a plan passes only when something was checked and nothing failed', () => {
  const only = (outcome: StepResult['outcome']): CaseResult => result({ steps: [step({ outcome })] });
  assert.deepEqual(
    [only('passed'), only('failed'), only('skipped'), result({ steps: [step({})], error: 'x' })].map(outcomeOf),
    ['passed', 'failed', 'skipped', 'failed'],
  );
});

test('the page needs nothing from elsewhere, shows nothing as markup that is none, and has a plot', () => {
  const page = htmlReport(results, '2026-11-22T10:00:00Z');
  assert.ok(!/(src|href)="(?!#)/.test(page) && !/url\(|@import|<script/.test(page));
  assert.ok(page.includes('A &lt;title&gt;') && !page.includes('A <title>'));
  assert.match(page, /<svg [^>]*role="img" aria-label="Connection point/);
  assert.match(page, /class="export-limit" d="M/);
  assert.match(page, /<tr class="failed">.*measured &quot;7&quot; W/);
  assert.match(page, /prefers-color-scheme:dark/);
  assert.match(page, /Ended by GTX-HAL-001 gone/);
});
