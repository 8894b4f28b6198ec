import { Duplex } from 'node:stream';
import { callbackify } from 'node:util';
import { GridError } from '../errors.ts';
import type { BytePort, SpiDevice } from '../ports.ts';
import { seedOf, uniform } from '../random.ts';
import { delay } from '../wall.ts';

/**
 * What can befall bytes on their way. `bitFlip` changes one bit of a byte · `drop` loses a byte · `short` loses it and
 * what follows in the next so many · `late` holds it back with all that follows · `halfOpen`: from here on nothing
 * passes either way, and nobody is told · `close` ends the stream.
 */
export const faultKinds = ['bitFlip', 'drop', 'short', 'late', 'halfOpen', 'close'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultPlan {
  readonly seed: number;
  /** The chance of each kind for every byte, 0 to 1; 0 unless told. */
  readonly chances: { readonly [Kind in FaultKind]?: number };
  /** The longest that bytes are held back, wall milliseconds; 200 unless told. */
  readonly lateMs?: number;
  /** The most bytes that `short` loses; 16 unless told. */
  readonly shortBytes?: number;
}

/** A fault that was done: to which byte of its direction since the plan began. */
export interface DoneFault {
  readonly kind: FaultKind;
  readonly direction: 'in' | 'out';
  readonly at: number;
}

/** Faults that are remembered; older ones are forgotten, as `count` goes on. */
const maxRemembered = 1000;

/**
 * Decides the fate of every byte by its number and the seed alone, so that the same bytes meet the same faults again,
 * however they are cut into chunks and however often the port is opened.
 */
export class Faults {
  /** Faults that were done, the newest last. */
  readonly done: DoneFault[] = [];
  /** No faults while it is `false`; a stream that is half open stays so. */
  isActive = true;
  count = 0;
  readonly #plan: FaultPlan;
  readonly #next = { in: 0, out: 0 };

  constructor(plan: FaultPlan) {
    this.#plan = plan;
  }

  get lateMs(): number {
    return this.#plan.lateMs ?? 200;
  }

  /** What happens to the next byte of a direction, and a number of its own in [0, 1). */
  next(direction: 'in' | 'out'): { readonly kind: FaultKind; readonly share: number } | undefined {
    const at = this.#next[direction]++;
    if (!this.isActive) return undefined;
    const seed = seedOf(this.#plan.seed, direction);
    let least = 0;
    const drawn = uniform(seed, 2 * at);
    for (const kind of faultKinds) {
      least += this.#plan.chances[kind] ?? 0;
      if (drawn >= least) continue;
      this.#remember({ kind, direction, at });
      return { kind, share: uniform(seed, 2 * at + 1) };
    }
    return undefined;
  }

  /** The next byte of a direction is lost already: nothing more can happen to it. */
  skip(direction: 'in' | 'out'): void {
    this.#next[direction]++;
  }

  shortBytes(share: number): number {
    return 1 + Math.floor(share * (this.#plan.shortBytes ?? 16));
  }

  #remember(fault: DoneFault): void {
    this.count++;
    this.done.push(fault);
    if (this.done.length > maxRemembered) this.done.shift();
  }
}

const flipped = (byte: number, share: number): number => byte ^ (1 << Math.floor(share * 8));

/** A byte port whose streams meet faults. */
export class FaultyPort implements BytePort {
  readonly name: string;
  readonly faults: Faults;
  readonly #port: BytePort;

  constructor(port: BytePort, plan: FaultPlan) {
    this.name = port.name;
    this.faults = new Faults(plan);
    this.#port = port;
  }

  async open(): Promise<Duplex> {
    return new FaultyStream(await this.#port.open(), this.faults);
  }
}

class FaultyStream extends Duplex {
  readonly #inner: Duplex;
  readonly #faults: Faults;
  readonly #left = { in: 0, out: 0 };
  readonly #ended = new AbortController();
  #isHalfOpen = false;
  #coming = Promise.resolve();
  #room: PromiseWithResolvers<void> | undefined;

  constructor(inner: Duplex, faults: Faults) {
    super();
    this.#inner = inner;
    this.#faults = faults;
    inner.on('data', (chunk: Buffer) => {
      inner.pause();
      this.#coming = this.#pass(chunk, 'in').then(() => void inner.resume());
      this.#coming.catch((error: unknown) => this.destroy(asError(error)));
    });
    inner.on('error', (error) => this.destroy(error));
    // What is held back comes before the end.
    inner.on('end', () => this.#after(() => this.push(null)));
    inner.on('close', () => this.#after(() => this.destroy()));
  }

  /** Bytes are pushed as they come, as long as somebody takes them. */
  override _read(): void {
    this.#room?.resolve();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    callbackify(() => this.#pass(chunk, 'out'))((error) => done(error));
  }

  #after(act: () => void): void {
    const unlessHalfOpen = (): void => {
      if (!this.#isHalfOpen) act();
    };
    this.#coming.then(unlessHalfOpen, unlessHalfOpen);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#ended.abort(new Error('the stream has ended'));
    this.#room?.resolve();
    this.#inner.destroy();
    done(error);
  }

  /** Sends on what is left of a chunk, in order; resolves when it is on its way. */
  async #pass(chunk: Buffer, direction: 'in' | 'out'): Promise<void> {
    let whole: number[] = [];
    if (this.#isHalfOpen || this.destroyed) return;
    for (const byte of chunk) {
      if (this.#left[direction] > 0) {
        this.#left[direction]--;
        this.#faults.skip(direction);
        continue;
      }
      const fault = this.#faults.next(direction);
      if (fault === undefined) {
        whole.push(byte);
        continue;
      }
      const { kind, share } = fault;
      if (kind === 'bitFlip') whole.push(flipped(byte, share));
      if (kind === 'short') this.#left[direction] = this.#faults.shortBytes(share) - 1;
      if (kind === 'halfOpen' || kind === 'close') {
        await this.#send(whole, direction);
        if (kind === 'close') this.destroy();
        else this.#isHalfOpen = true;
        return;
      }
      if (kind === 'late') {
        await this.#send(whole, direction);
        whole = [byte];
        await delay(share * this.#faults.lateMs, this.#ended.signal);
      }
    }
    await this.#send(whole, direction);
  }

  /** Resolves when there is room for more. */
  async #send(bytes: readonly number[], direction: 'in' | 'out'): Promise<void> {
    if (bytes.length === 0 || this.#isHalfOpen || this.destroyed) return;
    const data = Buffer.from(bytes);
    if (direction === 'out') {
      await new Promise<void>((resolve, reject) => {
        this.#inner.write(data, (error) => (error ? reject(error) : resolve()));
      });
    } else if (!this.push(data)) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/**
 * A chip whose transfers meet faults: `drop` and `short` leave ones where the chip did not drive the line, `close` and
 * `halfOpen` fail the transfer with `GTX-HAL-005`.
 */
export class FaultySpi implements SpiDevice {
  readonly name: string;
  readonly faults: Faults;
  readonly #device: SpiDevice;

  constructor(device: SpiDevice, plan: FaultPlan) {
    this.name = device.name;
    this.faults = new Faults(plan);
    this.#device = device;
  }

  start(): Promise<void> {
    return this.#device.start();
  }

  async transfer(sent: Buffer): Promise<Buffer> {
    const garbled = await this.#befall(sent, 'out');
    return this.#befall(await this.#device.transfer(garbled), 'in');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#device[Symbol.asyncDispose]();
  }

  async #befall(bytes: Buffer, direction: 'in' | 'out'): Promise<Buffer> {
    const result = Buffer.from(bytes);
    let undriven = 0;
    for (const [i, byte] of bytes.entries()) {
      const fault = this.faults.next(direction);
      if (fault?.kind === 'bitFlip') result[i] = flipped(byte, fault.share);
      if (fault?.kind === 'late') await delay(fault.share * this.faults.lateMs);
      if (fault?.kind === 'drop') undriven = Math.max(undriven, 1);
      if (fault?.kind === 'short') undriven = Math.max(undriven, this.faults.shortBytes(fault.share));
      if (fault?.kind === 'close' || fault?.kind === 'halfOpen') {
        throw new GridError('GTX-HAL-005', `${this.name}: a transfer failed: made to fail`);
      }
      if (undriven-- > 0) result[i] = 0xff;
    }
    return result;
  }
}
