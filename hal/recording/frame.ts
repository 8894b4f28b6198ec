/**
 * What a frame of a recording is. At a byte port: `opened` (body: how long it took, µs), `refused` (JSON: how opening
 * it failed), `sent` and `received` (the bytes), `closed` (why). At another port: `asked` (JSON: a call and how it
 * ended) and `told` (JSON: what came unasked). Of the board, each with a number: `call` and `answered` (JSON: what it
 * asked of a device, and that it was done), `sampling` and `sampled` (JSON: a sample, begun and taken). Of the recorder:
 * `lost` (how many frames had no room), `clock` (what the wall shows since it was set, Unix milliseconds).
 */
// A file has them by their places: new ones go to the end.
export const frameKinds = [
  'opened',
  'refused',
  'sent',
  'received',
  'closed',
  'asked',
  'told',
  'call',
  'sampling',
  'sampled',
  'lost',
  'answered',
  'clock',
] as const;
export type FrameKind = (typeof frameKinds)[number];

export interface Frame {
  /** Microseconds since the recording began, by a clock that never steps back. */
  readonly us: number;
  readonly kind: FrameKind;
  /** The port's place in the header's list; 0 where no port has a part in it. */
  readonly port: number;
  readonly body: Buffer;
}

/** A frame with its place in its recording: what happened at one time happened in this order. 1 is the first. */
export type RecordedFrame = Frame & { readonly place: number };

/** The longest body of a frame; longer chunks of bytes are cut into several frames. */
export const maxBodyBytes = 65_536;

/** Unsigned LEB128: seven bits a byte, the low ones first. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** A frame as a block holds it: microseconds since the frame before, kind, port, length, body. */
export function encodeFrame({ us, kind, port, body }: Frame, beforeUs: number): Buffer {
  const head: number[] = [];
  pushVarint(head, us - beforeUs);
  head.push(frameKinds.indexOf(kind), port);
  pushVarint(head, body.length);
  return Buffer.concat([Buffer.from(head), body]);
}

/** The frames of a block; `undefined` where its bytes are none. */
export function decodeFrames(bytes: Buffer): Frame[] | undefined {
  const frames: Frame[] = [];
  let at = 0;
  let us = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) return undefined;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const since = varint();
    const kind = frameKinds[bytes[at++] ?? -1];
    const port = bytes[at++];
    const length = varint();
    if (since === undefined || kind === undefined || port === undefined || length === undefined) return undefined;
    if (length > maxBodyBytes || at + length > bytes.length) return undefined;
    us += since;
    if (!Number.isSafeInteger(us)) return undefined;
    frames.push({ us, kind, port, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return frames;
}
