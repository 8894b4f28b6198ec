import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import { exceptionCode, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import { exceptionError } from '../modbus/protocol.ts';
import { SunSpecBatteryTwin } from './battery-twin.ts';
import { SunSpecBattery } from './battery.ts';
import { SunSpecInverterTwin } from './inverter-twin.ts';
import { SunSpecInverter } from './inverter.ts';

/** A bus of one bank without a wire between. */
class DirectBus implements RegisterTransport {
  readonly name = 'test bus';
  readonly reads: (readonly [address: number, count: number])[] = [];
  bank: RegisterBank;
  readonly shift: number;

  constructor(bank: RegisterBank, shift = 0) {
    this.bank = bank;
    this.shift = shift;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  readHolding(_unit: number, address: number, count: number): Promise<Buffer> {
    this.reads.push([address, count]);
    assert.ok(count <= 125);
    return this.#settle(this.bank.read(address - this.shift, count));
  }

  async writeHolding(_unit: number, address: number, registers: Buffer): Promise<void> {
    const refusal = this.bank.write?.(address - this.shift, registers);
    if (refusal !== undefined) await this.#settle(refusal);
  }

  #settle(result: Buffer | ModbusException): Promise<Buffer> {
    return typeof result === 'number'
      ? Promise.reject(exceptionError(result, 'test'))
      : Promise.resolve(Buffer.from(result));
  }
}

class TestClock {
  time = 1_000_000;
  now(): UnixSeconds {
    return UnixSeconds(this.time);
  }
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof GridError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

function inverterAt(ratedW: number) {
  const state = { powerW: 0, energyWh: 0 };
  const clock = new TestClock();
  const source = { ratedW, serial: 'PV-1', powerW: () => state.powerW, energyWh: () => state.energyWh };
  const twin = new SunSpecInverterTwin(source, clock);
  const bus = new DirectBus(twin.bank);
  return { state, clock, twin, bus, inverter: new SunSpecInverter(bus, 1) };
}

function batteryAt(ratedW: number, capacityWh: number) {
  const state = { power: 0, soc: 5000, acIn: 0, acOut: 0, dcIn: 0, dcOut: 0 };
  const clock = new TestClock();
  const source = {
    ratedW,
    capacityWh,
    serial: 'BAT-1',
    acPowerW: () => state.power,
    socCentiPercent: () => state.soc,
    acChargeWh: () => state.acIn,
    acDischargeWh: () => state.acOut,
    dcChargeWh: () => state.dcIn,
    dcDischargeWh: () => state.dcOut,
  };
  const twin = new SunSpecBatteryTwin(source, clock);
  const bus = new DirectBus(twin.bank);
  return { state, clock, twin, bus, battery: new SunSpecBattery(bus, 1) };
}

test('an inverter is read in one request, to the watt up to 32 kW and to ten watts above', async () => {
  for (const [ratedW, step] of [
    [32_000, 1],
    [55_000, 10],
  ] as const) {
    const { state, bus, inverter } = inverterAt(ratedW);
    await inverter.start();
    await fc.assert(
      fc.asyncProperty(fc.nat(ratedW), fc.nat(0xffffffff), async (powerW, energyWh) => {
        Object.assign(state, { powerW, energyWh });
        bus.reads.length = 0;
        const reading = await inverter.read();
        assert.equal(bus.reads.length, 1);
        assert.equal(reading.generationWh, energyWh);
        assert.ok(Math.abs(reading.powerW - powerW) <= step / 2);
      }),
    );
  }
});

test('nameplates are what the devices say', async () => {
  const { inverter } = inverterAt(50_000);
  await inverter.start();
  const pv = { manufacturer: 'GridTokenX', model: 'PV inverter twin', serial: 'PV-1', ratedW: 50_000 };
  assert.deepEqual(inverter.nameplate(), pv);
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

test('a limit holds at most what was asked, for as long as was asked, and is lifted with null', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 100, max: 200_000 }),
      fc.nat(300_000),
      fc.integer({ min: 1, max: 65_534 }),
      async (ratedW, limit, seconds) => {
        const { clock, twin, inverter } = inverterAt(ratedW);
        await inverter.start();
        await inverter.limitPower(W(limit), seconds);
        const held = twin.effectiveLimitW(clock.now())!;
        assert.ok(held <= limit, `${held} of ${limit}`);
        assert.ok(held >= Math.min(limit, ratedW) - ratedW / 5000 - 10, `${held} of ${limit}`);
        clock.time += seconds - 1;
        assert.equal(twin.effectiveLimitW(clock.now()), held);
        clock.time += 1;
        assert.equal(twin.effectiveLimitW(clock.now()), null, 'reverted');
        await inverter.limitPower(W(0), 60);
        assert.equal(twin.effectiveLimitW(clock.now()), 0);
        await inverter.limitPower(null, 60);
        assert.equal(twin.effectiveLimitW(clock.now()), null, 'lifted');
      },
    ),
    { numRuns: 50 },
  );
});

test('a refreshed limit does not revert', async () => {
  const { clock, twin, inverter } = inverterAt(10_000);
  await inverter.start();
  for (let i = 0; i < 10; i++) {
    await inverter.limitPower(W(4_000), 30);
    clock.time += 20;
    assert.equal(twin.effectiveLimitW(clock.now()), 4_000);
  }
});

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

test("the battery's registers show the time left and the state after the reversion", async () => {
  const { clock, bus, battery } = batteryAt(15_000, 30_000);
  await battery.start();
  await battery.setPower(W(-5_000), 100_000);
  clock.time += 40_000;
  const model704 = 40002 + 68 + 155 + 52;
  const at = (registers: Buffer, point: number): number => registers.readInt32BE(2 * point);
  let registers = await bus.readHolding(1, model704, 40);
  assert.equal(at(registers, 24), -5_000);
  assert.equal(at(registers, 31), 100_000, 'the timer is 32 bits wide');
  assert.equal(at(registers, 33), 60_000);
  clock.time += 60_000;
  registers = await bus.readHolding(1, model704, 40);
  assert.equal(at(registers, 24), 0);
  assert.equal(at(registers, 33), 0);
});

test('a map at 50000 or 0 is found too', async () => {
  for (const shift of [10_000, -40_000]) {
    const { state, bus } = inverterAt(10_000);
    Object.assign(state, { powerW: 77, energyWh: 5 });
    const inverter = new SunSpecInverter(new DirectBus(bus.bank, shift), 1);
    await inverter.start();
    assert.deepEqual(await inverter.read(), { powerW: 77, generationWh: 5 });
  }
});

test('writes outside the table, to what is read-only or not there, or in part are refused and change nothing', async () => {
  const { bus, twin, clock } = inverterAt(10_000);
  const { bank } = bus;
  const model123 = 40002 + 68 + 52 + 28;
  const before = Buffer.from(bank.read(40000, 125) as Buffer);
  const { illegalDataAddress: address, illegalDataValue: value } = exceptionCode;
  const one = Buffer.from('0001', 'hex');
  assert.equal(bank.write?.(39999, one), address, 'before the map');
  assert.equal(bank.write?.(50000, one), address, 'after the map');
  assert.equal(bank.write?.(40000, one), address, 'the marker');
  assert.equal(bank.write?.(40002 + 68 + 14, one), address, 'a measurement');
  assert.equal(bank.write?.(model123 + 2, one), address, 'a point that is not implemented');
  assert.equal(bank.write?.(model123 + 5, Buffer.from('2711', 'hex')), value, 'above 100 %');
  assert.equal(bank.write?.(model123 + 5, Buffer.from('ffff', 'hex')), value, 'no value');
  assert.equal(bank.write?.(model123 + 8, one), value, 'a ramp, which the twin does not know');
  assert.equal(bank.write?.(model123 + 9, Buffer.from('0002', 'hex')), value, 'no such state');
  assert.equal(bank.write?.(model123 + 9, Buffer.from('00010001', 'hex')), address, 'good first, bad second');
  assert.deepEqual(bank.read(40000, 125), before);
  assert.equal(twin.effectiveLimitW(clock.now()), null);
  const battery = batteryAt(15_000, 30_000).bus.bank;
  const model704 = 40002 + 68 + 155 + 52;
  assert.equal(battery.write?.(model704 + 31, one), value, 'half of a 32-bit timer');
  assert.equal(battery.write?.(model704 + 32, one), value, 'the other half');
  assert.equal(battery.write?.(model704 + 24, Buffer.from('00003a99', 'hex')), value, 'above the rating');
});

test('an inverter that is disconnected by a client gives nothing', () => {
  const { bus, twin, clock } = inverterAt(10_000);
  assert.equal(bus.bank.write?.(40002 + 68 + 52 + 28 + 4, Buffer.alloc(2)), undefined);
  assert.equal(twin.effectiveLimitW(clock.now()), 0);
});

/** The bank with some registers of its own in front. */
const patched = (bank: RegisterBank, patches: Readonly<Record<number, number>>): RegisterBank => ({
  read(address, count) {
    const registers = bank.read(address, count);
    if (typeof registers === 'number') return registers;
    const copy = Buffer.from(registers);
    for (const [at, value] of Object.entries(patches)) {
      const offset = 2 * (Number(at) - address);
      if (offset >= 0 && offset < copy.length) copy.writeUInt16BE(value, offset);
    }
    return copy;
  },
  write: (address, registers) => bank.write?.(address, registers),
});

test('a device that is not what the board file says is named as such', async () => {
  const start = (patches: Readonly<Record<number, number>>): Promise<void> => {
    const { bus, inverter } = inverterAt(10_000);
    bus.bank = patched(bus.bank, patches);
    return inverter.start();
  };
  await assert.rejects(start({ 40000: 0 }), code('GTX-SUN-001'));
  await assert.rejects(start({ [40002 + 68 + 52]: 999 }), code('GTX-SUN-003'));
  await assert.rejects(start({ [40002 + 68 + 52 + 28 + 26]: 64_001 }), code('GTX-MOD-102'));
  await assert.rejects(start({ [40002 + 68 + 52 + 3]: 0xffff }), code('GTX-SUN-004'));
  await assert.rejects(start({ [40002 + 68 + 52 + 3]: 0 }), code('GTX-SUN-005'));
  await assert.rejects(start({ [40002 + 68 + 52 + 28 + 23]: 1 }), code('GTX-SUN-005'));
  const endless: RegisterBank = {
    read: (address, count) => (address === 40000 ? Buffer.from('SunS') : Buffer.alloc(2 * count)),
  };
  await assert.rejects(new SunSpecInverter(new DirectBus(endless), 1).start(), code('GTX-SUN-002'));
});

test('a start that failed may be tried again, and before it nothing works', async () => {
  const { bus, inverter } = inverterAt(10_000);
  const good = bus.bank;
  bus.bank = patched(good, { 40000: 0 });
  await assert.rejects(inverter.start(), code('GTX-SUN-001'));
  await assert.rejects(inverter.read(), code('GTX-SUN-009'));
  assert.throws(() => inverter.nameplate(), code('GTX-SUN-009'));
  bus.bank = good;
  await inverter.start();
  await inverter.start();
  assert.equal((await inverter.read()).powerW, 0);
});

test('impossible readings are errors, not readings', async () => {
  const model103 = 40002 + 68;
  for (const [patch, expected] of [
    [{ [model103 + 14]: 0x8000 }, 'GTX-SUN-004'],
    [{ [model103 + 15]: 0x8000 }, 'GTX-SUN-004'],
    [{ [model103 + 15]: 11 }, 'GTX-SUN-005'],
    [{ [model103 + 14]: 20_001 }, 'GTX-SUN-005'],
  ] as const) {
    const { bus, inverter } = inverterAt(10_000);
    await inverter.start();
    bus.bank = patched(bus.bank, patch);
    await assert.rejects(inverter.read(), code(expected));
  }
  const { bus, battery } = batteryAt(15_000, 30_000);
  await battery.start();
  const model713 = 40002 + 68 + 155 + 52 + 67;
  bus.bank = patched(bus.bank, { [model713 + 4]: 10_001 });
  await assert.rejects(battery.read(), code('GTX-SUN-005'));
});

test('a scale factor that the inverter changes while it runs is followed', async () => {
  const { state, bus, inverter } = inverterAt(10_000);
  await inverter.start();
  state.powerW = 1234;
  const model103 = 40002 + 68;
  bus.bank = patched(bus.bank, { [model103 + 14]: 123, [model103 + 15]: 1 });
  assert.equal((await inverter.read()).powerW, 1230);
});

test('a device that does not keep what was written is an error', async () => {
  const { bus, inverter } = inverterAt(10_000);
  await inverter.start();
  const good = bus.bank;
  bus.bank = patched(good, { [40002 + 68 + 52 + 28 + 5]: 10_000 });
  await assert.rejects(inverter.limitPower(W(1_000), 60), code('GTX-SUN-007'));
  bus.bank = patched(good, { [40002 + 68 + 52 + 28 + 9]: 0 });
  await assert.rejects(inverter.limitPower(W(1_000), 60), code('GTX-SUN-007'));
  bus.bank = patched(good, { [40002 + 68 + 52 + 28 + 5]: 900 });
  await inverter.limitPower(W(1_000), 60);
});

test('a setpoint that would never revert, or is none, is refused', async () => {
  const { inverter } = inverterAt(10_000);
  await inverter.start();
  for (const seconds of [0, -1, 1.5, 65_535]) {
    await assert.rejects(inverter.limitPower(W(1), seconds), code('GTX-SUN-008'));
  }
  await assert.rejects(inverter.limitPower(W(-1), 60), code('GTX-SUN-008'));
  const { battery } = batteryAt(15_000, 30_000);
  await battery.start();
  await assert.rejects(battery.setPower(W(0), 0), code('GTX-SUN-008'));
});
