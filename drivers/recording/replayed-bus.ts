import type { Duplex } from 'node:stream';
import type { BytePort } from '#hal/ports.ts';
import type { RecordedFrame } from '#hal/recording/frame.ts';
import type { RecordedPort } from '#hal/recording/header.ts';
import { RecordedEvents } from '#hal/recording/recorded-events.ts';
import { RecordedOpenings, ReplayedStream, type Timeline } from '#hal/recording/replayed-bytes.ts';
import { headerBytes } from '../modbus/protocol.ts';
import { rtuFrame } from '../modbus/rtu-frame.ts';
import { answer, type RegisterBank } from '../modbus/server.ts';
import { type Arrival, type Exchange, exchangesOf, type Framing, framingOf, requestsOf } from './modbus-exchanges.ts';
import { RegisterHistory } from './register-history.ts';

/** What is not in the recording is answered after so long. */
const usualMs = 5;

/**
 * The port of a Modbus bus that answers each request as it was answered when it was recorded: the same bytes after the
 * same time, damaged, late or not at all. A request that was not made then is answered by the registers as they were
 * seen at that time.
 */
export class ReplayedBus implements BytePort {
  readonly name: string;
  readonly isChecked?: boolean;
  /** Requests that the recording does not have. */
  unrecorded = 0;
  readonly #framing: Framing;
  readonly #timeline: Timeline;
  readonly #openings: RecordedOpenings;
  readonly #exchanges = new RecordedEvents<Exchange>();
  readonly #banks: ReadonlyMap<number, RegisterBank>;

  constructor(port: RecordedPort, frames: readonly RecordedFrame[], timeline: Timeline) {
    this.name = port.name;
    if (port.isChecked !== undefined) this.isChecked = port.isChecked;
    this.#framing = framingOf(port);
    this.#timeline = timeline;
    this.#openings = new RecordedOpenings(frames, timeline);
    const exchanges = exchangesOf(frames, this.#framing);
    for (const exchange of exchanges) this.#exchanges.add(exchange.request.toString('latin1'), exchange);
    this.#banks = new RegisterHistory(exchanges, this.#framing).banks(() => timeline.monotonicMs());
  }

  async open(): Promise<Duplex> {
    await this.#openings.open();
    const stream: ReplayedStream = new ReplayedStream((bytes) => {
      for (const { request, number } of requestsOf(bytes, this.#framing)) this.#answer(stream, request, number);
    });
    return stream;
  }

  #answer(stream: ReplayedStream, request: Buffer, number: number): void {
    const now = this.#timeline.monotonicMs();
    const exchange = this.#exchanges.take(request.toString('latin1'), now);
    if (exchange === undefined) this.unrecorded++;
    // No later than it came: what the board did then is about to follow.
    const from = Math.min(now, exchange?.ms ?? now);
    for (const { afterMs, bytes, isNumbered, place } of exchange?.arrivals ?? this.#reckoned(request)) {
      const arrive = (): void => {
        if (bytes === 'closed') stream.destroy();
        else stream.receive(isNumbered ? numbered(number, bytes) : bytes);
      };
      this.#timeline.at(from + afterMs, arrive, place);
    }
  }

  /** What a device with the registers that were seen would answer. */
  #reckoned(request: Buffer): readonly Arrival[] {
    if (!this.#banks.has(request[0]!)) return [];
    const head = Buffer.alloc(headerBytes);
    head.writeUInt16BE(request.length, 4);
    const frame = answer(Buffer.concat([head, request]), this.#banks);
    if (frame === undefined) return [];
    return this.#framing === 'rtu'
      ? [{ afterMs: usualMs, bytes: rtuFrame(frame.subarray(headerBytes)), isNumbered: false, place: 0 }]
      : [{ afterMs: usualMs, bytes: frame.subarray(2), isNumbered: true, place: 0 }];
  }
}

function numbered(number: number, bytes: Buffer): Buffer {
  const frame = Buffer.alloc(2 + bytes.length);
  frame.writeUInt16BE(number, 0);
  bytes.copy(frame, 2);
  return frame;
}
