import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HistoryPoint } from '../../gateway/snapshot.ts';
import { sampleSnapshot, sampleStart } from '../../gateway/sample-campus.ts';
import { PowerHistory } from './power-history.js';

const sample = sampleSnapshot();
type Time = HistoryPoint['time'];
const at = (seconds: number) => ({ ...sample, time: (sampleStart + seconds) as Time });
const point = (seconds: number): HistoryPoint => ({ ...sample.campus, time: (sampleStart + seconds) as Time });
const secondsOf = (history: PowerHistory): number[] => history.points.map(({ time }) => time - sampleStart);

test('snapshots go on where the head-end’s curve ends', () => {
  const history = new PowerHistory();
  history.seed([point(0), point(15), point(30)], 15);
  history.add(at(45));
  assert.deepEqual(secondsOf(history), [0, 15, 30, 45]);
});

test('between two steps the newest point moves along, so the curve always ends now', () => {
  const history = new PowerHistory();
  history.seed([point(0), point(15)], 15);
  for (let seconds = 16; seconds <= 47; seconds++) history.add(at(seconds));
  const seconds = secondsOf(history);
  assert.equal(seconds.at(-1), 47);
  assert.ok(seconds.length <= 5, seconds.join(' '));
});

test('a snapshot that was faster than the head-end’s curve stays', () => {
  const history = new PowerHistory();
  history.add(at(60));
  history.seed([point(0), point(15), point(30), point(45)], 15);
  assert.deepEqual(secondsOf(history), [0, 15, 30, 45, 60]);
});

test('a campus that started anew starts a new curve', () => {
  const history = new PowerHistory();
  history.add(at(1000));
  history.add(at(10));
  assert.deepEqual(secondsOf(history), [10]);
});

test('however long the page stays open, it holds at most 720 points of one day', () => {
  const history = new PowerHistory();
  for (let seconds = 0; seconds < 400_000; seconds += 50) {
    history.add(at(seconds));
    assert.ok(history.points.length <= 720);
  }
  assert.ok((secondsOf(history)[0] ?? 0) >= 399_950 - 86_400);
});
