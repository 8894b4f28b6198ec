import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replaysAlike } from './replay-law.ts';

const seeds = [1, 2, 3, 4];

test('a board on one line, replayed from its recording, takes the same samples whatever befell the line', async (t) => {
  const faults = await replaysAlike(t, 'sdm630', seeds);
  for (const fault of ['bitFlip', 'checksum', 'late', 'short', 'exception', 'silence', 'lost', 'wrongUnit', 'noise']) {
    assert.ok(faults.has(fault), `no ${fault} was met`);
  }
});

test('and so does one with a front-end that sends lines of text', async (t) => {
  await replaysAlike(t, 'emontx', seeds);
});

test('and one with a metering chip on SPI', async (t) => {
  await replaysAlike(t, 'ade7953', seeds.slice(0, 2));
});

test('and one with a meter at an MQTT broker', async (t) => {
  await replaysAlike(t, 'shelly', seeds.slice(0, 2));
});

test('and one whose clock is set back or forward meanwhile', async (t) => {
  await replaysAlike(t, 'emontx', [5], { setSeconds: -90 });
  await replaysAlike(t, 'shelly', [6], { setSeconds: 45 });
});
