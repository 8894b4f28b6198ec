import { functionCode } from './protocol.ts';

const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** MODBUS over Serial Line V1.02 §6.2.2. */
export function crc16(bytes: Buffer, end = bytes.length): number {
  let crc = 0xffff;
  for (let i = 0; i < end; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return crc;
}

/** Unit and PDU with their checksum behind them. */
export function rtuFrame(body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(body.length + 2);
  body.copy(frame);
  frame.writeUInt16LE(crc16(body), body.length);
  return frame;
}

/** The frame, checksum included, is intact. */
export const isIntact = (frame: Buffer): boolean =>
  frame.length >= 4 && crc16(frame, frame.length - 2) === frame.readUInt16LE(frame.length - 2);

/** Unit, a PDU of 253 bytes and the checksum. */
export const maxFrameBytes = 256;

/** How long the answer that begins so is; `undefined` while that cannot be told, 0 when no answer begins so. */
export function answerBytes(begin: Buffer): number | undefined {
  const fn = begin[1];
  if (fn === undefined) return undefined;
  if (fn > 0x80) return 5;
  if (fn === functionCode.writeSingle || fn === functionCode.writeMultiple) return 8;
  if (fn !== functionCode.readHolding && fn !== functionCode.readInput) return 0;
  return begin[2] === undefined ? undefined : 5 + begin[2];
}

/** How long the request that begins so is; `undefined` while that cannot be told, 0 when no request begins so. */
export function requestBytes(begin: Buffer): number | undefined {
  const fn = begin[1];
  if (fn === undefined) return undefined;
  if (fn === functionCode.writeMultiple) return begin[6] === undefined ? undefined : 9 + begin[6];
  const isKnown = fn === functionCode.readHolding || fn === functionCode.readInput || fn === functionCode.writeSingle;
  return isKnown ? 8 : 0;
}

/** Start, 8 data bits, parity or a second stop bit, stop (MODBUS over Serial Line V1.02 §2.5.1). */
const bitsPerCharacter = 11;

/** Milliseconds that so many bytes take on the line. */
export const lineMs = (bytes: number, baud: number): number => (1000 * bytes * bitsPerCharacter) / baud;

/** The silence between two frames: 3.5 characters, above 19,200 baud 1.75 ms (MODBUS over Serial Line V1.02 §2.5.1.1). */
export const frameGapMs = (baud: number): number => (baud > 19_200 ? 1.75 : lineMs(3.5, baud));
