import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { SecurityEntry } from '../security-log.ts';
import { RefusalRecord } from './refusal-record.ts';

function ground() {
  const entries: SecurityEntry[] = [];
  const clock = { now: 1_800_000_000 };
  const securityLog = { record: (entry: SecurityEntry) => Promise.resolve(void entries.push(entry)) };
  const record = new RefusalRecord(securityLog, () => UnixSeconds(clock.now));
  return { entries, clock, record };
}
const refusal = new GridError('GTX-ENR-001', 'not on the list');

test('a refusal is written down with who was refused and why', async () => {
  const { entries, record } = ground();
  await record.note(refusal, { from: '10.0.0.1', serial: 'GTX-1' });
  await record.note(refusal, { from: '10.0.0.2' });
  const detail = { what: 'enrolment', reason: 'GTX-ENR-001 not on the list' };
  assert.deepEqual(entries, [
    { kind: 'refusal', actor: '10.0.0.1', subject: 'GTX-1', detail },
    { kind: 'refusal', actor: '10.0.0.2', detail },
  ]);
});

test('what is no refusal but a fault of ours is not', async () => {
  const { entries, record } = ground();
  for (const fault of [new TypeError('a bug'), new GridError('GTX-DB-003', 'the database is away')]) {
    await record.note(fault, { from: '10.0.0.1' });
  }
  assert.deepEqual(entries, []);
});

test('of a flood the first sixty in a minute are written down, and how many more there were', async () => {
  const { entries, clock, record } = ground();
  for (let i = 0; i < 100; i++) await record.note(refusal, { from: '10.0.0.1' });
  assert.equal(entries.length, 60);
  clock.now += 60;
  await record.note(refusal, { from: '10.0.0.1' });
  assert.equal(entries.length, 62);
  assert.match(String(entries[60]?.detail?.['reason']), /^40 more /);
});
