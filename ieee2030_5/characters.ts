import { isAscii, isUtf8 } from 'node:buffer';
import { GridError } from '#hal/errors.ts';

const beyondAscii = 0xff;

/** A document as it is read: its text, and each character of it as one byte, 255 for those beyond ASCII. */
export interface Characters {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Checks size and encoding. Faults: `GTX-XML-003` not UTF-8, `-004` too large. */
export function charactersOf(input: Uint8Array | string, maxBytes: number): Characters {
  const size = typeof input === 'string' && input.length <= maxBytes ? Buffer.byteLength(input) : input.length;
  if (size > maxBytes) {
    throw new GridError('GTX-XML-004', `The document has ${size} bytes, at most ${maxBytes} are read`, {
      hint: 'Ask for fewer list items (query l=…), or send fewer readings in one document.',
    });
  }
  if (typeof input === 'string') return { text: input, bytes: bytesOf(input) };
  const buffer = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (isAscii(input)) return { text: buffer.toString('latin1'), bytes: buffer };
  if (!isUtf8(input)) {
    throw new GridError('GTX-XML-003', 'The document is not valid UTF-8', {
      hint: 'IEEE 2030.5 documents are UTF-8; a device may have cut a character in two.',
    });
  }
  const text = buffer.toString('utf8');
  return { text, bytes: bytesOf(text) };
}

function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  if (/^[\0-\x7f]*$/.test(text)) return bytes;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) bytes[i] = beyondAscii;
  return bytes;
}
