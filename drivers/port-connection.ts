import type { Duplex } from 'node:stream';
import { reasonOf } from '#hal/errors.ts';
import type { BytePort } from '#hal/ports.ts';

export interface ConnectionHandlers {
  /** A new stream is there: what was kept of the one before is void. */
  readonly onOpen: () => void;
  readonly onData: (chunk: Buffer) => void;
  /** The stream ended, failed or was dropped; not called when the connection is disposed. */
  readonly onLost: (reason: string) => void;
}

/** The one stream that a driver has on its port: opened when asked for, and again after it was lost. */
export class PortConnection implements AsyncDisposable {
  readonly #port: BytePort;
  readonly #handlers: ConnectionHandlers;
  #stream: Duplex | undefined;
  #opening: Promise<void> | undefined;
  #isDisposed = false;

  constructor(port: BytePort, handlers: ConnectionHandlers) {
    this.#port = port;
    this.#handlers = handlers;
  }

  /** The stream while there is one. */
  get stream(): Duplex | undefined {
    return this.#stream;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Opens the port unless it is open; calls that overlap share one attempt. Rejects with the port's error. */
  connect(): Promise<void> {
    if (this.#stream !== undefined) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Gives the stream up. */
  drop(reason: string): void {
    if (this.#stream !== undefined) this.#lose(this.#stream, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    // Whoever asked for it learns of its failure.
    await this.#opening?.catch(() => undefined);
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined || stream.closed) return;
    const closed = new Promise<void>((resolve) => {
      stream.once('close', () => resolve());
    });
    stream.destroy();
    await closed;
  }

  async #open(): Promise<void> {
    const stream = await this.#port.open();
    this.#stream = stream;
    this.#handlers.onOpen();
    stream.on('data', (chunk: Buffer) => {
      if (this.#stream === stream) this.#handlers.onData(chunk);
    });
    stream.on('error', (error) => this.#lose(stream, reasonOf(error)));
    stream.on('end', () => this.#lose(stream, 'the other end closed it'));
    stream.on('close', () => this.#lose(stream, 'it was closed'));
  }

  #lose(stream: Duplex, reason: string): void {
    stream.destroy();
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#handlers.onLost(reason);
  }
}
