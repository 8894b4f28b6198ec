import { GridError } from '#hal/errors.ts';
import type { BytePort } from '#hal/ports.ts';
import { everyWall } from '#hal/wall.ts';
import { PortConnection } from '../port-connection.ts';
import { FrameSplitter } from './frame-splitter.ts';
import { exceptionError, functionCode, headerBytes } from './protocol.ts';
import { type FrameShape, readHeadBytes, RegisterClient } from './register-client.ts';
import { type SharedRequest, shareRequests } from './shared-requests.ts';

export interface ModbusTcpClientOptions {
  /** Wall time a request may take, the wait for its turn and for a connection included. 1,000 unless told. */
  readonly requestTimeoutMs?: number;
  /** The same for requests made before a new connection has given its first byte; as `requestTimeoutMs` unless told. */
  readonly firstAnswerTimeoutMs?: number;
  /** Requests on the wire at once, 1 to 16. 1 unless told: many devices drop what they did not expect yet. */
  readonly maxInFlight?: number;
  /** Requests sent and waiting; more are refused. 64 unless told. */
  readonly maxPending?: number;
}

/** Behind a gateway any unit; 0 and 255 are the server itself (MODBUS Messaging on TCP/IP V1.0b §4.4.2.2). */
const shape: FrameShape = { headBytes: headerBytes, leastUnit: 0, greatestUnit: 0xff };
/** Before the registers of a read's answer. */
const readHeaderBytes = headerBytes + readHeadBytes;

interface Request {
  readonly frame: Buffer;
  /** Bytes of the answer when it is not an exception. */
  readonly answerBytes: number;
  readonly expiresAtSweep: number;
  readonly resolve: (registers: Buffer) => void;
  readonly reject: (error: GridError) => void;
}

/**
 * Time-outs are counted in sweeps of one interval a client: a request costs no timer, and a process that stood still
 * finds its answers before it gives them up.
 */
const sweepsPerTimeout = 4;
/** After so many time-outs without a byte in between the connection counts as dead, though TCP still holds it. */
const silencesBeforeReconnect = 2;

/**
 * A Modbus TCP client over any byte port (MODBUS Messaging on TCP/IP V1.0b). A lost connection fails the requests
 * that were under way and is opened again for the next one.
 *
 * Errors: `GTX-MOD-001` no connection · `002` not a Modbus TCP answer · `003` no answer in time · `004` a request
 * that Modbus has no room for · `005` too many waiting · `006` closed · `1nn` the device's exception nn.
 */
export class ModbusTcpClient extends RegisterClient implements AsyncDisposable {
  readonly #connection: PortConnection;
  readonly #timeoutMs: number;
  readonly #firstTimeoutMs: number;
  readonly #maxInFlight: number;
  readonly #maxPending: number;
  #waiting: Request[] = [];
  /** Oldest first; few, and each frame has its transaction id. */
  #sent: Request[] = [];
  #transaction = 0;
  #isSending = false;
  #splitter = new FrameSplitter();
  #sweeper: Disposable | undefined;
  #sweep = 0;
  #silences = 0;
  /** The present connection has given a byte. */
  #isAwake = false;

  constructor(port: BytePort, options: ModbusTcpClientOptions = {}) {
    super(port.name, shape);
    this.#connection = new PortConnection(port, {
      onOpen: () => {
        this.#splitter = new FrameSplitter();
        this.#silences = 0;
        this.#isAwake = false;
      },
      onData: (chunk) => this.#onData(chunk),
      onLost: (reason) => this.#failAll(this.#lostError(reason)),
    });
    this.#timeoutMs = options.requestTimeoutMs ?? 1000;
    this.#firstTimeoutMs = options.firstAnswerTimeoutMs ?? this.#timeoutMs;
    this.#maxInFlight = options.maxInFlight ?? 1;
    this.#maxPending = options.maxPending ?? 64;
  }

  async start(): Promise<void> {
    await this.#connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweeper?.[Symbol.dispose]();
    const closing = this.#connection[Symbol.asyncDispose]();
    this.#failAll(this.closed());
    await closing;
  }

  protected exchange(frame: Buffer, bodyBytes: number): Promise<Buffer> {
    if (this.#connection.isDisposed) return Promise.reject(this.closed());
    if (this.#waiting.length + this.#sent.length >= this.#maxPending) {
      return Promise.reject(this.tooMany('The device is slower than it is asked: sample less often.'));
    }
    const length = frame.length - headerBytes;
    frame[2] = 0;
    frame[3] = 0;
    frame[4] = length >> 8;
    frame[5] = length;
    const answerBytes = headerBytes + bodyBytes;
    return new Promise((resolve, reject) => {
      const isFirst = this.#connection.stream === undefined || !this.#isAwake;
      const sweeps = (isFirst ? this.#firstTimeoutMs / this.#timeoutMs : 1) * sweepsPerTimeout;
      const expiresAtSweep = this.#sweep + Math.ceil(sweeps) + 1;
      this.#waiting.push({ frame, answerBytes, expiresAtSweep, resolve, reject });
      if (this.#connection.stream === undefined) this.#connect().catch((error: GridError) => this.#failAll(error));
      else this.#sendSoon();
    });
  }

  /** After the present call, so that requests made together travel together. */
  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    queueMicrotask(() => {
      this.#isSending = false;
      this.#sendWaiting();
    });
  }

  async #connect(): Promise<void> {
    if (this.#connection.isDisposed) throw this.closed();
    this.#sweeper ??= everyWall(this.#timeoutMs / sweepsPerTimeout, () => this.#expire());
    try {
      await this.#connection.connect();
    } catch (error) {
      throw this.noConnection(error);
    }
    this.#sendWaiting();
  }

  #onData(chunk: Buffer): void {
    this.#silences = 0;
    this.#isAwake = true;
    if (this.#splitter.push(chunk, this.#take)) {
      this.#sendWaiting();
      return;
    }
    // What follows cannot be told apart any more.
    this.#failAll(this.#malformedError());
    this.#connection.drop('it does not speak Modbus TCP');
  }

  #sendWaiting(): void {
    const { stream } = this.#connection;
    const count = Math.min(this.#maxInFlight - this.#sent.length, this.#waiting.length);
    if (stream === undefined || count === 0) return;
    const requests = shareRequests(this.#waiting.splice(0, count)).map(({ request, served }) =>
      withServed(request, served),
    );
    for (const request of requests) {
      this.#transaction = (this.#transaction + 1) & 0xffff;
      request.frame.writeUInt16BE(this.#transaction, 0);
      this.#sent.push(request);
    }
    stream.write(requests.length === 1 ? requests[0]!.frame : Buffer.concat(requests.map(({ frame }) => frame)));
  }

  /** Takes one answer; `false` when it is not one to what was asked. */
  readonly #take = (frame: Buffer): boolean => {
    const transaction = frame.readUInt16BE(0);
    const at = this.#sent.findIndex((sent) => sent.frame.readUInt16BE(0) === transaction);
    // The answer to a request that was given up.
    if (at < 0) return true;
    const [request] = this.#sent.splice(at, 1) as [Request];
    const asked = request.frame;
    const fn = asked[7]!;
    if (frame[6] === asked[6] && frame[7] === (fn | 0x80) && frame.length === 9) {
      request.reject(exceptionError(frame[8]!, `${this.name} refused ${this.describe(asked)}`));
      return true;
    }
    const isRead = fn === functionCode.readHolding || fn === functionCode.readInput;
    const isAnswer =
      frame[6] === asked[6] &&
      frame[7] === fn &&
      frame.length === request.answerBytes &&
      (isRead ? frame[8] === frame.length - 9 : frame.readUInt32BE(8) === asked.readUInt32BE(8));
    if (isAnswer) request.resolve(frame.subarray(9));
    else request.reject(this.#malformedError());
    return isAnswer;
  };

  #expire(): void {
    this.#sweep++;
    const isLate = ({ expiresAtSweep }: Request): boolean => expiresAtSweep <= this.#sweep;
    const silent = this.#sent.filter(isLate);
    const late = this.#waiting.filter(isLate);
    if (silent.length > 0) this.#sent = this.#sent.filter((request) => !isLate(request));
    if (late.length > 0) this.#waiting = this.#waiting.filter((request) => !isLate(request));
    for (const request of [...silent, ...late]) request.reject(this.#silenceError(request));
    if (silent.length === 0) return;
    this.#silences += silent.length;
    if (this.#silences >= silencesBeforeReconnect) this.#connection.drop('the device fell silent');
    else this.#sendWaiting();
  }

  #failAll(error: GridError): void {
    const failed = [...this.#sent, ...this.#waiting];
    this.#sent = [];
    this.#waiting = [];
    for (const request of failed) request.reject(error);
  }

  #silenceError({ frame }: Request): GridError {
    const hint =
      this.#connection.stream === undefined
        ? 'Check the address, the cable and that the device allows another client.'
        : 'Check the unit number; behind a gateway also A/B wiring and termination.';
    const what = `No answer from unit ${frame[6]} on ${this.name} within ${this.#timeoutMs} ms`;
    return new GridError('GTX-MOD-003', `${what} (${this.describe(frame)})`, { hint });
  }

  #lostError(reason: string): GridError {
    const hint = 'Check the cable and that no other client takes its place; the next request connects again.';
    return new GridError('GTX-MOD-001', `Lost the connection to ${this.name}: ${reason}`, { hint });
  }

  #malformedError(): GridError {
    const hint = 'Check that the port speaks Modbus TCP, not RTU over TCP, and that the unit number is right.';
    return new GridError('GTX-MOD-002', `${this.name} answered with something else than asked`, { hint });
  }
}

/** A request whose answer, or whose failure, is that of the reads within it too. */
function withServed(request: Request, served: SharedRequest<Request>['served']): Request {
  if (served.length === 0) return request;
  return {
    ...request,
    resolve: (registers) => {
      request.resolve(registers);
      for (const { request: each, offsetBytes } of served) {
        each.resolve(registers.subarray(offsetBytes, offsetBytes + each.answerBytes - readHeaderBytes));
      }
    },
    reject: (error) => {
      for (const each of [request, ...served.map((part) => part.request)]) each.reject(error);
    },
  };
}
