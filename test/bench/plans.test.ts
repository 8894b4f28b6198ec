import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { loadCases } from '#cli/bench/case.ts';
import { planSchema } from '#cli/bench/plan-schema.ts';
import { outcomeOf, summaryOf } from '#cli/bench/result.ts';
import { shippedPlans } from '#cli/bench/run.ts';
import { runCase } from '#cli/bench/runner.ts';
import { drivers } from '#drivers/registry.ts';

const log = createLog('test', 'silent');
const { signal } = new AbortController();

for (const path of shippedPlans()) {
  test(`the plan ${basename(path)} passes on twins`, async (t) => {
    for (const bench of loadCases(path)) {
      const result = await runCase(bench, { seed: 1, log, signal, ask: undefined });
      const wrong = result.steps.filter(({ outcome }) => outcome !== 'passed');
      assert.deepEqual(
        wrong.map(({ text, outcome, detail }) => `${result.name}: ${outcome} ${text}: ${detail}`),
        [],
      );
      assert.equal(outcomeOf(result), 'passed');
      t.diagnostic(`${result.name}: ${summaryOf(result)}`);
    }
  });
}

test('every driver of a meter or CT front-end, and every control path, is in a plan that comes with the program', () => {
  const cases = shippedPlans().flatMap((path) => loadCases(path));
  const driven = new Set(
    cases.flatMap(({ board }) =>
      Object.values(board.devices).map(({ driver, models = 'ieee1547' }) => `${driver} ${String(models)}`),
    ),
  );
  const meters = drivers.filter(({ role }) => role === 'clamps').map(({ name }) => `${name} ieee1547`);
  const paths = ['sunspec-inverter', 'sunspec-battery'].flatMap((name) => [`${name} ieee1547`, `${name} legacy`]);
  assert.deepEqual(
    [...meters, ...paths].filter((each) => !driven.has(each)),
    [],
    'give each a row in boards/bench/accuracy-meters.yaml, accuracy-clamps.yaml or one of the limit plans',
  );
});

test('the published schema of a plan is the one that plans are checked by', () => {
  const published: unknown = JSON.parse(
    readFileSync(new URL('../../boards/bench/plan.schema.json', import.meta.url), 'utf8'),
  );
  assert.deepEqual(published, JSON.parse(JSON.stringify(planSchema)), 'node cli/node24.js cli/bench/write-schema.ts');
});
