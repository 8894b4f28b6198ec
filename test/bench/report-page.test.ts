import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { createLog } from '#hal/log.ts';
import { loadCases } from '#cli/bench/case.ts';
import { htmlReport } from '#cli/bench/html.ts';
import { shippedPlans } from '#cli/bench/run.ts';
import { runCase } from '#cli/bench/runner.ts';
import { debianPackage } from '#test/debian-packages.ts';
import { launchArguments } from '../campus/chromium.ts';
import { pageAudit, sidewaysAudit } from '../campus/page-audit.ts';

test('the report of a run can be read by everybody, in the light and in the dark, at a desk and on a phone', async (t) => {
  if (!debianPackage(t, 'chromium')) return;
  const path = shippedPlans().find((each) => each.endsWith('fault-storm.yaml'))!;
  const [bench] = loadCases(path);
  const options = { seed: 1, log: createLog('test', 'silent'), signal: new AbortController().signal, ask: undefined };
  const result = await runCase(bench!, options);
  const [first, ...others] = result.steps;
  // So that a failure is on the page too.
  const failed = { ...result, steps: [{ ...first!, outcome: 'failed' as const, until: 40 }, ...others] };
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: launchArguments });
  t.after(() => browser.close());
  for (const [colorScheme, width] of [
    ['light', 1200],
    ['dark', 390],
  ] as const) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
    const page = await context.newPage();
    await page.setContent(htmlReport([result, failed], '2026-11-22T10:00:00Z'));
    assert.deepEqual(await page.evaluate(pageAudit), [], colorScheme);
    assert.deepEqual(await page.evaluate(sidewaysAudit), [], colorScheme);
    assert.equal(await page.locator('figure svg').count(), 4);
    await context.close();
  }
});
