/** For tests: what every driver of a Modbus device must hold when the device's registers stand still. */
import assert from 'node:assert/strict';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Chance } from './chance.ts';
import { exceptionError, type ModbusException } from './modbus/protocol.ts';
import type { RegisterBank } from './modbus/server.ts';
import type { RegisterTransport } from './modbus/transport.ts';
import type { Flow, Tested } from './tested-drivers.ts';

const sampleSeconds = 20;
/** By then energy should have flowed that the coarsest register shows ten steps of, at the least power here. */
const mostStillSeconds = 3 * 3600;

/**
 * A device whose registers stand still for hours while it runs: what it tells is old for so long at most until it is
 * told as an error, from then on nothing is told, and the first readings after it runs again are true.
 */
export async function noticesStillness(tested: Tested, seed: number): Promise<void> {
  const chance = new Chance(seed);
  const time = { now: 1_000_000 };
  const clock = { now: () => UnixSeconds(time.now) };
  const flow: Flow = { powerW: 2_000 + chance.below(8_000), energyWh: 50_000 };
  const inner = tested.bank(flow, clock);
  let wattSeconds = 0;
  const frozen = new Map<string, Buffer | ModbusException>();
  let isStill = false;
  const stuck =
    (read: RegisterBank['read']): RegisterBank['read'] =>
    (address, count) => {
      const key = `${address} ${count}`;
      const shown = (isStill ? frozen.get(key) : undefined) ?? read(address, count);
      frozen.set(key, typeof shown === 'number' ? shown : Buffer.from(shown));
      return shown;
    };
  const bank: RegisterBank = {
    read: stuck(inner.read.bind(inner)),
    write: (address, registers) => inner.write?.(address, registers),
    ...(inner.readInput === undefined ? {} : { readInput: stuck(inner.readInput.bind(inner)) }),
  };
  const device = tested.make(new BankBus(bank), clock);
  await device.start();
  const second = async (): Promise<boolean> => {
    time.now += sampleSeconds;
    flow.powerW += chance.below(201) - 100;
    wattSeconds += flow.powerW * sampleSeconds;
    flow.energyWh = 50_000 + Math.floor(wattSeconds / 3600);
    try {
      await device.read();
      return true;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      assert.match(error.code, /^GTX-(MTR-003|SUN-014)$/, error.message);
      return false;
    }
  };
  const runs = 10 + chance.below(50);
  for (let i = 0; i < runs; i++) assert.ok(await second(), `seed ${seed}: a device that runs`);
  isStill = true;
  let noticed = 0;
  while (await second()) {
    noticed += sampleSeconds;
    assert.ok(noticed < mostStillSeconds, `seed ${seed}: still for ${noticed} s, and nobody noticed`);
  }
  for (let i = 0; i < 20; i++) assert.ok(!(await second()), `seed ${seed}: believed again`);
  isStill = false;
  for (let i = 0; i < 20; i++) assert.ok(await second(), `seed ${seed}: it runs again`);
}

/** A bus of one bank without a line between. */
class BankBus implements RegisterTransport {
  readonly name = 'test bus';
  readonly #bank: RegisterBank;

  constructor(bank: RegisterBank) {
    this.#bank = bank;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async readHolding(_unit: number, address: number, count: number): Promise<Buffer> {
    return settled(this.#bank.read(address, count));
  }

  async readInput(_unit: number, address: number, count: number): Promise<Buffer> {
    return settled(this.#bank.readInput?.(address, count) ?? this.#bank.read(address, count));
  }

  async writeHolding(_unit: number, address: number, registers: Buffer): Promise<void> {
    const refusal = this.#bank.write?.(address, registers);
    if (refusal !== undefined) settled(refusal);
  }
}

function settled(result: Buffer | ModbusException): Buffer {
  if (typeof result === 'number') throw exceptionError(result, 'test');
  return Buffer.from(result);
}
