import type { Duplex } from 'node:stream';
import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { listenTcp, type TcpListener } from '#hal/linux/tcp.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { ClampChannel } from '../capabilities.ts';
import { type EmonMessage, formatEmonLine } from './emon-line.ts';
import { formatOkFrame, okLayouts, type OkLayoutName } from './emon-ok-frame.ts';

export interface EmonReading {
  readonly voltsRms: number;
  /** One to twelve. */
  readonly channels: readonly ClampChannel[];
}

/** How the twin writes its messages: as text, as JSON, or as frames of a node. */
export type EmonFormat = 'text' | 'json' | OkLayoutName;

const isOkLayout = (format: EmonFormat): format is OkLayoutName => format in okLayouts;

/** One message as the wire has it, without its line end. */
export function formatEmon(message: EmonMessage, format: EmonFormat): string {
  if (isOkLayout(format)) return formatOkFrame(message, format);
  const text = formatEmonLine(message);
  return format === 'text' ? text : `{"${text.replaceAll(':', '":').replaceAll(',', ',"')}}`;
}

/** What may wait for a client that does not read; the lines after it are lost to it, as on a serial line. */
const maxWaitingBytes = 16_384;
const maxMessage = 0xffffffff;

/** A CT front-end on the wire: the byte stream of an emonTx on a loopback port, in place of its serial line. */
export class EmonTwin implements AsyncDisposable {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #format: EmonFormat;
  readonly #clients = new Set<Duplex>();
  #listener: TcpListener | undefined;
  #message = 0;
  #newest: { readonly at: UnixSeconds; readonly line: string } | undefined;

  constructor(clock: Pick<Clock, 'now'>, format: EmonFormat = 'text') {
    this.#clock = clock;
    this.#format = format;
  }

  /** The loopback port it listens on. Throws `GTX-EMO-005` before the start. */
  get port(): number {
    if (this.#listener === undefined) throw new GridError('GTX-EMO-005', 'The CT twin is not started');
    return this.#listener.port;
  }

  /** Listens on a loopback port, any free one unless told. */
  async start(port = 0): Promise<void> {
    this.#listener ??= await listenTcp(port, (stream) => this.#welcome(stream));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.[Symbol.asyncDispose]();
    this.#listener = undefined;
  }

  /**
   * Sends one message to every client. Emit only at instants at which boards sample: a client stamps a message
   * when it reads it, and virtual time does not wait for one that nobody asked for.
   */
  emit({ voltsRms, channels }: EmonReading): void {
    this.#message = this.#message === maxMessage ? 0 : this.#message + 1;
    const line = `${formatEmon({ message: this.#message, voltsRms, channels }, this.#format)}\r\n`;
    this.#newest = { at: this.#clock.now(), line };
    for (const client of this.#clients) send(client, line);
  }

  /** A newcomer gets the message of this instant, if there was one: virtual time would not move on to the next. */
  #welcome(stream: Duplex): void {
    this.#clients.add(stream);
    stream.on('error', () => stream.destroy());
    stream.once('close', () => this.#clients.delete(stream));
    // A front-end takes commands on its line; the twin has none.
    stream.resume();
    if (this.#newest?.at === this.#clock.now()) send(stream, this.#newest.line);
  }
}

function send(client: Duplex, line: string): void {
  if (client.writableLength <= maxWaitingBytes) client.write(line, 'latin1');
}
