import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, exactTokens, kilowattHours, kilowatts, pace, shortSignature, tokens, ZoneTimes } from './format.js';

const time = Date.UTC(2025, 6, 1, 20, 5, 20) / 1000;
const winter = Date.UTC(2025, 0, 1, 2, 0, 0) / 1000;

test('power has one decimal and no sign, energy two decimals, prices four, amounts on request all six', () => {
  assert.equal(kilowatts(1_103_449), '1,103.4');
  assert.equal(kilowatts(-58_700), '58.7');
  assert.equal(kilowatts(0), '0.0');
  assert.equal(kilowattHours(1234), '1.23');
  assert.equal(tokens(118_912), '0.1189');
  assert.equal(exactTokens(1_000_001), '1.000001');
});

test('an age is told in its largest whole unit', () => {
  const ages = [-3, 0, 1, 59, 60, 3599, 3600, 86_399, 86_400].map(ago);
  assert.deepEqual(ages.slice(0, 5), ['now', 'now', '1 s ago', '59 s ago', '1 min ago']);
  assert.deepEqual(ages.slice(5), ['59 min ago', '1 h ago', '23 h ago', '1 d ago']);
});

test('the pace is told unless it is that of the wall clock', () => {
  assert.deepEqual([pace(1), pace(60), pace(null)], ['', '60 × real time', 'full speed']);
});

test('a signature is cut in its middle', () => {
  assert.equal(shortSignature('abcdefghijklmnopqrst'), 'abcde…pqrst');
  assert.equal(shortSignature('short'), 'short');
});

test('times are those of the campus, summer and winter', () => {
  const times = new ZoneTimes('America/Los_Angeles');
  assert.equal(times.seconds(time), '13:05:20');
  assert.equal(times.minutes(time), '13:05');
  assert.equal(times.date(time), 'Tue 1 Jul 2025');
  assert.equal(times.date(winter), 'Tue 31 Dec 2024');
  assert.deepEqual([times.zone(time), times.zone(winter)], ['PDT', 'PST']);
  assert.deepEqual([times.offset(time), times.offset(winter)], [-7 * 3600, -8 * 3600]);
  assert.equal(new ZoneTimes('Asia/Kolkata').offset(time), 5.5 * 3600);
});
