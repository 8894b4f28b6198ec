import { read } from 'node:fs';
import { Duplex } from 'node:stream';
import { callbackify, promisify } from 'node:util';
import { GridError, reasonOf, systemCode } from '../errors.ts';
import type { PortSpecOf } from '../port-file.ts';
import type { BytePort } from '../ports.ts';
import { openHint } from './device-file.ts';

/** An open line, as the binding of the package serialport has it on Linux. */
interface Line {
  readonly fd: number | null;
  /** Calls back when there is something to read; with an error when the line is closed meanwhile. */
  readonly poller: { once(event: 'readable', callback: (error: Error | null) => void): unknown };
  write(buffer: Buffer): Promise<void>;
  close(): Promise<void>;
}

const readFrom = promisify(read);

/** Tells a stream's callback how a promise ended. */
const callBack = (work: Promise<void>, done: (error?: Error | null) => void): void => {
  callbackify(() => work)((error) => done(error));
};

const readBytes = 4096;
const missing =
  'Check the path: on a Raspberry Pi the UART is /dev/ttyAMA0 or /dev/serial0 (`enable_uart=1`), a USB adapter /dev/ttyUSB0.';

/** A serial line: eight data bits, no flow control. It is locked, so that no second program takes bytes of it. */
export class SerialPort implements BytePort {
  readonly name: string;
  readonly #spec: PortSpecOf<'serial'>;

  constructor(spec: PortSpecOf<'serial'>) {
    this.name = `serial ${spec.serial} ${spec.baud}`;
    this.#spec = spec;
  }

  /** Rejects with `GTX-HAL-007`. */
  async open(): Promise<Duplex> {
    const { serial, baud, parity = 'none', stopBits = 1 } = this.#spec;
    const { SerialPort: binding } = await import('serialport');
    try {
      const options = { path: serial, baudRate: baud, dataBits: 8, parity, stopBits, lock: true } as const;
      return new SerialStream((await binding.binding.open(options)) as unknown as Line);
    } catch (error) {
      throw new GridError('GTX-HAL-007', `Cannot open ${this.name}: ${reasonOf(error)}`, {
        hint: openHint(serial, codeOf(error), missing),
        cause: error,
      });
    }
  }
}

/** The binding tells what failed in words only. */
const words: readonly (readonly [RegExp, string])[] = [
  [/permission denied/i, 'EACCES'],
  [/no such (file|device)/i, 'ENOENT'],
  [/cannot lock|resource (temporarily unavailable|busy)/i, 'EBUSY'],
];

const codeOf = (error: unknown): string => words.find(([pattern]) => pattern.test(reasonOf(error)))?.[1] ?? '';

const isNothingYet = (code: string | undefined): boolean => code === 'EAGAIN' || code === 'EINTR';

const isCanceled = (error: unknown): boolean =>
  error instanceof Error && 'canceled' in error && error.canceled === true;

/**
 * The package's own stream leaves the line open when it is destroyed, and its `read` asks again and again, as fast as
 * it can, once an adapter was pulled out: a line that is hung up reads as nothing.
 */
class SerialStream extends Duplex {
  readonly #line: Line;

  constructor(line: Line) {
    super({ allowHalfOpen: false });
    this.#line = line;
  }

  override _read(): void {
    this.#receive().then(
      (bytes) => this.push(bytes),
      (error: unknown) => {
        // What ends the wait of a line that is closed is no fault of the line.
        if (!isCanceled(error)) this.destroy(asError(error));
      },
    );
  }

  /** What has come in, once something has; `null` when the line is hung up. */
  async #receive(): Promise<Buffer | null> {
    const buffer = Buffer.allocUnsafe(readBytes);
    for (;;) {
      const { fd, poller } = this.#line;
      if (fd === null) return null;
      try {
        const { bytesRead } = await readFrom(fd, buffer, 0, readBytes, null);
        return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
      } catch (error) {
        if (!isNothingYet(systemCode(error))) throw error;
      }
      await new Promise<void>((resolve, reject) => {
        poller.once('readable', (error) => (error === null ? resolve() : reject(error)));
      });
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    callBack(this.#line.write(chunk), done);
  }

  override _destroy(cause: Error | null, done: (error?: Error | null) => void): void {
    callBack(this.#line.close(), (error) => done(cause ?? error ?? null));
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
