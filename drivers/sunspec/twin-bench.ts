/** For the tests of this folder: drivers and twins without a wire between. */
import assert from 'node:assert/strict';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { exceptionError, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { DeviceMemory } from '../driver.ts';
import { type BatteryModels, SunSpecBatteryTwin } from './battery-twin.ts';
import { SunSpecBattery } from './battery.ts';
import { type ModelId, scanDevice } from './device-map.ts';
import { type InverterModels, SunSpecInverterTwin } from './inverter-twin.ts';
import { SunSpecInverter } from './inverter.ts';

/** A bus of one bank without a wire between. */
export class DirectBus implements RegisterTransport {
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

  readInput(unit: number, address: number, count: number): Promise<Buffer> {
    return this.readHolding(unit, address, count);
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

export const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof GridError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

export function inverterAt(ratedW: number, models: InverterModels = 'legacy') {
  const state = { powerW: 0, energyWh: 0 };
  const clock = new TestClock();
  const source = { ratedW, serial: 'PV-1', powerW: () => state.powerW, energyWh: () => state.energyWh };
  const twin = new SunSpecInverterTwin(source, clock, models);
  const bus = new DirectBus(twin.bank);
  return { state, clock, twin, bus, inverter: new SunSpecInverter(bus, 1, clock) };
}

/** Memory for a device whose tests do not restart it. */
export const noMemory: DeviceMemory = { read: () => undefined, write: () => Promise.resolve() };

export function batteryAt(
  ratedW: number,
  capacityWh: number,
  models: BatteryModels = 'ieee1547',
  hasHeartbeat = false,
) {
  const state = { power: 0, soc: 5000, acIn: 0, acOut: 0, dcIn: 0, dcOut: 0 };
  const clock = new TestClock();
  const source = {
    ratedW,
    capacityWh,
    serial: 'BAT-1',
    hasHeartbeat,
    acPowerW: () => state.power,
    socCentiPercent: () => state.soc,
    acChargeWh: () => state.acIn,
    acDischargeWh: () => state.acOut,
    dcChargeWh: () => state.dcIn,
    dcDischargeWh: () => state.dcOut,
  };
  const twin = new SunSpecBatteryTwin(source, clock, models);
  const bus = new DirectBus(twin.bank);
  return { state, clock, twin, bus, battery: new SunSpecBattery(bus, 1, { clock, memory: noMemory }) };
}

/** The bank with some of its registers, by address, showing something else. */
export const patched = (bank: RegisterBank, patches: Readonly<Record<number, number>>): RegisterBank => ({
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

/** A started battery, the address of one register of a model of it, and the bank to patch that register in. */
export async function batteryRegister(model: ModelId, at: number) {
  const { battery, bus } = batteryAt(10_000, 20_000);
  await battery.start();
  return { battery, bus, address: (await scanDevice(bus, 1)).first(model).address + at, good: bus.bank };
}
