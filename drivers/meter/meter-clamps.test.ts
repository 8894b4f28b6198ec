import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { drivers } from '../registry.ts';
import { requestsOf } from '../bus-load.ts';
import { meterMap } from './maps.ts';
import { meterBench } from './meter-bench.ts';
import { MeterClamps } from './meter-clamps.ts';

const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;

test('a meter tells of its connection point: power, net energy and voltage', async () => {
  const { state, clock, meter } = meterBench(meterMap('sdm630'));
  Object.assign(state, { powerW: -2400, importWh: 9_000, exportWh: 11_500 });
  await using clamps = new MeterClamps(meter, clock);
  const frame = await clamps.frameAfter(UnixSeconds(0));
  assert.deepEqual(frame, {
    receivedAt: clock.time,
    message: clock.time,
    voltsRms: 230,
    channels: [{ powerW: -2400, energyWh: -2500 }],
  });
  await assert.rejects(clamps.frameAfter(frame.receivedAt), code('GTX-MTR-006'));
  clock.time++;
  assert.ok((await clamps.frameAfter(frame.receivedAt)).message > frame.message);
});

test('an energy in doubt is no frame, and a start that failed is tried again', async () => {
  const { state, clock, bus, meter } = meterBench(meterMap('sdm120'));
  const clamps = new MeterClamps(meter, clock);
  const good = bus.bank;
  bus.bank = { read: () => 4 };
  await assert.rejects(clamps.start(), code('GTX-MOD-101'));
  bus.bank = good;
  await clamps.start();
  state.importWh = 1;
  clock.time++;
  await assert.rejects(clamps.frameAfter(UnixSeconds(0)), code('GTX-MTR-005'));
  clock.time++;
  assert.equal((await clamps.frameAfter(UnixSeconds(0))).channels[0]?.energyWh, 1 - 700);
});

test('a meter without voltage inputs tells no voltage, rather than one of 0 V', async () => {
  const { clock, meter } = meterBench(meterMap('adw300'));
  await using clamps = new MeterClamps(meter, clock);
  await clamps.start();
  clock.time++;
  assert.equal((await clamps.frameAfter(UnixSeconds(0))).voltsRms, undefined);
});

test('a meter of one channel is checked as such, and every Modbus driver says what it asks of its bus', () => {
  const sdm630 = drivers.find(({ name }) => name === 'sdm630')!;
  assert.equal(sdm630.check?.({ unit: 1, gridChannel: 1 }), undefined);
  assert.equal(sdm630.check?.({ unit: 1, gridChannel: 2 })?.key, 'gridChannel');
  assert.equal(sdm630.check?.({ unit: 1, gridChannel: 1, loadChannel: 2 })?.key, 'loadChannel');
  for (const { name, wire } of drivers) {
    assert.equal(
      requestsOf({ driver: name, unit: 1 }, 1).length > 0,
      wire === 'modbus',
      `${name}: how busy would its line be?`,
    );
  }
  assert.deepEqual(
    requestsOf({ driver: 'sdm630', unit: 3 }, 5).map(({ unit, registers, periodSeconds }) => [
      unit,
      registers,
      periodSeconds,
    ]),
    [
      [3, 76, 5],
      [3, 12, 5],
    ],
  );
  const writes = requestsOf({ driver: 'sunspec-battery', unit: 2, models: 'legacy' }, 1).filter(
    ({ kind }) => kind === 'write',
  );
  assert.deepEqual(
    writes.map(({ registers, periodSeconds }) => [registers, periodSeconds]),
    [
      [1, 1],
      [11, 30],
    ],
    'the heartbeat, and the setpoint before it reverts',
  );
});
