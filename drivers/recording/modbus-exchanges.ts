import type { RecordedFrame } from '#hal/recording/frame.ts';
import type { RecordedPort } from '#hal/recording/header.ts';
import type { RecordedAt } from '#hal/recording/recorded-events.ts';
import { msOf } from '#hal/recording/replayed-bytes.ts';
import { FrameSplitter } from '../modbus/frame-splitter.ts';
import { functionCode, headerBytes } from '../modbus/protocol.ts';
import { isIntact, maxFrameBytes } from '../modbus/rtu-frame.ts';

/** What came after a request, so many milliseconds later: bytes, or the end of the stream. */
export interface Arrival {
  readonly afterMs: number;
  /** As they came; of a Modbus TCP answer without its transaction's number. */
  readonly bytes: Buffer | 'closed';
  /** It is a frame of Modbus TCP, which lacks the two bytes of its transaction. */
  readonly isNumbered: boolean;
  /** Its frame's place in the recording. */
  readonly place: number;
}

/** A request as it went out, and all that came before the next one. */
export interface Exchange extends RecordedAt {
  /** The place in the recording of the frame that carried it. */
  readonly place: number;
  /** Unit and PDU. */
  readonly request: Buffer;
  readonly arrivals: readonly Arrival[];
}

/** How requests stand on a port: by Modbus RTU on a serial line, by Modbus TCP on a connection. */
export type Framing = 'rtu' | 'tcp';
export const framingOf = ({ baud }: Pick<RecordedPort, 'baud'>): Framing => (baud === undefined ? 'tcp' : 'rtu');

/** What is left of an ADU of Modbus TCP without the number of its transaction. */
const numberBytes = 2;
const checksumBytes = 2;

/** The frames of Modbus TCP that bytes begin with, and how many bytes are left; `undefined` where they are none. */
function splitTcp(bytes: Buffer): { readonly frames: Buffer[]; readonly kept: number } | undefined {
  const splitter = new FrameSplitter();
  const frames: Buffer[] = [];
  const isTcp = splitter.push(bytes, (frame) => {
    frames.push(frame);
    return true;
  });
  return isTcp ? { frames, kept: splitter.kept } : undefined;
}

/** The requests of a chunk that a client sent: unit, PDU, and the transaction's number where there is one. */
export function requestsOf(chunk: Buffer, framing: Framing): { readonly request: Buffer; readonly number: number }[] {
  if (framing === 'rtu') return chunk.length < 4 ? [] : [{ request: chunk.subarray(0, -checksumBytes), number: 0 }];
  const { frames = [] } = splitTcp(chunk) ?? {};
  return frames.map((frame) => ({ request: frame.subarray(headerBytes), number: frame.readUInt16BE(0) }));
}

type Growing = Exchange & { readonly arrivals: Arrival[] };

/** The exchanges of a recorded Modbus port, in the order of the requests. */
export function exchangesOf(frames: readonly RecordedFrame[], framing: Framing): readonly Exchange[] {
  const exchanges: Growing[] = [];
  const byNumber = new Map<number, Growing>();
  let pending: Buffer = Buffer.alloc(0);
  const arrive = (
    exchange: Growing | undefined,
    frame: RecordedFrame,
    bytes: Arrival['bytes'],
    isNumbered = false,
  ): void => {
    exchange?.arrivals.push({ afterMs: msOf(frame) - exchange.ms, bytes, isNumbered, place: frame.place });
  };
  const receive = (frame: RecordedFrame): void => {
    if (framing === 'rtu') {
      arrive(exchanges.at(-1), frame, frame.body);
      return;
    }
    pending = Buffer.concat([pending, frame.body]);
    const split = splitTcp(pending);
    if (split === undefined) {
      // It is no Modbus TCP, and comes again as it came.
      arrive(exchanges.at(-1), frame, pending);
      pending = Buffer.alloc(0);
      return;
    }
    pending = pending.subarray(pending.length - split.kept);
    for (const answer of split.frames) {
      const exchange = byNumber.get(answer.readUInt16BE(0));
      if (exchange === undefined) arrive(exchanges.at(-1), frame, answer);
      else arrive(exchange, frame, answer.subarray(numberBytes), true);
    }
  };
  for (const frame of frames) {
    if (frame.kind === 'sent') {
      for (const { request, number } of requestsOf(frame.body, framing)) {
        const exchange: Growing = { ms: msOf(frame), place: frame.place, request, arrivals: [] };
        exchanges.push(exchange);
        if (framing === 'tcp') byNumber.set(number, exchange);
      }
    }
    if (frame.kind === 'received') receive(frame);
    if (frame.kind === 'closed') arrive(exchanges.at(-1), frame, 'closed');
    if (frame.kind === 'closed' || frame.kind === 'opened') {
      pending = Buffer.alloc(0);
      byNumber.clear();
    }
  }
  return exchanges;
}

/** What a request came to. */
export type Outcome =
  | { readonly is: 'answer' | 'exception'; readonly afterMs: number /** Unit and PDU. */; readonly answer: Buffer }
  | { readonly is: 'damaged' | 'silence' | 'closed' };

/** The first intact answer to what was asked, or why there is none. */
export function outcomeOf({ request, arrivals }: Exchange, framing: Framing): Outcome {
  let received = Buffer.alloc(0);
  let isClosed = false;
  for (const { bytes, afterMs, isNumbered } of arrivals) {
    if (bytes === 'closed') {
      isClosed = true;
      continue;
    }
    const answer = isNumbered ? bytes.subarray(headerBytes - numberBytes) : undefined;
    if (framing === 'rtu') received = Buffer.concat([received, bytes]).subarray(-2 * maxFrameBytes);
    const found = framing === 'rtu' ? intactIn(received, request) : answer;
    if (found === undefined || !answers(found, request)) continue;
    return { is: found[1] === request[1] ? 'answer' : 'exception', afterMs, answer: found };
  }
  if (isClosed) return { is: 'closed' };
  return { is: arrivals.length === 0 ? 'silence' : 'damaged' };
}

const isRead = (fn: number | undefined): boolean => fn === functionCode.readHolding || fn === functionCode.readInput;

function answers(answer: Buffer, request: Buffer): boolean {
  if (answer[0] !== request[0]) return false;
  if (answer[1] === (request[1]! | 0x80)) return answer.length === 3;
  if (answer[1] !== request[1]) return false;
  if (!isRead(request[1])) return answer.length === 6 && answer.readUInt32BE(2) === request.readUInt32BE(2);
  return answer.length === 3 + 2 * request.readUInt16BE(4) && answer[2] === answer.length - 3;
}

/** The frame among the bytes of a line that is intact and answers the request, without its checksum. */
function intactIn(bytes: Buffer, request: Buffer): Buffer | undefined {
  if (request.length < 6) return undefined;
  const usual = isRead(request[1]) ? 5 + 2 * request.readUInt16BE(4) : 8;
  for (let at = 0; at + 5 <= bytes.length; at++) {
    if (bytes[at] !== request[0]) continue;
    for (const length of [usual, 5]) {
      const frame = bytes.subarray(at, at + length);
      if (frame.length === length && isIntact(frame) && answers(frame.subarray(0, -checksumBytes), request)) {
        return frame.subarray(0, -checksumBytes);
      }
    }
  }
  return undefined;
}
