import type { Clock } from '#hal/clock.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { BytePort } from '#hal/ports.ts';
import { UnixSeconds } from '#hal/units.ts';
import { everyWall } from '#hal/wall.ts';
import type { ClampFrame, SiteMeter } from '../capabilities.ts';
import { PortConnection } from '../port-connection.ts';
import { calibrated, type ClampCalibration } from './clamp-calibration.ts';
import { disagreement, type ReceivedMessage } from './emon-agreement.ts';
import { type EmonMessage, maxLineBytes, parseEmonLine } from './emon-line.ts';
import { isOkFrame, type OkLayoutName, parseOkFrame } from './emon-ok-frame.ts';
import { LineSplitter } from './line-splitter.ts';
import { PowerIntegral } from './power-integral.ts';

interface Waiter {
  readonly after: UnixSeconds;
  readonly timeoutMs: number;
  readonly expiresAtSweep: number;
  readonly resolve: (frame: ClampFrame) => void;
  readonly reject: (error: GridError) => void;
}

export interface EmonOptions {
  /**
   * The line itself finds no errors (a serial line, not TCP): a message counts only when the one before it agrees with
   * it, so that the first of all, and the first two after a damaged one, are passed over.
   */
  readonly isUnchecked?: boolean;
  /** The payload of `OK` frames, where the front-end sends those; and its node where that is not the usual one. */
  readonly okFrames?: { readonly layout: OkLayoutName; readonly node?: number };
  /** By input, the first first. */
  readonly clamps?: readonly ClampCalibration[];
}

/** Time-outs are counted in sweeps: see the Modbus client for why. */
const sweepMs = 100;
const maxWaiters = 16;

/**
 * An emonTx4, emonTx5 or emonPi2 on a serial line (115,200 baud) or a serial device server. A line that is no
 * message is counted and skipped. A stream that ended is opened again when a frame is next asked for.
 *
 * Errors: `GTX-EMO-001` no connection · `002` no message in time · `003` closed · `004` too many wait.
 */
export class EmonMeter implements SiteMeter {
  readonly sendsByItself = true;
  readonly #port: BytePort;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #options: EmonOptions;
  readonly #connection: PortConnection;
  readonly #splitter = new LineSplitter(maxLineBytes);
  #waiters: Waiter[] = [];
  readonly #integral = new PowerIntegral();
  /** Counts the messages of a front-end that does not. */
  #counted = 0;
  /** The message before, whether it was believed or not. */
  #before: ReceivedMessage | undefined;
  #newest: ClampFrame | undefined;
  #sweeper: Disposable | undefined;
  #sweep = 0;
  #refused = 0;
  #lastRefusal = '';

  constructor(port: BytePort, clock: Pick<Clock, 'now'>, options: EmonOptions = {}) {
    this.#port = port;
    this.#clock = clock;
    this.#options = options;
    const onLine = (line: string | undefined): void => this.#take(line);
    this.#connection = new PortConnection(port, {
      onOpen: () => this.#splitter.reset(),
      onData: (chunk) => this.#splitter.push(chunk, onLine),
      // Those that wait go on waiting, each for its own time: it may be the front-end's restart.
      onLost: () => undefined,
    });
  }

  /** Lines that were no message since the start; one or two at each opening are usual. */
  get refusedLines(): number {
    return this.#refused;
  }

  async start(): Promise<void> {
    await this.#connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweeper?.[Symbol.dispose]();
    const closing = this.#connection[Symbol.asyncDispose]();
    this.#failAll(this.#closedError());
    await closing;
  }

  frameAfter(asked: UnixSeconds, timeoutMs: number): Promise<ClampFrame> {
    const now = this.#clock.now();
    // A clock that was set back: what it stamped before is of no use, and waiting for that time would be long.
    const after = asked > now ? UnixSeconds(now - 1) : asked;
    if (this.#newest !== undefined && this.#newest.receivedAt > now) this.#newest = undefined;
    if (this.#newest !== undefined && this.#newest.receivedAt > after) return Promise.resolve(this.#newest);
    if (this.#connection.isDisposed) return Promise.reject(this.#closedError());
    if (this.#waiters.length >= maxWaiters) {
      return Promise.reject(new GridError('GTX-EMO-004', `More than ${maxWaiters} wait for ${this.#port.name}`));
    }
    return new Promise((resolve, reject) => {
      const expiresAtSweep = this.#sweep + Math.ceil(timeoutMs / sweepMs) + 1;
      this.#waiters.push({ after, timeoutMs, expiresAtSweep, resolve, reject });
      if (this.#connection.stream === undefined) this.#connect().catch((error: GridError) => this.#failAll(error));
    });
  }

  async #connect(): Promise<void> {
    if (this.#connection.isDisposed) throw this.#closedError();
    this.#sweeper ??= everyWall(sweepMs, () => this.#expire());
    try {
      await this.#connection.connect();
    } catch (error) {
      const hint = 'Check the cable of the CT front-end and the port in the board file.';
      const reason = `No connection to the CT front-end: ${reasonOf(error)}`;
      throw new GridError('GTX-EMO-001', reason, { hint, cause: error });
    }
  }

  #take(line: string | undefined): void {
    const message = line === undefined ? 'too long' : this.#parse(line);
    if (typeof message === 'string') {
      this.#refuse(message);
      return;
    }
    const received: ReceivedMessage = { receivedAt: this.#clock.now(), ...message };
    const before = this.#before;
    this.#before = received;
    if (this.#options.isUnchecked === true) {
      const doubt = before === undefined ? 'it is the first, and none agrees with it' : disagreement(before, received);
      if (doubt !== undefined) {
        this.#refuse(doubt);
        return;
      }
    }
    const { clamps = [] } = this.#options;
    const frame = { ...received, channels: received.channels.map((channel, i) => calibrated(channel, clamps[i])) };
    this.#newest = frame;
    const served = this.#waiters.filter(({ after }) => frame.receivedAt > after);
    if (served.length === 0) return;
    this.#waiters = this.#waiters.filter(({ after }) => frame.receivedAt <= after);
    for (const { resolve } of served) resolve(frame);
  }

  #refuse(reason: string): void {
    this.#refused++;
    this.#lastRefusal = reason;
  }

  #parse(line: string): EmonMessage | string {
    const { okFrames } = this.#options;
    if (okFrames === undefined || !isOkFrame(line)) return parseEmonLine(line);
    const readout = parseOkFrame(line, okFrames.layout, okFrames.node);
    if (typeof readout === 'string') return readout;
    const energies = this.#integral.add(
      this.#clock.now(),
      readout.channels.map(({ powerW }) => powerW),
    );
    return {
      message: readout.message ?? ++this.#counted,
      voltsRms: readout.voltsRms,
      channels: readout.channels.map(({ powerW, energyWh }, i) => ({ powerW, energyWh: energyWh ?? energies[i]! })),
    };
  }

  #expire(): void {
    this.#sweep++;
    if (this.#waiters.length === 0) return;
    const late = this.#waiters.filter(({ expiresAtSweep }) => expiresAtSweep <= this.#sweep);
    this.#waiters = this.#waiters.filter(({ expiresAtSweep }) => expiresAtSweep > this.#sweep);
    for (const { reject, timeoutMs } of late) reject(this.#silenceError(timeoutMs));
  }

  #failAll(error: GridError): void {
    const failed = this.#waiters;
    this.#waiters = [];
    for (const { reject } of failed) reject(error);
  }

  #silenceError(timeoutMs: number): GridError {
    const noise = this.#refused === 0 ? '' : `; ${this.#refused} lines made no sense, the last: ${this.#lastRefusal}`;
    const hint = 'Check power and wiring of the CT front-end, and that the line runs at 115,200 baud.';
    const what = `No message from the CT front-end on ${this.#port.name} within ${timeoutMs} ms${noise}`;
    return new GridError('GTX-EMO-002', what, { hint });
  }

  #closedError(): GridError {
    return new GridError('GTX-EMO-003', `The meter on ${this.#port.name} is closed`);
  }
}
