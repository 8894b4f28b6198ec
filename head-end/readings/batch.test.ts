import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { distinct, isAfter, judge, keyOf, outcomeOf, planBatch } from './batch.ts';
import type { ReadingRow } from './reading-sql.ts';

const row: fc.Arbitrary<ReadingRow> = fc.record({
  channelId: fc.integer({ min: 1, max: 3 }),
  periodStart: fc.integer({ min: 0, max: 5 }),
  duration: fc.constantFrom(15, 300),
  value: fc.integer({ min: 0, max: 2 }),
});
const posts = fc.array(fc.array(row, { maxLength: 6 }), { maxLength: 6 });
const newestOf = (stored: Iterable<ReadingRow>) => {
  const newest = new Map<number, ReadingRow>();
  for (const reading of stored) {
    const last = newest.get(reading.channelId);
    if (last === undefined || isAfter(reading, last)) newest.set(reading.channelId, reading);
  }
  return (channelId: number) => newest.get(channelId);
};

test('what goes by COPY is in nobody’s way: never stored before, never twice in a batch', () => {
  fc.assert(
    fc.property(fc.array(row), posts, (stored, batch) => {
      const held = new Set(stored.map(keyOf));
      const { fresh, doubtful } = planBatch(batch, newestOf(stored));
      assert.equal(fresh.length + doubtful.length, batch.flat().length);
      for (const reading of fresh) {
        assert.ok(!held.has(keyOf(reading)));
        held.add(keyOf(reading));
      }
    }),
  );
});

test('every reading is stored once whatever the batches, and outcomes add up to what was posted', () => {
  fc.assert(
    fc.property(fc.array(posts, { maxLength: 4 }), (batches) => {
      const table = new Map<string, ReadingRow>();
      let stored = 0;
      for (const batch of batches) {
        const { fresh, doubtful } = planBatch(batch, newestOf(table.values()));
        for (const reading of fresh) table.set(keyOf(reading), reading);
        const inserted = new Set<string>();
        for (const reading of distinct(doubtful)) {
          if (table.has(keyOf(reading))) continue;
          table.set(keyOf(reading), reading);
          inserted.add(keyOf(reading));
        }
        const doubts = judge(doubtful, inserted, table);
        for (const rows of batch) {
          const outcome = outcomeOf(rows, new Set(doubtful), doubts);
          assert.equal(outcome.stored + outcome.duplicates + outcome.conflicts, rows.length);
          stored += outcome.stored;
        }
      }
      const posted = batches.flat(2);
      assert.equal(table.size, new Set(posted.map(keyOf)).size);
      assert.equal(stored, table.size);
    }),
  );
});

test('the same period with another value is a conflict, with the same value a duplicate', () => {
  const first = { channelId: 1, periodStart: 0, duration: 15, value: 7 };
  const same = { ...first };
  const other = { ...first, value: 8 };
  const { fresh, doubtful } = planBatch([[first, same, other]], () => undefined);
  assert.deepEqual([fresh, doubtful], [[first], [same, other]]);
  const doubts = judge(doubtful, new Set(), new Map([[keyOf(first), first]]));
  assert.deepEqual(outcomeOf([first, same, other], new Set(doubtful), doubts), {
    stored: 1,
    duplicates: 1,
    conflicts: 1,
  });
});
