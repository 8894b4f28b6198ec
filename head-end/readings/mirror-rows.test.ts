import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reading } from '#ieee2030_5/types.generated.ts';
import { rowsOf } from './mirror-rows.ts';

const mRID = new Uint8Array(16);
const period = (start: number, duration = 15) => ({ start: BigInt(start), duration });

test('a single Reading becomes one row', () => {
  assert.deepEqual(rowsOf(4, { mRID, Reading: { value: -7, timePeriod: period(900) } }), [
    { channelId: 4, periodStart: 900, duration: 15, value: -7 },
  ]);
});

test('a Reading of a set takes the set’s time period where it has none', () => {
  const readings: Reading[] = [{ value: 1 }, { value: 2, timePeriod: period(915) }];
  const set = { mRID, timePeriod: period(900, 300), Reading: readings };
  assert.deepEqual(
    rowsOf(4, { mRID, MirrorReadingSet: [set] }).map((row) => [row.periodStart, row.duration, row.value]),
    [
      [900, 300, 1],
      [915, 15, 2],
    ],
  );
});

test('a Reading without a value, without a time period, or with one out of range is refused', () => {
  const wrong: Reading[] = [
    { timePeriod: period(900) },
    { value: 1 },
    { value: 1, timePeriod: { start: 2n ** 60n, duration: 15 } },
    { value: 1, timePeriod: period(900, 2 ** 31) },
    { value: 1, timePeriod: period(Number.MAX_SAFE_INTEGER) },
  ];
  for (const reading of wrong) assert.throws(() => rowsOf(4, { mRID, Reading: reading }), { code: 'GTX-RDG-004' });
});
