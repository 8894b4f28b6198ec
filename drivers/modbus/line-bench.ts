/** For tests: a byte port whose other end the test holds, and a bank of plain registers. */
import { type Duplex, duplexPair } from 'node:stream';
import type { BytePort } from '#hal/ports.ts';
import { exceptionCode, type ModbusException } from './protocol.ts';
import type { RegisterBank } from './server.ts';

export class TestLine implements BytePort {
  readonly name = 'test line';
  /** How often it was opened. */
  opened = 0;
  /** The device's end of the newest stream. */
  far: Duplex | undefined;
  readonly #serve: (far: Duplex) => void;

  constructor(serve: (far: Duplex) => void) {
    this.#serve = serve;
  }

  open(): Promise<Duplex> {
    const [near, far] = duplexPair();
    this.opened++;
    this.far = far;
    far.on('error', () => undefined);
    this.#serve(far);
    return Promise.resolve(near);
  }
}

/** Holding registers 0 to 999, each holding its address until it is written; input registers hold it plus 1,000. */
export class CountingBank implements RegisterBank {
  readonly holding = Buffer.alloc(2000);
  readonly asked: string[] = [];

  constructor() {
    for (let i = 0; i < 1000; i++) this.holding.writeUInt16BE(i, 2 * i);
  }

  read(address: number, count: number): Buffer | ModbusException {
    this.asked.push(`read ${address} ${count}`);
    if (address + count > 1000) return exceptionCode.illegalDataAddress;
    return this.holding.subarray(2 * address, 2 * (address + count));
  }

  readInput(address: number, count: number): Buffer {
    this.asked.push(`input ${address} ${count}`);
    const registers = Buffer.alloc(2 * count);
    for (let i = 0; i < count; i++) registers.writeUInt16BE(1000 + address + i, 2 * i);
    return registers;
  }

  write(address: number, registers: Buffer): ModbusException | undefined {
    this.asked.push(`write ${address} ${registers.length / 2}`);
    registers.copy(this.holding, 2 * address);
    return undefined;
  }
}
