import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { UnixSeconds } from '#hal/units.ts';
import { ModbusTcpClient } from './modbus/client.ts';
import { SunSpecBattery } from './sunspec/battery.ts';
import { SunSpecInverter } from './sunspec/inverter.ts';
import { noMemory } from './sunspec/twin-bench.ts';
import { parseTwinPlan } from './twin-plan.ts';
import { TwinSet } from './twin-set.ts';
import { twinKinds } from './twins.ts';
import { W } from '#hal/units.ts';

const refuses = (plan: object, expected: RegExp): void => {
  assert.throws(
    () => parseTwinPlan('plan.yaml', JSON.stringify(plan, null, 1)),
    (error: unknown) => error instanceof GridError && error.code === 'GTX-TWN-003' && expected.test(error.message),
  );
};

test('a plan that cannot be served is refused with its line', () => {
  const devices = [{ twin: 'sdm630' }];
  refuses({ ports: [{ tcp: 0, pty: '/tmp/x', devices }] }, /ports\[0\].*expected one of tcp, pty, serial/);
  refuses({ ports: [{ devices }] }, /expected one of tcp, pty, serial/);
  refuses({ ports: [{ tcp: 0, devices: [{ twin: 'sdm999' }] }] }, /devices\[0\]\.twin: expected one of .*sdm630/);
  refuses(
    { ports: [{ tcp: 0, devices: [...devices, { twin: 'em24' }] }] },
    /devices\[1\]\.twin: unit 1 is already taken/,
  );
  const two = [{ twin: 'sunspec-inverter' }, { twin: 'sunspec-inverter-legacy', unit: 2 }];
  refuses({ ports: [{ tcp: 0, devices: two }] }, /the site has one inverter/);
  refuses({ start: 'noon', ports: [{ tcp: 0, devices }] }, /start: expected a time like/);
});

test('every kind of device can be served, and what is set in one moves the others', async () => {
  const clock = { time: 1_782_070_200, now: () => UnixSeconds(clock.time) };
  const kinds = twinKinds.filter(({ name }) => !name.endsWith('-legacy'));
  const devices = kinds.map(({ name }, i) => ({ twin: name, unit: i + 1 }));
  const plan = parseTwinPlan('plan.yaml', JSON.stringify({ ports: [{ tcp: 0, devices }] }));
  await using twins = new TwinSet(plan, clock);
  const served = await twins.start();
  assert.equal(served.length, kinds.length);
  const unit = (name: string): number => served.find(({ twin }) => twin === name)!.unit;
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', Number(served[0]!.at.split(':')[1])));
  const [plant, cells] = [
    new SunSpecInverter(client, unit('sunspec-inverter'), clock),
    new SunSpecBattery(client, unit('sunspec-battery'), { clock, memory: noMemory }),
  ];
  await Promise.all([plant.start(), cells.start()]);
  const run = (seconds: number): void => {
    clock.time += seconds;
    twins.advanceTo(clock.now());
  };
  await Promise.all([plant.limitPower(W(0), 600), cells.setPower(W(5000), 600)]);
  // Through the delay and ramp with which a device enters service.
  run(500);
  const { loadW, gridW, pvW, batteryW } = twins.site.state;
  assert.deepEqual([pvW, batteryW], [0, 5000]);
  assert.equal(gridW, loadW - 5000);
  const shown = (await client.readInput(unit('sdm630'), 0x34, 2)).readFloatBE(0);
  assert.equal(Math.round(shown), gridW);
  run(200);
  assert.equal(twins.site.state.batteryW, 0, 'its own timer has run out');
});
