import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { DeviceMemory } from '../driver.ts';
import { exceptionCode } from '../modbus/protocol.ts';
import { SunSpecBattery } from './battery.ts';
import { BatteryEnergy } from './battery-energy.ts';
import { scanDevice } from './device-map.ts';
import { SunSpecInverter } from './inverter.ts';
import { SunSpecInverterTwin } from './inverter-twin.ts';
import { batteryAt, code, DirectBus, noMemory, patched } from './twin-bench.ts';
import { batteryBench, ratedW } from './wire-bench.ts';

/** Models 1, 103, 120 and 123 stand before it. */
const model124 = 40_002 + 68 + 52 + 28 + 26;
const model802 = model124 + 26;

const legacyAt = (rated: number, capacity: number) => batteryAt(rated, capacity, 'legacy');

test('a battery of the old models says what it is, and its power and charge', async () => {
  const { state, battery } = legacyAt(15_000, 90_000);
  await battery.start();
  assert.deepEqual(battery.nameplate(), {
    manufacturer: 'GridTokenX',
    model: 'Battery twin',
    serial: 'BAT-1',
    ratedW: 15_000,
    capacityWh: 90_000,
    maxChargeW: 15_000,
    maxDischargeW: 15_000,
  });
  Object.assign(state, { power: -4_321, soc: 6_789 });
  const { powerW, stateOfChargeCentiPercent } = await battery.read();
  assert.deepEqual([powerW, stateOfChargeCentiPercent], [-4_321, 6_789]);
});

test('a setpoint holds to the step of its registers, never beyond what was asked, and ends with its timer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 100, max: 200_000 }),
      fc.integer({ min: -250_000, max: 250_000 }),
      fc.integer({ min: 1, max: 65_534 }),
      async (rated, setpoint, seconds) => {
        const { clock, twin, battery } = legacyAt(rated, 30_000);
        await battery.start();
        const { maxDischargeW } = battery.nameplate();
        await battery.setPower(W(setpoint), seconds);
        const asked = Math.max(0 - maxDischargeW, Math.min(setpoint, maxDischargeW));
        const held = twin.effectivePowerW(clock.now());
        assert.ok(Math.abs(held) <= Math.abs(asked) && held * asked >= 0, `${held} of ${asked}`);
        assert.ok(Math.abs(held - asked) <= maxDischargeW / 10_000 + 1, `${held} of ${asked}`);
        clock.time += seconds - 1;
        assert.equal(twin.effectivePowerW(clock.now()), held);
        clock.time += 1;
        assert.equal(twin.effectivePowerW(clock.now()), 0, 'its own operation, which is rest in the twin');
      },
    ),
    { numRuns: 50 },
  );
});

test('on the wire it charges and discharges as told, says that it cannot fall back to a value, and ends on request', async () => {
  await using bench = await batteryBench('legacy');
  const { device } = bench;
  assert.deepEqual(device.modes().get('targetW'), { reverts: 'toDefault', ramps: false });
  for (const w of [4_000, -7_500, 0]) {
    await device.setPower(W(w), 60);
    assert.equal(bench.run(1).activeW, w);
    assert.equal((await device.readGrid()).powerW, w);
  }
  await device.setPower(W(ratedW), 60);
  await device.setMode('limitW', W(2_500), { revertSeconds: 60 });
  assert.equal(bench.run(1).activeW, 2_500, 'model 123 limits what model 124 asks for');
  await device.setMode('targetW', null, { revertSeconds: 60 });
  assert.equal(bench.run(1).activeW, 0);
  await assert.rejects(device.setMode('targetW', W(1), { revertSeconds: 60, revertTo: W(0) }), code('GTX-SUN-008'));
});

test('what is written is read back: a battery that keeps another rate or switch is an error', async () => {
  const { bus, battery } = legacyAt(10_000, 20_000);
  await battery.start();
  const good = bus.bank;
  for (const [register, value] of [
    [model124 + 12, 5_001],
    [model124 + 13, 0xffff - 6_000],
    [model124 + 5, 0],
    [model124 + 15, 0],
  ] as const) {
    bus.bank = patched(good, { [register]: value });
    await assert.rejects(battery.setPower(W(5_000), 60), code('GTX-SUN-007'), `${register - model124}`);
  }
  bus.bank = patched(good, { [model124 + 12]: 4_900 });
  await battery.setPower(W(5_000), 60);
});

test('the energies that it does not count are counted, outlive a restart, and are not guessed for a gap', async () => {
  let kept: unknown;
  const memory: DeviceMemory = {
    read: () => kept,
    write: async (value) => {
      kept = JSON.parse(JSON.stringify(value));
    },
  };
  const { state, clock, bus } = legacyAt(10_000, 20_000);
  const made = async () => {
    const battery = new SunSpecBattery(bus, 1, { clock, memory });
    await battery.start();
    return battery;
  };
  const first = await made();
  const hour = async (battery: SunSpecBattery, power: number) => {
    state.power = power;
    for (let second = 0; second < 3_600; second += 5) {
      clock.time += 5;
      state.soc = 1_000 + (clock.time % 5_000);
      await battery.read();
    }
    return battery.read();
  };
  await first.read();
  await hour(first, -6_001);
  const { acChargeWh, acDischargeWh, dcChargeWh, dcDischargeWh } = await hour(first, 3_333);
  assert.deepEqual([acChargeWh, acDischargeWh, dcChargeWh, dcDischargeWh], [6_001, 3_333, 6_001, 3_333]);
  const second = await made();
  clock.time += 86_400;
  const after = await second.read();
  assert.deepEqual([after.acChargeWh, after.acDischargeWh], [6_001, 3_333]);
  for (const damaged of [{ charge: 'much', discharge: 1 }, { charge: -1, discharge: 1 }, [], null]) {
    kept = damaged;
    await assert.rejects(made(), code('GTX-SUN-015'));
  }
});

test('energy that cannot be kept for now does not blind the board, and is kept when it can be', async () => {
  const clock = { time: 1_000, now: () => UnixSeconds(clock.time) };
  let [isFull, kept]: [boolean, unknown] = [true, undefined];
  const memory: DeviceMemory = {
    read: () => undefined,
    write: async (value) => {
      if (isFull) throw new GridError('GTX-HAL-099', 'The disk is full');
      kept = value;
    },
  };
  const energy = new BatteryEnergy(memory, clock, 'the battery');
  await energy.take(W(7_200));
  clock.time += 10;
  assert.deepEqual(await energy.take(W(7_200)), { chargeWh: 0, dischargeWh: 20 });
  assert.equal(energy.memoryError?.code, 'GTX-HAL-099');
  isFull = false;
  clock.time += 10;
  await energy.take(W(-3_600));
  assert.equal(energy.memoryError, undefined);
  assert.deepEqual(kept, { charge: 36_000, discharge: 72_000 });
});

test('the charge comes from 802, or from 124 where there is no 802; without either capacity it is no battery', async () => {
  const { state, bus, clock } = legacyAt(10_000, 20_000);
  state.soc = 4_200;
  const without802 = { [model802]: 0xffff, [model802 + 1]: 0 };
  bus.bank = patched(bus.bank, without802);
  const battery = new SunSpecBattery(bus, 1, { clock, memory: noMemory });
  await battery.start();
  assert.equal((await battery.read()).stateOfChargeCentiPercent, 4_200);
  assert.equal(battery.nameplate().capacityWh, 20_000, '120.WHRtg');
  const model120 = 40_002 + 68 + 52;
  bus.bank = patched(bus.bank, { [model120 + 19]: 0xffff });
  await assert.rejects(new SunSpecBattery(bus, 1, { clock, memory: noMemory }).start(), code('GTX-SUN-004'));
});

test('a battery that may charge from PV only, or that is no battery, is refused at the start', async () => {
  const { bus, battery } = legacyAt(10_000, 20_000);
  bus.bank = patched(bus.bank, { [model124 + 17]: 0 });
  await assert.rejects(battery.start(), code('GTX-SUN-004'));
  const clock = { now: () => UnixSeconds(0) };
  const pv = new SunSpecInverterTwin({ ratedW: 5_000, serial: 'P', powerW: () => 0, energyWh: () => 0 }, clock);
  await assert.rejects(
    new SunSpecBattery(new DirectBus(pv.bank), 1, { clock, memory: noMemory }).start(),
    code('GTX-SUN-003'),
  );
});

test('a window without a forced direction leaves the battery at rest, and what is out of range is refused', () => {
  const { bus, twin, clock } = legacyAt(10_000, 20_000);
  const write = (register: number, value: number): unknown => {
    const registers = Buffer.alloc(2);
    registers.writeInt16BE(value);
    return bus.bank.write?.(register, registers);
  };
  assert.equal(write(model124 + 12, -5_000), undefined);
  assert.equal(twin.effectivePowerW(clock.now()), 0, 'not switched on');
  assert.equal(write(model124 + 5, 1), undefined);
  assert.equal(twin.effectivePowerW(clock.now()), 0, 'the charge rate alone');
  assert.equal(write(model124 + 5, 2), undefined);
  assert.equal(twin.effectivePowerW(clock.now()), -5_000, 'at most minus a half');
  assert.equal(write(model124 + 12, 10_001), exceptionCode.illegalDataValue);
  assert.equal(write(model124 + 5, 4), exceptionCode.illegalDataValue);
  assert.equal(write(model124 + 14, 1), exceptionCode.illegalDataValue, 'a random window');
});

for (const [name, at, offset] of [
  [802, () => legacyAt(10_000, 20_000), 19],
  [715, () => batteryAt(10_000, 20_000, 'ieee1547', true), 6],
] as const) {
  test(`the device is told with every sample that the board is alive, and is seen to be (${name})`, async () => {
    const { bus, clock, battery } = at();
    await battery.start();
    const register = (await scanDevice(bus, 1)).first(name).address + offset;
    const told = async (): Promise<number> => (await bus.readHolding(1, register, 1)).readUInt16BE(0);
    for (let second = 1; second <= 40; second++) {
      clock.time++;
      await battery.read();
      assert.equal(await told(), second);
    }
    for (let second = 0; second < 29; second++) await battery.read();
    await assert.rejects(battery.read(), code('GTX-SUN-014'), 'its own heartbeat stands still');
    clock.time++;
    await battery.read();
  });
}

test('a device in local control is not told anything, and says so', async () => {
  for (const { twin, battery, hold } of [
    { ...legacyAt(10_000, 20_000), hold: 802 as const },
    { ...batteryAt(10_000, 20_000, 'ieee1547', true), hold: 715 as const },
  ]) {
    await battery.start();
    await battery.setPower(W(100), 60);
    twin.bank.hold(hold, 'LocRemCtl', 1);
    await assert.rejects(battery.setPower(W(200), 60), code('GTX-SUN-013'));
    assert.equal((await battery.read()).powerW, 0, 'it is still read');
    await assert.rejects(battery.setPower(W(200), 60), code('GTX-SUN-013'), 'as the sample has seen');
  }
});

test('an order in the second of a sample asks nothing that the sample has seen', async () => {
  const { bus, clock, battery } = batteryAt(10_000, 20_000, 'ieee1547', true);
  await battery.start();
  const readsOf = async (task: () => Promise<unknown>): Promise<number> => {
    const before = bus.reads.length;
    await task();
    return bus.reads.length - before;
  };
  const alone = await readsOf(() => battery.setPower(W(100), 60));
  await battery.read();
  assert.equal(await readsOf(() => battery.setPower(W(200), 60)), alone - 1);
  clock.time++;
  assert.equal(await readsOf(() => battery.setPower(W(300), 60)), alone, 'an old answer does not count');
});

test('an inverter has the heartbeats of model 715 too', async () => {
  let time = 1_000;
  const clock = { now: () => UnixSeconds(time) };
  const source = { ratedW: 5_000, serial: 'P', hasHeartbeat: true, powerW: () => 0, energyWh: () => 0 };
  const twin = new SunSpecInverterTwin(source, clock, 'ieee1547');
  const inverter = new SunSpecInverter(new DirectBus(twin.bank), 1, clock);
  await inverter.start();
  for (; time < 1_010; time++) await inverter.read();
  assert.equal(twin.bank.point(715, 'ControllerHb').get(), 10);
});

test('whatever registers a device shows, a start ends in a driver or an error', async () => {
  const { bus, clock } = legacyAt(10_000, 20_000);
  const whole = bus.bank;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 40_000, max: model802 + 66 }), fc.nat(0xffff)), { maxLength: 12 }),
      async (changes) => {
        bus.bank = patched(whole, Object.fromEntries(changes));
        const battery = new SunSpecBattery(bus, 1, { clock, memory: noMemory });
        try {
          await battery.start();
          const { stateOfChargeCentiPercent, powerW } = await battery.read();
          assert.ok(stateOfChargeCentiPercent <= 10_000 && Math.abs(powerW) <= 2 * battery.nameplate().ratedW);
          await battery.setPower(W(1_000), 60);
        } catch (error) {
          assert.ok(error instanceof GridError, String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});
