import { exceptionCode, functionCode, type ModbusException } from '../modbus/protocol.ts';
import type { RegisterBank } from '../modbus/server.ts';
import { type Exchange, type Framing, outcomeOf } from './modbus-exchanges.ts';

/** The values of one register: each from its time on. */
interface History {
  readonly ms: number[];
  readonly values: number[];
}

/** The registers of a unit, as far as they were seen. */
interface Seen {
  readonly holding: Map<number, History>;
  readonly input: Map<number, History>;
}

/**
 * The registers that a recording saw, by unit. A bank shows of each what was seen last at that time, or the first that
 * was ever seen of it. What is written stays.
 */
export class RegisterHistory {
  readonly #units = new Map<number, Seen>();

  constructor(exchanges: readonly Exchange[], framing: Framing) {
    for (const exchange of exchanges) {
      const outcome = outcomeOf(exchange, framing);
      if (outcome.is === 'answer') this.#learn(exchange, outcome.answer, exchange.ms + outcome.afterMs);
    }
  }

  /** The units that answered. */
  get units(): readonly number[] {
    return [...this.#units.keys()];
  }

  /** The banks of all units, at the time that `nowMs` tells: milliseconds since the recording began. */
  banks(nowMs: () => number): ReadonlyMap<number, RegisterBank> {
    return new Map([...this.#units].map(([unit, seen]) => [unit, bankOf(seen, nowMs)]));
  }

  #learn({ request }: Exchange, answer: Buffer, ms: number): void {
    const unit = request[0]!;
    const fn = request[1]!;
    let seen = this.#units.get(unit);
    if (seen === undefined) {
      seen = { holding: new Map(), input: new Map() };
      this.#units.set(unit, seen);
    }
    const address = request.readUInt16BE(2);
    if (fn === functionCode.readHolding) learn(seen.holding, address, answer.subarray(3), ms);
    if (fn === functionCode.readInput) learn(seen.input, address, answer.subarray(3), ms);
    if (fn === functionCode.writeSingle) learn(seen.holding, address, request.subarray(4, 6), ms);
    if (fn === functionCode.writeMultiple) learn(seen.holding, address, request.subarray(7), ms);
  }
}

function learn(registers: Map<number, History>, address: number, bytes: Buffer, ms: number): void {
  for (let i = 0; 2 * i + 1 < bytes.length; i++) {
    const value = bytes.readUInt16BE(2 * i);
    const history = registers.get(address + i);
    if (history === undefined) registers.set(address + i, { ms: [ms], values: [value] });
    else if (history.values.at(-1) !== value) {
      history.ms.push(ms);
      history.values.push(value);
    }
  }
}

/** The value at a time; before the first the first. */
function valueAt({ ms, values }: History, now: number): number {
  let low = 0;
  let high = ms.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ms[middle]! <= now) low = middle + 1;
    else high = middle;
  }
  return values[Math.max(0, low - 1)]!;
}

function bankOf({ holding, input }: Seen, nowMs: () => number): RegisterBank {
  const written = new Map<number, number>();
  const reading =
    (registers: ReadonlyMap<number, History>, held: ReadonlyMap<number, number>) =>
    (address: number, count: number): Buffer | ModbusException => {
      const bytes = Buffer.alloc(2 * count);
      const now = nowMs();
      for (let i = 0; i < count; i++) {
        const history = registers.get(address + i);
        const value = held.get(address + i) ?? (history === undefined ? undefined : valueAt(history, now));
        if (value === undefined) return exceptionCode.illegalDataAddress;
        bytes.writeUInt16BE(value, 2 * i);
      }
      return bytes;
    };
  return {
    read: reading(holding, written),
    ...(input.size > 0 && { readInput: reading(input, new Map()) }),
    write: (address, registers) => {
      for (let i = 0; 2 * i < registers.length; i++) written.set(address + i, registers.readUInt16BE(2 * i));
      return undefined;
    },
  };
}
