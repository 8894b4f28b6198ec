import type { Address } from '@solana/kit';
import { addressOf, bytesOf } from './address-text.ts';

/** An account as a transaction left it. */
export interface AccountState {
  readonly address: Address;
  readonly lamports: bigint;
  readonly owner: Address;
  readonly executable: boolean;
  readonly data: Uint8Array;
}

/** A confirmed transaction that the ledger still answers for. */
export interface Known {
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly sequence: number;
  readonly memo: string;
}

/**
 * One entry of the journal. `checkpoint` opens a segment with all accounts; `funds` gives lamports to an account
 * (the embedded ledger's faucet); `transaction` is a confirmed one.
 */
export interface JournalRecord {
  readonly kind: 'checkpoint' | 'funds' | 'transaction';
  /** Counts from 0 without gaps; a checkpoint repeats the number of the record before it. */
  readonly sequence: number;
  /** Wire bytes of the signed transaction, signatures first; empty for other kinds. */
  readonly transaction: Uint8Array;
  readonly memo: string;
  /** The accounts that changed, as they are afterwards; of a checkpoint all of them. */
  readonly accounts: readonly AccountState[];
  /** SHA-256 over all tracked accounts afterwards. */
  readonly stateHash: Uint8Array;
  /** How often the blockhash has moved on since genesis. */
  readonly blockhashAge: number;
  /** Of a checkpoint: the transactions of the segment before it. */
  readonly known: readonly Known[];
}

const kinds = ['checkpoint', 'funds', 'transaction'] as const;
/** Bytes of fixed width and bytes behind a length, little-endian. */
class Writer {
  readonly #parts: Uint8Array[] = [];

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.fixed(part);
  }

  u64(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(value);
    return this.fixed(part);
  }

  fixed(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).fixed(bytes);
  }

  end(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  u32(): number {
    return this.fixed(4).readUInt32LE();
  }

  u64(): bigint {
    return this.fixed(8).readBigUInt64LE();
  }

  fixed(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new RangeError('The record ends too soon');
    const part = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  bytes(): Buffer {
    return this.fixed(this.u32());
  }

  list<T>(one: () => T): T[] {
    return Array.from({ length: this.u32() }, one);
  }

  done(): boolean {
    return this.#at === this.#buffer.length;
  }
}

const writeAccount = (writer: Writer, { address, lamports, owner, executable, data }: AccountState): Writer =>
  writer
    .fixed(bytesOf(address))
    .u64(lamports)
    .fixed(bytesOf(owner))
    .u32(executable ? 1 : 0)
    .bytes(data);

/** An account's bytes: what the journal holds and what the state hash covers. */
export const encodeAccount = (account: AccountState): Buffer => writeAccount(new Writer(), account).end();

export function encodeRecord(record: JournalRecord): Buffer {
  const writer = new Writer()
    .u32(kinds.indexOf(record.kind))
    .u64(BigInt(record.sequence))
    .u32(record.blockhashAge)
    .bytes(record.transaction)
    .bytes(Buffer.from(record.memo))
    .fixed(record.stateHash)
    .u32(record.accounts.length);
  for (const account of record.accounts) writeAccount(writer, account);
  writer.u32(record.known.length);
  for (const { signature, sequence, memo } of record.known) {
    writer.fixed(signature).u64(BigInt(sequence)).bytes(Buffer.from(memo));
  }
  return writer.end();
}

/** Throws RangeError when the bytes are no record. */
export function decodeRecord(bytes: Buffer): JournalRecord {
  const reader = new Reader(bytes);
  const kind = kinds[reader.u32()];
  if (kind === undefined) throw new RangeError('The record is of an unknown kind');
  const record: JournalRecord = {
    kind,
    sequence: Number(reader.u64()),
    blockhashAge: reader.u32(),
    transaction: reader.bytes(),
    memo: reader.bytes().toString(),
    stateHash: reader.fixed(32),
    accounts: reader.list(() => ({
      address: addressOf(reader.fixed(32)),
      lamports: reader.u64(),
      owner: addressOf(reader.fixed(32)),
      executable: reader.u32() === 1,
      data: reader.bytes(),
    })),
    known: reader.list(() => ({
      signature: reader.fixed(64),
      sequence: Number(reader.u64()),
      memo: reader.bytes().toString(),
    })),
  };
  if (!reader.done()) throw new RangeError('The record has bytes left over');
  return record;
}
