import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRawSync } from 'node:zlib';

/**
 * A recording is a file of blocks behind a file head of 8 bytes: `GTXREC`, the version, 0. Each block begins with its
 * length and the checksums (CRC-32) of its content and of these two numbers, little-endian; its content is deflated
 * (RFC 1951). The first block is the header, JSON; the others are frames, the first of each with its time since the
 * recording began, so that each can be read by itself.
 */
export const magic = Buffer.from('GTXREC');
export const formatVersion = 1;
export const fileHead = Buffer.concat([magic, Buffer.from([formatVersion, 0])]);

export const blockHeadBytes = 12;
/** The most that a block holds, inflated: a damaged file can ask for no more. */
export const maxBlockBytes = 1_048_576;

const deflate = promisify(deflateRaw) as (bytes: Buffer) => Promise<Buffer>;

/** A block as the file has it. */
export async function sealBlock(bytes: Buffer): Promise<Buffer> {
  const content = await deflate(bytes);
  const head = Buffer.alloc(blockHeadBytes);
  head.writeUInt32LE(content.length, 0);
  head.writeUInt32LE(crc32(content), 4);
  head.writeUInt32LE(crc32(head.subarray(0, 8)), 8);
  return Buffer.concat([head, content]);
}

/** How long the content behind a block's head is; `undefined` for a head that is damaged. */
export function contentBytes(head: Buffer): number | undefined {
  if (crc32(head.subarray(0, 8)) !== head.readUInt32LE(8)) return undefined;
  return head.readUInt32LE(0);
}

/** What a block holds; `undefined` for one that is damaged. */
export function openBlock(head: Buffer, content: Buffer): Buffer | undefined {
  if (crc32(content) !== head.readUInt32LE(4)) return undefined;
  try {
    return inflateRawSync(content, { maxOutputLength: maxBlockBytes });
  } catch {
    // Written with a good checksum, but by another program than ours.
    return undefined;
  }
}
