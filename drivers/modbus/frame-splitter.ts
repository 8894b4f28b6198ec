import { headerBytes, maxLength, minLength } from './protocol.ts';

const empty = Buffer.alloc(0);

/**
 * Cuts a byte stream into Modbus TCP frames. It keeps less than one frame (260 bytes) between chunks, whatever
 * arrives. Frames are views of the chunk.
 */
export class FrameSplitter {
  #rest: Buffer = empty;

  /**
   * Hands every whole frame to `onFrame` (with its header), in order, until it answers `false`.
   * Answers `false` when the stream cannot be a Modbus TCP stream or `onFrame` did; nothing may be pushed afterwards.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => boolean): boolean {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = empty;
    while (bytes.length >= headerBytes) {
      const length = (bytes[4]! << 8) | bytes[5]!;
      if (bytes[2] !== 0 || bytes[3] !== 0 || length < minLength || length > maxLength) return false;
      const end = headerBytes + length;
      if (bytes.length < end) break;
      if (!onFrame(bytes.length === end ? bytes : bytes.subarray(0, end))) return false;
      if (bytes.length === end) return true;
      bytes = bytes.subarray(end);
    }
    // Copied, so that a few bytes do not keep a whole chunk alive.
    this.#rest = Buffer.from(bytes);
    return true;
  }

  /** Bytes kept for the next chunk. */
  get kept(): number {
    return this.#rest.length;
  }
}
