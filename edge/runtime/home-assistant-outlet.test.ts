import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EmulatedBroker } from '#hal/emulated/mqtt.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { HomeAssistantOutlet, type ToldBoard } from './home-assistant-outlet.ts';

const board = (has: 'battery' | 'nothing') =>
  ({
    meterId: 'AMI_METER_1',
    sample: {
      time: UnixSeconds(0),
      gridW: W(-1500),
      loadW: undefined,
      voltageV: 230,
      inverter: undefined,
      battery:
        has === 'nothing'
          ? undefined
          : {
              powerW: W(200),
              stateOfChargeCentiPercent: 5050,
              acChargeWh: Wh(10),
              acDischargeWh: Wh(5),
              dcChargeWh: Wh(9),
              dcDischargeWh: Wh(6),
            },
    },
    outbox: { state: () => ({ grid: { importWh: 7, exportWh: 8 }, load: { importWh: 9 }, lossesWh: 0 }) },
  }) as unknown as ToldBoard;

test('a board is told every quarter of a minute, and what does not answer is unknown', async () => {
  const broker = new EmulatedBroker();
  const clock = new VirtualClock(UnixSeconds(0));
  const states: unknown[] = [];
  const listener = broker.link('listener');
  await listener.start();
  await listener.subscribe('gridtokenx/+/state', (_topic, payload) => void states.push(JSON.parse(payload.toString())));
  const log = createLog('test', 'silent');
  await using outlet = new HomeAssistantOutlet({
    board: board('battery'),
    name: 'Hall',
    link: broker.link('board'),
    clock,
    log,
  });
  outlet.start();
  await clock.runUntil({ time: 16, phase: 0 });
  assert.equal(states.length, 2);
  assert.deepEqual(states[0], {
    grid_power: -1500,
    load_power: null,
    grid_import: 7,
    grid_export: 8,
    consumption: 9,
    battery_power: 200,
    state_of_charge: 50.5,
    storage_charge: 10,
    storage_discharge: 5,
  });
  assert.equal(broker.retained('homeassistant/sensor/ami_meter_1/+/config').length, 9);
});

test('a broker that is away disturbs nothing, and is told when it is back', async () => {
  const broker = new EmulatedBroker();
  broker.isUp = false;
  const clock = new VirtualClock(UnixSeconds(0));
  const log = createLog('test', 'silent');
  const link = broker.link('board');
  await using outlet = new HomeAssistantOutlet({ board: board('nothing'), name: 'Hall', link, clock, log });
  outlet.start();
  await clock.runUntil({ time: 16, phase: 0 });
  assert.equal(broker.retained('homeassistant/#').length, 0);
  broker.isUp = true;
  await clock.runUntil({ time: 31, phase: 0 });
  assert.equal(broker.retained('homeassistant/#').length, 5);
});
