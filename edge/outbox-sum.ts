import { crc32 } from 'node:zlib';

/** The checksum of a row of the outbox: what an SD card made of it is told from what was written. */
export const sumOf = (...parts: readonly (string | number)[]): number => crc32(parts.join('\u0000'));
