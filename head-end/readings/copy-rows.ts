import type { PoolClient } from 'pg';
import { from } from 'pg-copy-streams';
import { type ReadingRow, sql } from './reading-sql.ts';

/** PostgreSQL's "COPY binary format": signature, flags, no extension. */
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
/** Four fields: a count of 2 bytes, then each with a length of 4 bytes. */
const bytesPerRow = 2 + (4 + 4) + (4 + 8) + (4 + 4) + (4 + 8);
const trailerBytes = 2;

/** Rows in PostgreSQL's binary COPY format; every value a safe integer, the channel and duration of 31 bits. */
export function encodeRows(rows: readonly ReadingRow[]): Buffer {
  const buffer = Buffer.allocUnsafe(header.length + rows.length * bytesPerRow + trailerBytes);
  let at = header.copy(buffer);
  for (const row of rows) {
    at = buffer.writeInt16BE(4, at);
    at = writeInt4(buffer, row.channelId, at);
    at = writeInt8(buffer, row.periodStart, at);
    at = writeInt4(buffer, row.duration, at);
    at = writeInt8(buffer, row.value, at);
  }
  buffer.writeInt16BE(-1, at);
  return buffer;
}

function writeInt4(buffer: Buffer, value: number, at: number): number {
  return buffer.writeInt32BE(value, buffer.writeInt32BE(4, at));
}

/** Without a BigInt, of which the hot path would make one a field. */
function writeInt8(buffer: Buffer, value: number, at: number): number {
  const high = buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), buffer.writeInt32BE(8, at));
  return buffer.writeUInt32BE(value >>> 0, high);
}

/** Copies rows into the table; outside a transaction they are on the disk when it resolves. */
export const copyRows = (client: PoolClient, rows: readonly ReadingRow[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const stream = client.query(from(sql.copy));
    stream.on('error', reject);
    stream.on('finish', resolve);
    stream.end(encodeRows(rows));
  });
