import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BuildingLoad } from './load.ts';
import { type BuildingType, buildingTypes } from './load-shapes.ts';

const peakLoadW = 40_000;
const timeZone = 'America/Los_Angeles';
const loadOf = (building: BuildingType, seed = 1): BuildingLoad =>
  new BuildingLoad({ building, peakLoadW, timeZone }, seed);

/** Local midnights (PDT) of Monday 2 to Sunday 29 June 2025. */
const firstMonday = Date.parse('2025-06-02T07:00:00Z') / 1000;
const weekdays = Array.from({ length: 28 }, (_, i) => i).filter((i) => i % 7 < 5);
const weekends = Array.from({ length: 28 }, (_, i) => i).filter((i) => i % 7 >= 5);

/** Mean share of the peak over local hours [from, to) of the given days. */
function mean(load: BuildingLoad, days: readonly number[], from: number, to: number): number {
  let sum = 0;
  let count = 0;
  for (const day of days) {
    for (let second = from * 3600; second < to * 3600; second += 20) {
      sum += load.powerW(firstMonday + day * 86_400 + second);
      count++;
    }
  }
  return sum / count / peakLoadW;
}

/** The local hour with the highest mean. */
const peakHour = (load: BuildingLoad, days: readonly number[]): number => {
  const hours = Array.from({ length: 24 }, (_, hour) => mean(load, days, hour, hour + 1));
  return hours.indexOf(Math.max(...hours));
};

test('academic: high during classes, low in breaks and at weekends', () => {
  const load = loadOf('academic');
  const classes = mean(load, weekdays, 10, 12);
  assert.ok(classes > 0.75);
  assert.ok(mean(load, weekdays, 11, 12) > 2 * mean(load, weekends, 11, 12));
  assert.ok(mean(load, weekdays, 12, 13) < 0.9 * classes, 'the midday break');
  assert.ok(mean(load, weekdays, 10 + 51 / 60, 11) < 0.9 * mean(load, weekdays, 10, 10 + 49 / 60), 'between classes');
  assert.ok(mean(load, weekends, 0, 24) < 0.3, 'room for surplus at weekends');
});

test('residential: a peak from 18 to 22 h, little by day when nobody is in', () => {
  const load = loadOf('residential');
  for (const days of [weekdays, weekends]) {
    const peak = peakHour(load, days);
    assert.ok(peak >= 18 && peak < 22, `peak at ${peak} h`);
  }
  assert.ok(mean(load, weekdays, 18, 22) > 2.5 * mean(load, weekdays, 10, 15));
});

test('administrative: office hours', () => {
  const load = loadOf('administrative');
  assert.ok(mean(load, weekdays, 9, 16) > 4 * mean(load, weekdays, 20, 24));
  assert.ok(mean(load, weekdays, 9, 16) > 4 * mean(load, weekends, 9, 16));
});

test('athletic: variable and high during events, low off-peak', () => {
  const load = loadOf('athletic');
  const evenings = weekdays.map((day) => mean(load, [day], 17, 21));
  const [least, most] = [Math.min(...evenings), Math.max(...evenings)];
  assert.ok(most > 1.4 * least, `evenings differ: ${least} to ${most}`);
  assert.ok(mean(load, weekdays, 0, 5) < 0.25);
  let highest = 0;
  for (const day of [...weekdays, ...weekends]) {
    for (let quarter = 0; quarter < 96; quarter++) {
      highest = Math.max(highest, load.powerW(firstMonday + day * 86_400 + quarter * 900));
    }
  }
  assert.ok(highest > 0.8 * peakLoadW, `events bring ${highest} W`);
});

test('research: a baseline day and night, with its peak at midday', () => {
  const load = loadOf('research');
  for (const days of [weekdays, weekends]) {
    assert.ok(mean(load, days, 0, 5) >= 0.7 * mean(load, days, 8, 18));
    const peak = peakHour(load, days);
    assert.ok(peak >= 10 && peak <= 14, `peak at ${peak} h`);
  }
});

test('support: peaks at meals every day of the week, and room to supply between them', () => {
  const load = loadOf('support');
  for (const days of [weekdays, weekends]) {
    const between = mean(load, days, 14.5, 16);
    assert.ok(between < 0.5);
    assert.ok(mean(load, days, 12, 13) > 1.5 * between);
    assert.ok(mean(load, days, 18, 19) > 1.5 * between);
    assert.ok(mean(load, days, 7, 8) > 1.2 * between);
  }
});

test('the day follows local time through the change to daylight saving', () => {
  const load = loadOf('administrative');
  const atLocalTen = (utc: string): number => {
    let sum = 0;
    for (let i = 0; i < 3600; i++) sum += load.powerW(Date.parse(utc) / 1000 + i);
    return sum / 3600 / peakLoadW;
  };
  // Friday before and Monday after 9 March 2025: 10 h local is 18 h, then 17 h UTC; 7 h UTC differs clearly.
  assert.ok(Math.abs(atLocalTen('2025-03-07T18:00:00Z') - atLocalTen('2025-03-10T17:00:00Z')) < 0.12);
  assert.ok(atLocalTen('2025-03-10T14:00:00Z') < 0.7);
});

test('every type peaks near its peak load; no second exceeds it by more than a quarter', () => {
  for (const building of buildingTypes) {
    const load = loadOf(building);
    let highest = 0;
    for (let time = firstMonday; time < firstMonday + 86_400 * 7; time += 7) {
      highest = Math.max(highest, load.powerW(time));
    }
    assert.ok(highest > 0.75 * peakLoadW && highest <= 1.25 * peakLoadW, `${building}: ${highest}`);
  }
});

test('appliances step within a minute, and two buildings of a type differ', () => {
  const [one, other] = [loadOf('academic', 1), loadOf('academic', 2)];
  const seen = new Set<number>();
  let same = 0;
  for (let time = firstMonday + 36_000; time < firstMonday + 36_060; time++) {
    seen.add(one.powerW(time));
    if (one.powerW(time) === other.powerW(time)) same++;
  }
  assert.ok(seen.size > 30);
  assert.ok(same < 5);
});

test('the load of a second depends on the seed and the second alone, and is a whole number of watts', () => {
  const used = new Map(buildingTypes.map((building) => [building, loadOf(building, 9)]));
  fc.assert(
    fc.property(fc.constantFrom(...buildingTypes), fc.integer({ min: 0, max: 3_000_000 }), (building, offset) => {
      const power = used.get(building)?.powerW(firstMonday + offset) as number;
      assert.equal(power, loadOf(building, 9).powerW(firstMonday + offset));
      assert.ok(Number.isSafeInteger(power) && power >= 0);
    }),
  );
});
