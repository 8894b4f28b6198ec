/** For the tests of this folder: a meter's twin that shows what the test says, and a bus without a wire between. */
import { UnixSeconds } from '#hal/units.ts';
import { exceptionError, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import type { RegisterTransport } from '../modbus/transport.ts';
import type { RegisterMap } from '../register-map.ts';
import { MeterTwin } from './meter-twin.ts';
import { RegisterMeter } from './register-meter.ts';

/** A bus of one bank; each answer may be changed on its way. */
export class BankBus implements RegisterTransport {
  readonly name = 'test bus';
  bank: RegisterBank;
  requests = 0;
  damage: (registers: Buffer, address: number) => Buffer = (registers) => registers;

  constructor(bank: RegisterBank) {
    this.bank = bank;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  readHolding(_unit: number, address: number, count: number): Promise<Buffer> {
    return this.#settle(this.bank.read(address, count), address);
  }

  readInput(_unit: number, address: number, count: number): Promise<Buffer> {
    return this.#settle(this.bank.readInput?.(address, count) ?? 1, address);
  }

  writeHolding(): Promise<void> {
    return Promise.reject(exceptionError(1, 'test'));
  }

  #settle(result: Buffer | ModbusException, address: number): Promise<Buffer> {
    this.requests++;
    return typeof result === 'number'
      ? Promise.reject(exceptionError(result, 'test'))
      : Promise.resolve(this.damage(Buffer.from(result), address));
  }
}

export function meterBench(map: RegisterMap) {
  const state = { powerW: 0, reactiveVar: 0, importWh: 5000, exportWh: 700, volts: 230, hertz: 50 };
  let reads = 0;
  const source = {
    revision: () => reads++,
    powerW: () => state.powerW,
    reactiveVar: () => state.reactiveVar,
    importWh: () => state.importWh,
    exportWh: () => state.exportWh,
    voltsRms: () => state.volts,
    frequencyHz: () => state.hertz,
  };
  const clock = { time: 1_000_000, now: () => UnixSeconds(clock.time) };
  const twin = new MeterTwin(map, source);
  const bus = new BankBus(twin.bank);
  return { state, source, clock, twin, bus, meter: new RegisterMeter(map, bus, map.unitId ?? 1, clock) };
}
