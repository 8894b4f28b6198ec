import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { BoundedRefusals } from './bounded-refusals.ts';
import { RememberedSecurityLog } from './test-security-log.ts';

function ground() {
  const log = new RememberedSecurityLog();
  const clock = { now: 1_800_000_000 };
  const refusals = new BoundedRefusals(log, () => UnixSeconds(clock.now));
  const refuse = (from: string | undefined, actor = 'somebody') =>
    refusals.write({ what: 'handshake', actor, reason: 'revoked', from });
  return { entries: log.entries, clock, refuse };
}

test('a flood from one network does not hide a refusal from another, and what was left out is counted', async () => {
  const { entries, clock, refuse } = ground();
  for (let i = 0; i < 1000; i++) await refuse(`2001:db8::${i.toString(16)}`);
  await refuse('192.0.2.1', 'the target');
  assert.deepEqual([entries.length, entries.at(-1)?.actor], [61, 'the target']);
  clock.now += 60;
  await refuse('192.0.2.2');
  assert.match(String(entries[61]?.detail?.['reason']), /^940 more /);
});

test('however many networks they come from, 600 in a minute are written down at most', async () => {
  const { entries, refuse } = ground();
  for (let i = 0; i < 2000; i++) await refuse(`10.0.${i >> 8}.${i & 255}`);
  assert.equal(entries.length, 600);
});
