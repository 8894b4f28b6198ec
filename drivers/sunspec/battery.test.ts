import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { W } from '#hal/units.ts';
import { exceptionCode } from '../modbus/protocol.ts';
import { batteryAt, code, patched } from './twin-bench.ts';

test('a battery is read in two requests and says what its source says', async () => {
  const { state, bus, battery } = batteryAt(15_000, 30_000);
  await battery.start();
  const energy = fc.maxSafeInteger().map(Math.abs);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -15_000, max: 15_000 }),
      fc.nat(10_000),
      fc.tuple(energy, energy, energy, energy),
      async (power, soc, [acIn, acOut, dcIn, dcOut]) => {
        Object.assign(state, { power, soc, acIn, acOut, dcIn, dcOut });
        bus.reads.length = 0;
        assert.deepEqual(await battery.read(), {
          powerW: power,
          stateOfChargeCentiPercent: soc,
          acChargeWh: acIn,
          acDischargeWh: acOut,
          dcChargeWh: dcIn,
          dcDischargeWh: dcOut,
        });
        assert.equal(bus.reads.length, 2);
      },
    ),
  );
});

test('a battery holds a setpoint within its rates, then rests when its timer runs out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -40_000, max: 40_000 }),
      fc.integer({ min: 1, max: 0xfffffffe }),
      async (setpoint, seconds) => {
        const { clock, twin, battery } = batteryAt(15_000, 30_000);
        await battery.start();
        assert.equal(twin.effectivePowerW(clock.now()), 0, 'at rest before the first');
        await battery.setPower(W(setpoint), seconds);
        const held = Math.max(-15_000, Math.min(setpoint, 15_000));
        clock.time += seconds - 1;
        assert.equal(twin.effectivePowerW(clock.now()), held);
        clock.time += 1;
        assert.equal(twin.effectivePowerW(clock.now()), 0);
      },
    ),
    { numRuns: 50 },
  );
});

const at = (registers: Buffer, point: number): number => registers.readInt32BE(2 * point);

test("the battery's registers show the time left and the state after the reversion", async () => {
  const { clock, bus, battery } = batteryAt(15_000, 30_000);
  await battery.start();
  await battery.setPower(W(-5_000), 100_000);
  clock.time += 40_000;
  const model704 = 40002 + 68 + 155 + 52;
  let registers = await bus.readHolding(1, model704, 40);
  assert.equal(at(registers, 24), -5_000);
  assert.equal(at(registers, 31), 100_000, 'the timer is 32 bits wide');
  assert.equal(at(registers, 33), 60_000);
  clock.time += 60_000;
  registers = await bus.readHolding(1, model704, 40);
  assert.equal(at(registers, 24), 0);
  assert.equal(at(registers, 33), 0);
});

test('the nameplate is what the device says', async () => {
  const { battery } = batteryAt(15_000, 30_000);
  await battery.start();
  assert.deepEqual(battery.nameplate(), {
    manufacturer: 'GridTokenX',
    model: 'Battery twin',
    serial: 'BAT-1',
    ratedW: 15_000,
    capacityWh: 30_000,
    maxChargeW: 15_000,
    maxDischargeW: 15_000,
  });
});

test('half of a 32-bit value and a power above the rating are refused', () => {
  const one = Buffer.from('0001', 'hex');
  const { illegalDataValue: value } = exceptionCode;
  const battery = batteryAt(15_000, 30_000).bus.bank;
  const model704 = 40002 + 68 + 155 + 52;
  assert.equal(battery.write?.(model704 + 31, one), value, 'half of a 32-bit timer');
  assert.equal(battery.write?.(model704 + 32, one), value, 'the other half');
  assert.equal(battery.write?.(model704 + 24, Buffer.from('00003a99', 'hex')), value, 'above the rating');
});

test('more than full is no state of charge', async () => {
  const { bus, battery } = batteryAt(15_000, 30_000);
  await battery.start();
  const model713 = 40002 + 68 + 155 + 52 + 67;
  bus.bank = patched(bus.bank, { [model713 + 4]: 10_001 });
  await assert.rejects(battery.read(), code('GTX-SUN-005'));
});

test('a setpoint that would never revert is refused', async () => {
  const { battery } = batteryAt(15_000, 30_000);
  await battery.start();
  await assert.rejects(battery.setPower(W(0), 0), code('GTX-SUN-008'));
});

test('a setpoint in percent of the rating holds too', () => {
  const { twin, bus, clock } = batteryAt(15_000, 30_000);
  const model704 = 40002 + 68 + 155 + 52;
  const write = (point: number, hex: string): void => {
    assert.equal(bus.bank.write?.(model704 + point, Buffer.from(hex, 'hex')), undefined);
  };
  write(23, '0000');
  write(28, 'ffce');
  assert.equal(twin.effectivePowerW(clock.now()), 0, 'not enabled yet');
  write(22, '0001');
  assert.equal(twin.effectivePowerW(clock.now()), -7_500);
  assert.equal(bus.bank.write?.(model704 + 28, Buffer.from('0065', 'hex')), exceptionCode.illegalDataValue);
});

test('a battery that takes no setpoint in watts is refused at the start', async () => {
  const { bus, battery } = batteryAt(15_000, 30_000);
  bus.bank = patched(bus.bank, { [40002 + 68 + 155 + 52 + 55]: 0x8000 });
  await assert.rejects(battery.start(), code('GTX-SUN-004'));
});
