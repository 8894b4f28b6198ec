import type { Connection, PoolClient, Submittable } from 'pg';
import { type ReadingRow, sql } from './reading-sql.ts';

/** PostgreSQL's "COPY binary format": signature, flags, no extension. */
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
/** Four fields: a count of 2 bytes, then each with a length of 4 bytes. */
const bytesPerRow = 2 + (4 + 4) + (4 + 8) + (4 + 4) + (4 + 8);
const trailerBytes = 2;

/** Rows in PostgreSQL's binary COPY format; every value a safe integer, the channel and duration of 31 bits. */
export function encodeRows(rows: readonly ReadingRow[]): Buffer {
  const buffer = Buffer.allocUnsafe(header.length + rows.length * bytesPerRow + trailerBytes);
  // A Buffer's own methods check every value, which costs several times as much as writing it.
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let at = header.copy(buffer);
  for (const row of rows) {
    view.setInt16(at, 4);
    at = writeInt4(view, row.channelId, at + 2);
    at = writeInt8(view, row.periodStart, at);
    at = writeInt4(view, row.duration, at);
    at = writeInt8(view, row.value, at);
  }
  view.setInt16(at, -1);
  return buffer;
}

function writeInt4(view: DataView, value: number, at: number): number {
  view.setInt32(at, 4);
  view.setInt32(at + 4, value);
  return at + 8;
}

/** Without a BigInt, of which the hot path would make one a field. */
function writeInt8(view: DataView, value: number, at: number): number {
  view.setInt32(at, 8);
  view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 8, value >>> 0);
  return at + 12;
}

/** Codes of messages of PostgreSQL's protocol 3.0 (its manual, “Message Formats”). */
const message = { query: 0x51, copyData: 0x64, copyDone: 0x63 } as const;
const messageHeaderBytes = 5;

/** One message: its code, then its length without the code. */
function messageOf(code: number, body: Buffer): Buffer {
  const buffer = Buffer.allocUnsafe(messageHeaderBytes + body.length);
  buffer[0] = code;
  buffer.writeUInt32BE(4 + body.length, 1);
  body.copy(buffer, messageHeaderBytes);
  return buffer;
}

const copyStatement = messageOf(message.query, Buffer.from(`${sql.copy}\0`));
const copyDone = messageOf(message.copyDone, Buffer.alloc(0));

/**
 * COPY with all of its data behind the statement: a commit that waited to be asked for its data would take one round
 * trip more. Where the statement fails, the server ignores what follows it (“COPY Operations”).
 */
class CopyAtOnce implements Submittable {
  readonly #data: Buffer;
  readonly #settle: (error?: Error) => void;

  constructor(data: Buffer, settle: (error?: Error) => void) {
    this.#data = data;
    this.#settle = settle;
  }

  submit(connection: Connection): void {
    connection.stream.write(Buffer.concat([copyStatement, messageOf(message.copyData, this.#data), copyDone]));
  }

  handleCopyInResponse(): void {
    // The data is on its way already.
  }

  handleCommandComplete(): void {
    // On the disk with what follows.
  }

  handleReadyForQuery(): void {
    this.#settle();
  }

  handleError(error: Error): void {
    this.#settle(error);
  }
}

/** Copies rows into the table; outside a transaction they are on the disk when it resolves. */
export const copyRows = (client: PoolClient, rows: readonly ReadingRow[]): Promise<void> =>
  new Promise((resolve, reject) => {
    client.query(new CopyAtOnce(encodeRows(rows), (error) => (error === undefined ? resolve() : reject(error))));
  });
