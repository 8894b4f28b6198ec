import type { Duplex } from 'node:stream';
import { openPseudoTerminal } from '#hal/linux/pty.ts';
import { SerialPort } from '#hal/linux/serial.ts';
import { listenTcp } from '#hal/linux/tcp.ts';
import { GridError } from '#hal/errors.ts';
import type { RecordedFrame } from '#hal/recording/frame.ts';
import type { Recording } from '#hal/recording/recording.ts';
import { msOf } from '#hal/recording/replayed-bytes.ts';
import { deadline, monotonicMs } from '#hal/wall.ts';
import { serveRtuStream } from '../modbus/rtu-server.ts';
import { type RegisterBank, serveModbusTcp } from '../modbus/server.ts';
import { exchangesOf, framingOf } from './modbus-exchanges.ts';
import { RegisterHistory } from './register-history.ts';

/** Where a recorded device stands: one of the three. */
export interface RecordedPlace {
  /** A port on loopback, 0 for any that is free: Modbus TCP, or the bytes of a line. */
  readonly tcp?: number;
  /** A pseudo-terminal that is reached by this path: Modbus RTU, or the bytes of a line. */
  readonly pty?: string;
  /** The same on a serial line. */
  readonly serial?: string;
  /** Of the serial line, bits a second; as recorded unless told. */
  readonly baud?: number;
}

export interface RecordedTwinOptions {
  readonly recording: Recording;
  /** The name of the port that is replayed; may be left out where the recording has one that can be. */
  readonly port?: string;
  readonly place: RecordedPlace;
}

/** What is served, and where. */
export interface ServedRecording {
  /** Modbus units; none of a line that is played. */
  readonly units: readonly number[];
  /** How it is reached: `tcp 127.0.0.1:5020`, `rtu /tmp/line1`, `line /tmp/front`. */
  readonly at: string;
}

const usualBaud = 9600;
/** What may wait for a client that does not read; what comes then is lost to it, as on a serial line. */
const maxWaitingBytes = 16_384;

/**
 * A port of a recording on the wire, keeping time with the wall: Modbus units show of each register what it was at
 * that time of the recording, and a line says what it said. When the recording has ended the registers stay as they
 * are, and the line is silent.
 */
export class RecordedTwin implements AsyncDisposable {
  readonly #options: RecordedTwinOptions;
  readonly #resources = new AsyncDisposableStack();
  #startedMs = 0;

  constructor(options: RecordedTwinOptions) {
    this.#options = options;
  }

  /** Rejects with `GTX-REC-010` for a port that the recording does not have, and with the place's `GridError`. */
  async start(): Promise<ServedRecording> {
    const { recording } = this.#options;
    const place = this.#place();
    const port = recording.header.ports[place]!;
    const frames = recording.frames.filter((frame) => frame.port === place);
    this.#startedMs = monotonicMs();
    const baud = this.#options.place.baud ?? port.baud ?? usualBaud;
    if (port.wire === 'bytes') return this.#serveLine(frames, baud);
    const framing = framingOf(port);
    const history = new RegisterHistory(exchangesOf(frames, framing), framing);
    const units = history.banks(() => monotonicMs() - this.#startedMs);
    return { units: history.units, at: await this.#serveUnits(units, baud) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #place(): number {
    const { recording, port } = this.#options;
    const ports = [...recording.header.ports.entries()].filter(([, { wire }]) => wire === 'modbus' || wire === 'bytes');
    const found = port === undefined ? ports : ports.filter(([, { name }]) => name === port);
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only[0];
    const names = ports.map(([, { name }]) => `--port ${JSON.stringify(name)}`).join(', ');
    throw new GridError('GTX-REC-010', `${recording.path}: which of its ports is not clear`, {
      kind: 'input',
      hint: names === '' ? 'It has none that can be put on a wire.' : `Say ${names}.`,
    });
  }

  async #serveUnits(units: ReadonlyMap<number, RegisterBank>, baud: number): Promise<string> {
    const { tcp } = this.#options.place;
    if (tcp === undefined) return `rtu ${await this.#onLine(baud, (stream) => serveRtuStream(stream, units))}`;
    const listener = this.#resources.use(await serveModbusTcp({ port: tcp, units }));
    return `tcp 127.0.0.1:${listener.port}`;
  }

  async #serveLine(frames: readonly RecordedFrame[], baud: number): Promise<ServedRecording> {
    const listeners = new Set<Duplex>();
    const onStream = (stream: Duplex): void => {
      listeners.add(stream);
      stream.on('error', () => stream.destroy());
      stream.once('close', () => listeners.delete(stream));
      // What is sent to a line that is played goes nowhere.
      stream.resume();
    };
    const { tcp } = this.#options.place;
    const at =
      tcp === undefined
        ? `line ${await this.#onLine(baud, onStream)}`
        : `line tcp 127.0.0.1:${this.#resources.use(await listenTcp(tcp, onStream)).port}`;
    this.#play(
      frames.filter(({ kind }) => kind === 'received'),
      listeners,
    );
    return { units: [], at };
  }

  /** Answers the path of the line. */
  async #onLine(baud: number, onStream: (stream: Duplex) => void): Promise<string> {
    const { pty, serial } = this.#options.place;
    if (serial !== undefined) {
      const stream = await new SerialPort({ serial, baud }).open();
      this.#resources.defer(() => void stream.destroy());
      onStream(stream);
      return `${serial} ${baud}`;
    }
    const terminal = this.#resources.use(await openPseudoTerminal(pty));
    onStream(terminal.stream);
    return terminal.path;
  }

  #play(frames: readonly RecordedFrame[], listeners: ReadonlySet<Duplex>): void {
    let timer: Disposable | undefined;
    this.#resources.defer(() => timer?.[Symbol.dispose]());
    const next = (place: number): void => {
      const frame = frames[place];
      if (frame === undefined) return;
      const ms = Math.max(0, this.#startedMs + msOf(frame) - monotonicMs());
      timer = deadline(ms, () => {
        for (const listener of listeners) {
          if (listener.writableLength <= maxWaitingBytes) listener.write(frame.body);
        }
        next(place + 1);
      });
    };
    next(0);
  }
}
