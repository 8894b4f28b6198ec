import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type ChannelReading, LiveState } from './live.ts';

const start = 1_782_136_800;

/** A live state of one meter that posted these values, 15 s apart. */
function stateAfter(...posts: readonly ChannelReading[]): LiveState {
  const lfdi = '0'.repeat(40);
  const device = { meterId: 'A', name: 'A', building: 'academic', zone: 'campus', ratedW: 1, storageWh: 1, lfdi };
  const clock = new VirtualClock(UnixSeconds(start));
  const live = new LiveState({ name: 'Test', timeZone: 'UTC' }, [device], clock, 1);
  for (const [i, values] of posts.entries()) live.posted('A', UnixSeconds(start + 15 * i), values);
  return live;
}

test('power is what the registers counted between two postings', () => {
  const [meter] = stateAfter({ generation: 1000, gridImport: 50 }, { generation: 1010, gridImport: 45 }).current()
    .meters;
  assert.equal(meter?.generationW, 2400);
  assert.equal(meter?.gridW, -1200);
});

test('a register that a posting lacks is not known, and not zero', () => {
  const full = { generation: 1_000_000, consumption: 2_000_000, gridImport: 500_000, gridExport: 0 };
  for (const posts of [
    [full, { consumption: 2_000_010 }],
    [{ consumption: 2_000_000 }, { ...full, consumption: 2_000_010 }],
  ]) {
    const [meter] = stateAfter(...posts).current().meters;
    assert.deepEqual([meter?.generationW, meter?.gridW, meter?.loadW], [0, 0, 2400]);
  }
});

test('no value that a device may post makes the state unreadable', () => {
  const most = 2 ** 47 - 1;
  const { campus } = stateAfter(
    { generation: -most, gridImport: -most, gridExport: most },
    { generation: most, gridImport: most, gridExport: -most, storagePower: most },
  ).current();
  assert.ok(Object.values(campus).every((watts) => Number.isSafeInteger(watts)));
});

test('the first posting is a reading, and the second one gives its power', () => {
  const meterAfter = (posts: number) => stateAfter(...Array.from({ length: posts }, () => ({}))).current().meters[0];
  assert.deepEqual([meterAfter(0)?.lastReadingAt, meterAfter(0)?.powerAt], [null, null]);
  assert.deepEqual([meterAfter(1)?.lastReadingAt, meterAfter(1)?.powerAt], [start, null]);
  assert.deepEqual([meterAfter(2)?.lastReadingAt, meterAfter(2)?.powerAt], [start + 15, start + 15]);
});
