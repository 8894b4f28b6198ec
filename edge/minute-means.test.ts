import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { combined, type Meanings, MinuteMeans, ofOnePeriod, type Values } from './minute-means.ts';
import type { Posting } from './posting.ts';

const meanings: Meanings = new Map([
  ['W', 'mean'],
  ['Wh', 'last'],
]);
const seconds = (value: number): UnixSeconds => UnixSeconds(value);

/** Adds a sample every so many seconds; answers the minutes. */
function sampled(from: number, until: number, step: number, valuesAt: (at: number) => Values): Posting<string>[] {
  const means = new MinuteMeans(meanings, step);
  const minutes: Posting<string>[] = [];
  for (let at = from; at <= until; at += step) {
    const minute = means.add(seconds(at), valuesAt(at));
    if (minute !== undefined) minutes.push(minute);
  }
  return minutes;
}

test('a minute has the mean of the samples that tell of it, and the last of what is no mean', () => {
  const minutes = sampled(600, 720, 1, (at) => ({ W: at <= 660 ? at - 600 : 7, Wh: at }));
  assert.deepEqual(minutes, [
    { start: 600, duration: 60, values: { W: 30.5, Wh: 660 } },
    { start: 660, duration: 60, values: { W: 7, Wh: 720 } },
  ]);
});

test('the first minute is a whole one', () => {
  const minutes = sampled(601, 720, 1, () => ({ W: 1, Wh: 1 }));
  assert.deepEqual(
    minutes.map(({ start, duration }) => [start, duration]),
    [[660, 60]],
  );
});

test('samples that are minutes apart make periods of whole minutes without a hole', () => {
  const minutes = sampled(600, 1_500, 300, (at) => ({ W: at, Wh: at }));
  assert.deepEqual(minutes, [
    { start: 600, duration: 300, values: { W: 900, Wh: 900 } },
    { start: 900, duration: 300, values: { W: 1_200, Wh: 1_200 } },
    { start: 1_200, duration: 300, values: { W: 1_500, Wh: 1_500 } },
  ]);
});

test('nothing is told of a gap, of the minutes around it, or of a clock that is set back', () => {
  const means = new MinuteMeans(meanings, 1);
  const add = (at: number): Posting<string> | undefined => means.add(seconds(at), { W: 1, Wh: 1 });
  for (let at = 600; at < 650; at++) assert.equal(add(at), undefined);
  assert.equal(add(800), undefined);
  for (let at = 801; at < 900; at++) assert.equal(add(at), undefined);
  assert.equal(add(900)?.start, 840);
  assert.equal(add(300), undefined);
  for (let at = 301; at < 360; at++) assert.equal(add(at), undefined);
  assert.equal(add(360)?.start, 300);
});

test('a clock that is moved by a second loses no minute', () => {
  const means = new MinuteMeans(meanings, 1);
  const starts: number[] = [];
  for (let at = 600; at <= 901; at++) {
    const offset = at % 70 < 35 ? 0 : -1;
    const minute = means.add(seconds(at + offset), { W: 1, Wh: 1 });
    if (minute !== undefined) starts.push(minute.start);
  }
  assert.deepEqual(starts, [600, 660, 720, 780, 840]);
});

test('a device that does not answer leaves no value; what is known of the rest counts', () => {
  const [minute] = sampled(600, 660, 1, (at) => ({ W: at % 2 === 0 ? 4 : undefined, Wh: undefined }));
  assert.deepEqual(minute?.values, { W: 4, Wh: undefined });
});

const minute = (start: number, W: number | undefined, duration = 60): Posting<string> => ({
  start: seconds(start),
  duration,
  values: { W, Wh: W },
});

test('minutes are combined by their time, without what was not measured', () => {
  const posting = combined(meanings, minute(600, 10), [minute(660, undefined), minute(720, 40, 120)]);
  assert.deepEqual(posting, { start: 600, duration: 240, values: { W: 30, Wh: 40 } });
});

test('a period is complete when its boundary is reached, or something after it is there', () => {
  const ofFive = (postings: Posting<string>[], now: number): number[] =>
    ofOnePeriod(postings, 300, seconds(now)).map(({ start }) => start);
  const [a, b] = [minute(780, 1), minute(840, 2)];
  assert.deepEqual(ofFive([], 900), []);
  assert.deepEqual(ofFive([a], 900), [], 'the last minute may still come');
  assert.deepEqual(ofFive([a, b], 900), [780, 840]);
  assert.deepEqual(ofFive([a, b, minute(900, 3)], 960), [780, 840]);
  assert.deepEqual(ofFive([a, minute(900, 3)], 960), [780], 'a hole is no part of a period');
  assert.deepEqual(ofFive([minute(600, 0), b], 900), [600]);
  assert.deepEqual(ofFive([a], 1_020), [780], 'after two minutes nothing more comes');
});

test('whatever the rates and the holes, each minute is told once, in order, and within one period', () => {
  const minutes = fc
    .uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1 })
    .map((starts) => starts.toSorted((one, other) => one - other).map((at) => minute(at * 60, at)));
  const rates = fc.array(fc.constantFrom(60, 120, 300, 900, 3_600), { minLength: 1 });
  fc.assert(
    fc.property(minutes, rates, (queued, changing) => {
      let waiting = queued;
      const told: Posting<string>[] = [];
      for (let i = 0; waiting.length > 0; i++) {
        const rate = changing[i % changing.length] ?? 60;
        const [first, ...following] = ofOnePeriod(waiting, rate, seconds(100_000));
        assert.ok(first !== undefined);
        const posting = combined(meanings, first, following);
        assert.equal(Math.floor(posting.start / rate), Math.floor((posting.start + posting.duration - 1) / rate));
        told.push(first, ...following);
        waiting = waiting.slice(1 + following.length);
      }
      assert.deepEqual(told, queued);
    }),
  );
});
