/** For tests and the bench: an RTU line on which answers meet faults, decided by a seed, in the time of a `BusTimer`. */
import { type Duplex, duplexPair } from 'node:stream';
import type { BytePort } from '#hal/ports.ts';
import { seedOf, uniform } from '#hal/random.ts';
import type { BusTimer } from './bus-timer.ts';
import { isIntact, rtuFrame } from './rtu-frame.ts';
import { serveRtuStream } from './rtu-server.ts';
import type { RegisterBank } from './server.ts';

/**
 * `bitFlip`: one to three bits of the answer · `checksum`: a checksum of something else · `late`: up to 1.9 time-outs ·
 * `short`: the answer's end is missing · `wrongUnit`: an intact answer of another unit · `exception`: an intact
 * exception · `silence`: no answer for up to 20 s, as of a device that restarts · `noise`: bytes before it ·
 * `lost`: the port itself closes.
 */
export const lineFaults = [
  'bitFlip',
  'checksum',
  'late',
  'short',
  'wrongUnit',
  'exception',
  'silence',
  'noise',
  'lost',
] as const;
export type LineFault = (typeof lineFaults)[number];

export interface FaultLineOptions {
  readonly seed: number;
  /** The chance that an answer meets a fault, 0 to 1. */
  readonly chance: number;
  readonly answerTimeoutMs: number;
  readonly timer: BusTimer;
  readonly units: ReadonlyMap<number, RegisterBank>;
}

export class FaultLine implements BytePort {
  readonly name = 'line with faults';
  /** No more faults when `false`. */
  isFaulty = true;
  readonly done = new Map<LineFault, number>();
  readonly #options: FaultLineOptions;
  readonly #seed: number;
  #drawn = 0;
  #silentUntil = 0;

  constructor(options: FaultLineOptions) {
    this.#options = options;
    this.#seed = seedOf(options.seed, 'line');
  }

  open(): Promise<Duplex> {
    const [near, far] = duplexPair();
    const [inner, server] = duplexPair();
    serveRtuStream(server, this.#options.units);
    far.on('error', () => far.destroy());
    far.on('data', (request: Buffer) => {
      // Nobody answers for a unit that is not there.
      if (!isIntact(request) || !this.#options.units.has(request[0]!)) return;
      inner.once('data', (answer: Buffer) => this.#answer(far, answer));
      inner.write(request);
    });
    return Promise.resolve(near);
  }

  /** The next number of the seed, in [0, 1). */
  #draw(): number {
    return uniform(this.#seed, this.#drawn++);
  }

  #answer(far: Duplex, answer: Buffer): void {
    const { timer, chance, answerTimeoutMs } = this.#options;
    const say = (bytes: Buffer, ms: number): void => {
      timer.after(ms, () => {
        if (!far.destroyed) far.write(bytes);
      });
    };
    const usualMs = 5 + 20 * this.#draw();
    if (timer.nowMs() < this.#silentUntil && this.isFaulty) return;
    if (!this.isFaulty || this.#draw() >= chance) {
      say(answer, usualMs);
      return;
    }
    const fault = lineFaults[Math.floor(this.#draw() * lineFaults.length)]!;
    this.done.set(fault, (this.done.get(fault) ?? 0) + 1);
    switch (fault) {
      case 'bitFlip': {
        const damaged = Buffer.from(answer);
        const flips = 1 + Math.floor(3 * this.#draw());
        const bits = new Set(Array.from({ length: flips }, () => Math.floor(this.#draw() * 8 * answer.length)));
        for (const bit of bits) damaged[bit >> 3]! ^= 1 << (bit & 7);
        say(damaged, usualMs);
        break;
      }
      case 'checksum': {
        const damaged = Buffer.from(answer);
        damaged.writeUInt16LE(
          damaged.readUInt16LE(damaged.length - 2) ^ (1 + Math.floor(this.#draw() * 0xffff)),
          damaged.length - 2,
        );
        say(damaged, usualMs);
        break;
      }
      case 'late':
        say(answer, answerTimeoutMs * (1 + 0.9 * this.#draw()));
        break;
      case 'short':
        say(answer.subarray(0, Math.floor(this.#draw() * answer.length)), usualMs);
        break;
      case 'wrongUnit':
        say(rtuFrame(Buffer.concat([Buffer.from([answer[0]! ^ 0x40]), answer.subarray(1, -2)])), usualMs);
        break;
      case 'exception':
        say(rtuFrame(Buffer.from([answer[0]!, answer[1]! | 0x80, 1 + Math.floor(this.#draw() * 6)])), usualMs);
        break;
      case 'silence':
        this.#silentUntil = timer.nowMs() + 20_000 * this.#draw();
        break;
      case 'noise':
        say(Buffer.concat([Buffer.from([0, 0xff, Math.floor(256 * this.#draw())]), answer]), usualMs);
        break;
      case 'lost':
        far.destroy();
        break;
    }
  }
}
