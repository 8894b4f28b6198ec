import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { never } from '#provisioning/certificates.ts';
import { noticeOf } from './device-notices.ts';
import type { Device } from './devices.ts';
import { ExpiryWatch } from './expiry-watch.ts';

const day = 86_400;
const start = 1_800_000_000;

const device = (meterId: string, notAfter: number, more: Partial<Device> = {}): Device =>
  ({ meterId, isRevoked: false, quarantine: undefined, certificate: { number: '1', notAfter }, ...more }) as Device;

function stand(devices: readonly Device[]) {
  const lines: string[] = [];
  const line = (level: string) => (facts: { readonly holder: string }, text: string) =>
    void lines.push(`${level} ${facts.holder}: ${text}`);
  const log = { warn: line('warn'), error: line('error') } as unknown as Log;
  const clock = { now: start };
  const registry = {
    all: () => devices,
    byMeterId: (meterId: string) => devices.find((one) => one.meterId === meterId),
  };
  const watch = new ExpiryWatch({ registry, others: [], log, now: () => UnixSeconds(clock.now) });
  return { watch, lines, clock };
}

test('a certificate is told of once at 30, at 7 and at 1 days, and when it has ended', () => {
  const { watch, lines, clock } = stand([device('A', start + 40 * day), device('for ever', never)]);
  for (let hours = 0; hours <= 42 * 24; hours++) {
    clock.now = start + hours * 3600;
    watch.look();
  }
  assert.deepEqual(lines, [
    'warn A: certificate ends in 30 days',
    'warn A: certificate ends in 7 days',
    'error A: certificate ends in 1 day',
  ]);
  assert.equal(watch.noticeOf('A')?.text, 'certificate has expired');
  assert.equal(watch.noticeOf('for ever'), undefined);
  assert.equal(watch.noticeOf('nobody'), undefined);
});

test('one that is renewed is told of no more, and the metric is of those that are in force', async () => {
  const devices = [device('A', start + 6 * day)];
  const { watch, lines, clock } = stand(devices);
  watch.look();
  devices[0] = device('A', start + 90 * day);
  clock.now += 3600;
  watch.look();
  assert.equal(lines.length, 1);
  const text = await watch.metrics();
  assert.match(text, new RegExp(`{holder="A"} ${start + 90 * day}$`, 'm'));
  devices.pop();
  assert.doesNotMatch(await watch.metrics(), /holder=/);
});

test('what is worse than an end comes first', () => {
  const now = UnixSeconds(start);
  const quarantine = { since: now, reason: 'x' };
  assert.equal(noticeOf(device('A', start + day, { isRevoked: true, quarantine }), now)?.text, 'in quarantine');
  assert.equal(noticeOf(device('A', start + day, { isRevoked: true }), now)?.text, 'certificate revoked');
  assert.equal(noticeOf(device('A', start + 60), now)?.text, 'certificate ends today');
});
