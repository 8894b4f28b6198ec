import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { expiryNotice } from '../registry/device-notices.ts';
import { ExpiryWatch } from '../registry/expiry-watch.ts';

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

const rules = (parse(readFileSync(new URL('alerts.yaml', import.meta.url), 'utf8')) as Rules).groups.flatMap(
  (group) => group.rules,
);
const now = UnixSeconds(1_800_000_000);

test('the alerts are of the metric that there is, at the days at which the dashboard and the log warn', async () => {
  const registry = { all: () => [], byMeterId: () => undefined };
  const others = [{ name: 'head-end', notAfter: now + 86_400 }];
  using watch = new ExpiryWatch({ registry, others, log: createLog('test', 'silent'), now: () => now });
  const told = await watch.metrics();
  assert.match(told, new RegExp(`gridtokenx_certificate_not_after_seconds{holder="head-end"} ${now + 86_400}`));
  const days = rules.map(({ expr }) => {
    const [, metric = '', number = ''] = /^(\w+) - time\(\) <= (\d+) \* 86400$/.exec(expr) ?? [];
    assert.match(told, new RegExp(`^# TYPE ${metric} gauge$`, 'm'));
    return Number(number);
  });
  assert.deepEqual(days, [30, 7, 1]);
  for (const [i, day] of days.entries()) {
    const at = expiryNotice(now + day * 86_400, now);
    const before = expiryNotice(now + day * 86_400 + 1, now);
    assert.equal(at?.level, ['notice', 'warning', 'critical'][i]);
    assert.notEqual(before?.level, at?.level);
  }
});
