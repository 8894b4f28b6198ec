import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseLocalTime, type Trace, TraceReplay } from './trace-replay.ts';

const local = (text: string): number => parseLocalTime(text)?.seconds as number;

/** A trace whose rows are 0, 1, 2 …, so that the power tells the row. */
const numbered = (rows: number, stepSeconds: number, start: string): Trace => ({
  rowsW: Int32Array.from({ length: rows }, (_, i) => i),
  stepSeconds,
  start: local(start),
  isDated: parseLocalTime(start)?.isDated ?? false,
});

test('a date that the trace covers gives its row, held until the next', () => {
  const july = new TraceReplay(numbered(31 * 96, 900, '2021-07-01'));
  assert.equal(july.powerW(local('2021-07-01T00:00')), 0);
  assert.equal(july.powerW(local('2021-07-01T00:14:59')), 0);
  assert.equal(july.powerW(local('2021-07-01T00:15')), 1);
  assert.equal(july.powerW(local('2021-07-31T23:59:59')), 31 * 96 - 1);
});

test('another date gives the row of the same day of the month and time of day', () => {
  const july = new TraceReplay(numbered(31 * 96, 900, '2021-07-01'));
  assert.equal(july.powerW(local('2025-03-12T06:30')), 11 * 96 + 26);
  const fromTenth = new TraceReplay(numbered(5 * 96, 900, '2021-07-10T06:00'));
  assert.equal(fromTenth.powerW(local('2025-03-12T06:30')), 2 * 96 + 2);
});

test('a trace of fewer days repeats in whole days, so that noon stays noon', () => {
  const days = new TraceReplay(numbered(4 * 96 + 20, 900, '2019-01-01'));
  const minuteDay = new TraceReplay(numbered(1440, 60, '00:00'));
  for (let day = 1; day <= 31; day++) {
    const noon = `2025-05-${String(day).padStart(2, '0')}T12:00`;
    assert.equal(days.powerW(local(noon)), ((day - 1) % 4) * 96 + 48);
    assert.equal(minuteDay.powerW(local(noon)), 720);
  }
});

test('a trace shorter than a day repeats from the time of day of its first row', () => {
  const twoHours = new TraceReplay(numbered(120, 60, '06:00'));
  assert.equal(twoHours.powerW(local('2025-05-03T06:00')), 0);
  assert.equal(twoHours.powerW(local('2025-05-03T08:05')), 5);
  assert.equal(twoHours.powerW(local('2025-05-03T05:59')), 119);
});

test('any second gives a row of the trace, whatever was asked before', () => {
  const trace = fc
    .record({ rows: fc.integer({ min: 1, max: 400 }), step: fc.integer({ min: 1, max: 86_400 }) })
    .map(({ rows, step }) => numbered(rows, step, '2021-02-28T13:07'));
  const times = fc.array(fc.integer({ min: 0, max: 4_000_000_000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(trace, times, (of, asked) => {
      const replay = new TraceReplay(of);
      for (const time of asked) {
        const row = replay.powerW(time);
        assert.ok(row >= 0 && row < of.rowsW.length);
        assert.equal(row, new TraceReplay(of).powerW(time));
      }
    }),
  );
});

test('local times are ISO dates, times or both, without a zone', () => {
  const newYear = Date.UTC(2021, 0, 1) / 1000;
  assert.deepEqual(parseLocalTime('2021-01-01T00:15'), { seconds: newYear + 900, isDated: true });
  assert.deepEqual(parseLocalTime('2021-01-01 00:15:30'), { seconds: newYear + 930, isDated: true });
  assert.deepEqual(parseLocalTime('2021-01-01'), { seconds: newYear, isDated: true });
  assert.deepEqual(parseLocalTime('23:45'), { seconds: 85_500, isDated: false });
  const wrong = [
    '',
    'T00:15',
    '2021-02-30',
    '2021-13-01',
    '24:00',
    '12:60',
    '2021-01-01T',
    '2021-01-01T00:15Z',
    '1.7.2021',
  ];
  for (const text of wrong) assert.equal(parseLocalTime(text), undefined, text);
});
