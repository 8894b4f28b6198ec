import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nominalGrid, scheduledGrid, seededGrid } from './grid.ts';

test('a schedule holds each change until the next, and keeps what a change leaves out', () => {
  const grid = scheduledGrid([
    { from: 100, voltagePercent: 90 },
    { from: 200, frequencyHz: 59 },
    { from: 300, voltagePercent: 100, frequencyHz: 60 },
  ]);
  assert.deepEqual(grid(99), nominalGrid);
  assert.deepEqual(grid(100), { voltagePercent: 90, frequencyHz: 60 });
  assert.deepEqual(grid(299), { voltagePercent: 90, frequencyHz: 59 });
  assert.deepEqual(grid(1e9), nominalGrid);
});

const start = 1_760_000_000;

test('a seeded grid is a function of its seed and the time, and of nothing else', () => {
  const disturbances = { hoursBetween: 5, longestSeconds: 30 };
  const [first, second] = [seededGrid(7, disturbances), seededGrid(7, disturbances)];
  fc.assert(
    fc.property(fc.array(fc.nat(86_400 * 30), { maxLength: 20 }), (offsets) => {
      const times = offsets.map((offset) => start + offset);
      const backwards = times.toReversed().map((time) => second(time));
      assert.deepEqual(
        times.map((time) => first(time)),
        backwards.toReversed(),
      );
    }),
  );
  assert.notDeepEqual(seededGrid(8, disturbances)(start), first(start));
});

test('a seeded grid stays near nominal but for disturbances, about as often and as long as was asked', () => {
  const [hoursBetween, longestSeconds, days] = [4, 30, 40];
  const grid = seededGrid(3, { hoursBetween, longestSeconds });
  let [events, run, longest] = [0, 0, 0];
  for (let time = start; time < start + days * 86_400; time++) {
    const { voltagePercent, frequencyHz } = grid(time);
    const isDisturbed = Math.abs(voltagePercent - 100) > 10 || Math.abs(frequencyHz - 60) > 0.2;
    if (isDisturbed && run === 0) events++;
    run = isDisturbed ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  const expected = (24 * days) / hoursBetween;
  assert.ok(events > expected / 2 && events < expected * 1.5, `${events} of about ${expected}`);
  assert.ok(longest <= longestSeconds);
});
