import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { SunSpecMeter } from './sunspec-meter.ts';
import { SunSpecMeterTwin } from './sunspec-meter-twin.ts';
import { code, DirectBus } from './twin-bench.ts';

function bench() {
  const state = { powerW: 12_345, importWh: 5_000, exportWh: 70 };
  const clock = { time: 1_000_000, now: () => UnixSeconds(clock.time) };
  let reads = 0;
  const source = {
    revision: () => reads++,
    powerW: () => state.powerW,
    reactiveVar: () => 0,
    importWh: () => state.importWh,
    exportWh: () => state.exportWh,
    voltsRms: () => 230.4,
    frequencyHz: () => 49.98,
  };
  const twin = new SunSpecMeterTwin(source, 'M-1');
  const bus = new DirectBus(twin.bank);
  return { state, clock, twin, bus, meter: new SunSpecMeter(bus, 200, clock) };
}

test('the meter reads power, energy, voltage and frequency, by phase and as a whole, in one request', async () => {
  const { state, clock, bus, meter } = bench();
  await meter.start();
  bus.reads.length = 0;
  clock.time++;
  const reading = await meter.read();
  assert.equal(bus.reads.length, 1);
  assert.equal(reading.powerW, 12_345);
  assert.equal(reading.importWh, 5_000);
  assert.equal(reading.exportWh, 70);
  assert.equal(reading.frequencyMilliHz, 49_980);
  assert.equal(reading.phases.length, 3);
  assert.deepEqual(reading.phases[1], {
    voltageMilliV: 230_400,
    currentMilliA: 17_900,
    powerW: 4_115,
    importWh: 0,
    exportWh: 0,
  });
  state.powerW = -200_000;
  assert.equal((await meter.read()).powerW, -200_000, 'the scale factor moves with the power');
});

test('an energy that leaps is doubted, and a point that is held shows its value', async () => {
  const { state, clock, twin, meter } = bench();
  await meter.start();
  state.importWh = 4_000_000_000;
  clock.time++;
  assert.equal((await meter.read()).importWh, undefined);
  assert.equal((await meter.read()).importWh, 4_000_000_000);
  twin.bank.hold(203, 'W', 1234);
  assert.equal((await meter.read()).powerW, 1234);
});

test('a meter that is not started says so', async () => {
  await assert.rejects(bench().meter.read(), code('GTX-SUN-009'));
});
