import { GridError } from '#hal/errors.ts';
import type { BytePort } from '#hal/ports.ts';
import { PortConnection } from '../port-connection.ts';
import { type BusTimer, wallTimer } from './bus-timer.ts';
import { exceptionError, functionCode } from './protocol.ts';
import { type FrameShape, RegisterClient } from './register-client.ts';
import { answerBytes, frameGapMs, isIntact, lineMs, maxFrameBytes, rtuFrame } from './rtu-frame.ts';

export interface RtuClientOptions {
  /** Bits a second of the line, for the times that frames take; the port itself is opened with the same. */
  readonly baud: number;
  /** How long a device may think before it answers, ms. 300 unless told. */
  readonly answerTimeoutMs?: number;
  /** Requests that wait; more are refused. 64 unless told. */
  readonly maxPending?: number;
  readonly timer?: BusTimer;
}

interface Exchange {
  /** Unit and PDU of the request. */
  readonly asked: Buffer;
  /** Bytes of the answer, checksum included, when it is not an exception. */
  readonly answerBytes: number;
  readonly resolve: (registers: Buffer) => void;
  readonly reject: (error: GridError) => void;
}

/** Unit 0 is everyone and answers never; 248 and up are reserved (MODBUS over Serial Line V1.02 §2.2). */
const shape: FrameShape = { headBytes: 0, leastUnit: 1, greatestUnit: 247 };
const checksumBytes = 2;

/** Line noise when a driver takes or leaves the line; no unit has these numbers. */
const isNoise = (byte: number): boolean => byte === 0x00 || byte === 0xff;

/**
 * A Modbus RTU line over any byte port: a serial port, a pseudo-terminal, a serial device server. One request at a
 * time; the port stays open whatever devices do, and is opened again only when it was lost itself.
 *
 * RTU answers carry no number, so a late answer could pass for that to the next request. Therefore, after a time-out
 * nothing is sent until the late answer has come or the time has passed once more. A device that is later than twice
 * `answerTimeoutMs` needs a longer one.
 *
 * Errors: `GTX-MOD-001` no connection · `003` no answer in time · `004` a request that Modbus has no room for · `005`
 * too many waiting · `006` closed · `007` a damaged answer · `1nn` the device's exception nn.
 */
export class ModbusRtuClient extends RegisterClient implements AsyncDisposable {
  readonly #connection: PortConnection;
  readonly #baud: number;
  readonly #answerTimeoutMs: number;
  readonly #maxPending: number;
  readonly #timer: BusTimer;
  readonly #waiting: Exchange[] = [];
  #current: Exchange | undefined;
  #received: Buffer = Buffer.alloc(0);
  #wakeUp: Disposable | undefined;
  /** Nothing may be sent before. */
  #quietUntil = 0;
  /** A time-out has passed, and its answer may still come. */
  #isLate = false;

  constructor(port: BytePort, options: RtuClientOptions) {
    super(port.name, shape);
    this.#baud = options.baud;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 300;
    this.#maxPending = options.maxPending ?? 64;
    this.#timer = options.timer ?? wallTimer;
    this.#connection = new PortConnection(port, {
      onOpen: () => {
        this.#received = Buffer.alloc(0);
      },
      onData: (chunk) => this.#onData(chunk),
      onLost: (reason) => this.#failAll(this.#lostError(reason)),
    });
  }

  async start(): Promise<void> {
    await this.#connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#connection[Symbol.asyncDispose]();
    this.#failAll(this.closed());
    await closing;
  }

  protected exchange(asked: Buffer, bodyBytes: number): Promise<Buffer> {
    if (this.#connection.isDisposed) return Promise.reject(this.closed());
    if (this.#waiting.length >= this.#maxPending) {
      const hint = 'The line is slower than it is asked: sample less often, or raise its baud rate.';
      return Promise.reject(this.tooMany(hint));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asked, answerBytes: bodyBytes + checksumBytes, resolve, reject });
      if (this.#connection.stream === undefined) this.#connect().catch((error: GridError) => this.#failAll(error));
      else this.#sendNext();
    });
  }

  async #connect(): Promise<void> {
    if (this.#connection.isDisposed) throw this.closed();
    try {
      await this.#connection.connect();
    } catch (error) {
      throw this.noConnection(error);
    }
    this.#sendNext();
  }

  #sendNext(): void {
    const { stream } = this.#connection;
    if (stream === undefined || this.#current !== undefined || this.#waiting.length === 0) return;
    const waitMs = this.#quietUntil - this.#timer.nowMs();
    if (waitMs > 0) {
      this.#wake(waitMs, () => this.#sendNext());
      return;
    }
    const exchange = this.#waiting.shift()!;
    this.#current = exchange;
    this.#isLate = false;
    this.#received = Buffer.alloc(0);
    const frame = rtuFrame(exchange.asked);
    const onLineMs = lineMs(frame.length + exchange.answerBytes, this.#baud);
    this.#wake(onLineMs + this.#answerTimeoutMs, () => this.#onSilence());
    stream.write(frame);
  }

  #onData(chunk: Buffer): void {
    const now = this.#timer.nowMs();
    // Bytes that nobody waits for: the line is not quiet yet.
    const gap = now + frameGapMs(this.#baud);
    if (this.#current === undefined && !this.#isLate) {
      this.#quietUntil = Math.max(this.#quietUntil, gap);
      return;
    }
    this.#received = Buffer.concat([this.#received, chunk]).subarray(-maxFrameBytes);
    for (let frame = this.#takeFrame(); frame !== undefined; frame = this.#takeFrame()) {
      if (this.#current === undefined) {
        // The late answer has come: the line is free.
        this.#isLate = false;
        this.#quietUntil = gap;
        this.#received = Buffer.alloc(0);
        this.#sendNext();
        return;
      }
      if (this.#settle(this.#current, frame)) return;
    }
  }

  /** The next whole frame of what was received, intact or not; `undefined` while there is none. */
  #takeFrame(): Buffer | undefined {
    let start = 0;
    while (start < this.#received.length && isNoise(this.#received[start]!)) start++;
    this.#received = this.#received.subarray(start);
    const length = answerBytes(this.#received);
    if (length === undefined || length === 0 || this.#received.length < length) return undefined;
    const frame = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return frame;
  }

  /** Whether the frame ends the exchange; one of another unit does not. */
  #settle(exchange: Exchange, frame: Buffer): boolean {
    const { asked } = exchange;
    const fn = asked[1]!;
    if (!isIntact(frame)) {
      this.#end(exchange, this.#damagedError(asked));
      return true;
    }
    if (frame[0] !== asked[0]) return false;
    if (frame[1] === (fn | 0x80)) {
      this.#end(exchange, exceptionError(frame[2]!, `${this.name} refused ${this.describe(asked)}`));
      return true;
    }
    const isRead = fn === functionCode.readHolding || fn === functionCode.readInput;
    const isAnswer =
      frame[1] === fn &&
      frame.length === exchange.answerBytes &&
      (isRead || frame.readUInt32BE(2) === asked.readUInt32BE(2));
    if (isAnswer) this.#end(exchange, Buffer.from(frame.subarray(isRead ? 3 : 2, -2)));
    else this.#end(exchange, this.#damagedError(asked));
    return true;
  }

  #onSilence(): void {
    const exchange = this.#current;
    if (exchange === undefined) return;
    const error = this.#received.length > 0 ? this.#damagedError(exchange.asked) : this.#silenceError(exchange.asked);
    this.#isLate = true;
    this.#received = Buffer.alloc(0);
    this.#end(exchange, error, this.#answerTimeoutMs + lineMs(exchange.answerBytes, this.#baud));
  }

  #end(exchange: Exchange, outcome: Buffer | GridError, quietMs = frameGapMs(this.#baud)): void {
    this.#wakeUp?.[Symbol.dispose]();
    this.#current = undefined;
    this.#quietUntil = this.#timer.nowMs() + quietMs;
    if (outcome instanceof GridError) exchange.reject(outcome);
    else exchange.resolve(outcome);
    this.#sendNext();
  }

  #wake(ms: number, task: () => void): void {
    this.#wakeUp?.[Symbol.dispose]();
    this.#wakeUp = this.#timer.after(ms, task);
  }

  #failAll(error: GridError): void {
    this.#wakeUp?.[Symbol.dispose]();
    const failed = this.#current === undefined ? [] : [this.#current];
    failed.push(...this.#waiting.splice(0));
    this.#current = undefined;
    for (const { reject } of failed) reject(error);
  }

  #silenceError(asked: Buffer): GridError {
    const what = `No answer from unit ${asked[0]} on ${this.name} within ${this.#answerTimeoutMs} ms (${this.describe(asked)})`;
    const hint = 'Check the unit number, baud rate, A/B wiring and termination.';
    return new GridError('GTX-MOD-003', what, { hint });
  }

  #damagedError(asked: Buffer): GridError {
    const hint =
      'Check shield, termination and that no two units have one number; devices of one line need one baud rate.';
    return new GridError('GTX-MOD-007', `A damaged answer on ${this.name} (${this.describe(asked)})`, { hint });
  }

  #lostError(reason: string): GridError {
    const hint = 'Check that the adapter is plugged in; the next request opens the port again.';
    return new GridError('GTX-MOD-001', `Lost the connection to ${this.name}: ${reason}`, { hint });
  }
}
