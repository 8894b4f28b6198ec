import { type Address, type Blockhash, getBase58Encoder } from '@solana/kit';
import { getTokenDecoder, TOKEN_PROGRAM_ADDRESS } from '@solana-program/token';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { TrackedAccounts } from './account-state.ts';
import { durableDisk, Journal, type JournalDisk } from './journal.ts';
import type { Confirmation, Ledger, LedgerSettlement } from './ledger.ts';
import { checkVersion, holdFolder } from './ledger-folder.ts';
import { Machine } from './machine.ts';
import { type AccountState, decodeRecord, encodeRecord, type JournalRecord } from './record.ts';
import { readTransaction, signatureText } from './wire.ts';

export interface EmbeddedLedgerOptions {
  /** Made at first start, for its owner only; belongs to one process at a time. */
  readonly folder: string;
  readonly log?: Log;
  /** A segment of the journal that has grown beyond this many bytes is closed; 8 MiB (about 1,100 settlements). */
  readonly segmentBytes?: number;
  readonly disk?: JournalDisk;
}

interface Entry extends Confirmation {
  readonly memo: string;
}

/**
 * A Solana ledger in this process that survives `kill -9`. A transaction is executed, its signed bytes and the
 * accounts that it changed are appended to the journal and are on disk, and only then does anyone see the accounts
 * changed and does `submit` resolve; when it cannot be written, the machine is put back to where the journal is. A
 * start replays the newest segment, verifies its chain of hashes and every signature, and compares the state with the
 * hash that was recorded.
 *
 * Memory: the accounts, and the signatures of this segment and the one before it. When a segment is closed the
 * blockhash moves on, so a transaction that is older than this memory cannot be accepted a second time.
 */
export class EmbeddedLedger implements Ledger, AsyncDisposable {
  readonly kind = 'embedded';
  readonly #options: EmbeddedLedgerOptions;
  readonly #accounts = new TrackedAccounts();
  #known = new Map<string, Entry>();
  #machine: Machine | null = null;
  #journal: Journal | null = null;
  #lock: Disposable | null = null;
  #failure: unknown = null;
  #sequence = 0;
  /** Sequence at which the newest segment began. */
  #segmentStart = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddedLedgerOptions) {
    this.#options = options;
  }

  /**
   * Rejects with `GTX-LED-001` (folder), `-002` (version), `-003` (in use), `-004` (journal damaged), `-005` (state
   * differs), `-006` (no space), `-011` (a signature in the journal).
   */
  async start(): Promise<void> {
    const { folder, log } = this.#options;
    this.#lock = holdFolder(folder);
    try {
      await checkVersion(folder);
      this.#machine = new Machine();
      const { journal, bodies, cut } = await Journal.open(folder, this.#options.disk ?? durableDisk);
      this.#journal = journal;
      if (cut > 0) log?.warn({ bytes: cut }, 'the ledger cut off a record that was never confirmed');
      if (bodies.length === 0) await this.#beginSegment();
      else this.#replay(bodies);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Records so far. */
  get sequence(): number {
    return this.#sequence;
  }

  latestBlockhash(): Blockhash {
    return this.#running().latestBlockhash();
  }

  slot(): bigint {
    return this.#running().now.slot;
  }

  /**
   * Rejects with `GTX-LED-006` (not written; the ledger takes nothing more until it is started again), `-007` (not
   * running), `-008` (rejected), `-009` (too large), `-010` (blockhash expired) or `-011` (signature).
   */
  submit(bytes: Uint8Array, at: UnixSeconds): Promise<Confirmation> {
    return this.#inTurn(async (machine) => {
      const transaction = readTransaction(bytes);
      const { signature, memo } = transaction;
      const known = this.#known.get(signature);
      if (known !== undefined) return { signature, sequence: known.sequence };
      const { slot, time } = machine.now;
      const block = { slot: slot + 1n, time: BigInt(at) > time ? BigInt(at) : time };
      const touched = machine.touchedBy(transaction);
      const before = touched.map((address) => this.#accounts.state(address) ?? machine.account(address));
      try {
        const accounts = this.#accounts.changed(machine.execute(transaction, touched, block));
        await this.#record({ kind: 'transaction', transaction: bytes, memo, accounts });
      } catch (error) {
        machine.apply(before);
        throw error;
      }
      const confirmation = { signature, sequence: this.#sequence };
      this.#known.set(signature, { ...confirmation, memo });
      await this.#closeLargeSegment();
      return confirmation;
    });
  }

  fund(address: Address, lamports: bigint): Promise<void> {
    return this.#inTurn(async (machine) => {
      const account = machine.account(address);
      const funded = { ...account, lamports: account.lamports + lamports };
      await this.#record({ kind: 'funds', transaction: new Uint8Array(), memo: '', accounts: [funded] });
      machine.apply([funded]);
    });
  }

  has(signature: string): boolean {
    return this.confirmationOf(signature) !== null;
  }

  confirmationOf(signature: string): Confirmation | null {
    this.#running();
    const entry = this.#known.get(signature);
    return entry === undefined ? null : { signature, sequence: entry.sequence };
  }

  account(address: Address): AccountState | null {
    this.#running();
    return this.#accounts.get(address);
  }

  accountsOwnedBy(program: Address): AccountState[] {
    this.#running();
    return this.#accounts.all().filter(({ owner, lamports }) => owner === program && lamports > 0n);
  }

  balanceOf(tokenAccount: Address): bigint {
    const account = this.account(tokenAccount);
    if (account === null || account.owner !== TOKEN_PROGRAM_ADDRESS) return 0n;
    return getTokenDecoder().decode(account.data).amount;
  }

  rentOf(bytes: number): bigint {
    return this.#running().rentOf(bytes);
  }

  settlements(limit: number): LedgerSettlement[] {
    this.#running();
    const found: LedgerSettlement[] = [];
    for (const entry of [...this.#known.values()].toReversed()) {
      if (found.length >= limit) break;
      if (entry.memo.startsWith('gtx1:')) found.push(entry);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#journal?.[Symbol.asyncDispose]();
    this.#lock?.[Symbol.dispose]();
    this.#journal = null;
    this.#lock = null;
    this.#machine = null;
  }

  #running(): Machine {
    if (this.#machine === null) throw new GridError('GTX-LED-007', 'The ledger is not running');
    return this.#machine;
  }

  /** One after another: a record's place in the chain and the state it starts from depend on the one before. */
  #inTurn<T>(work: (machine: Machine) => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      if (this.#failure !== null) {
        throw new GridError('GTX-LED-007', `The ledger stopped after a failure: ${reasonOf(this.#failure)}`, {
          cause: this.#failure,
          hint: 'Mend the cause and start again; everything confirmed is kept.',
        });
      }
      return work(this.#running());
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Makes a record durable, then shows the accounts as it left them. */
  async #record(record: Pick<JournalRecord, 'kind' | 'transaction' | 'memo' | 'accounts'>): Promise<void> {
    const machine = this.#running();
    const body = encodeRecord({
      ...record,
      sequence: this.#sequence + 1,
      stateHash: this.#accounts.hashWith(record.accounts),
      blockhashAge: machine.blockhashAge,
      known: [],
    });
    try {
      await (this.#journal as Journal).append(body);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#accounts.set(record.accounts);
    this.#sequence++;
  }

  /** What was confirmed stays confirmed when this fails; the ledger just takes nothing more. */
  async #closeLargeSegment(): Promise<void> {
    if ((this.#journal as Journal).length < (this.#options.segmentBytes ?? 8 * 1024 * 1024)) return;
    try {
      await this.#beginSegment();
    } catch (error) {
      this.#failure = error;
      this.#options.log?.error({ reason: reasonOf(error) }, 'the ledger cannot go on in a new segment of its journal');
    }
  }

  async #beginSegment(): Promise<void> {
    const machine = this.#running();
    machine.ageBlockhash(machine.blockhashAge + 1);
    const entries = [...this.#known.values()].filter(({ sequence }) => sequence > this.#segmentStart);
    const body = encodeRecord({
      kind: 'checkpoint',
      sequence: this.#sequence,
      transaction: new Uint8Array(),
      memo: '',
      accounts: this.#accounts.all(),
      stateHash: this.#accounts.hashWith([]),
      blockhashAge: machine.blockhashAge,
      known: entries.map(({ signature, sequence, memo }) => ({
        signature: getBase58Encoder().encode(signature) as Uint8Array,
        sequence,
        memo,
      })),
    });
    await (this.#journal as Journal).begin(body);
    this.#known = new Map(entries.map((entry) => [entry.signature, entry]));
    this.#segmentStart = this.#sequence;
  }

  #replay(bodies: readonly Buffer[]): void {
    const machine = this.#running();
    const latest = new Map<Address, AccountState>();
    let last: JournalRecord | null = null;
    for (const body of bodies) {
      const record = decoded(body);
      const isFirst = last === null;
      const expected = isFirst ? record.sequence : this.#sequence + 1;
      if (record.sequence !== expected || (record.kind === 'checkpoint') !== isFirst) throw unreadable(record.sequence);
      this.#sequence = record.sequence;
      if (isFirst) this.#segmentStart = record.sequence;
      for (const account of record.accounts) latest.set(account.address, account);
      for (const { signature: bytes, sequence, memo } of record.known) {
        const signature = signatureText(bytes);
        this.#known.set(signature, { signature, sequence, memo });
      }
      if (record.kind === 'transaction') {
        const { signature, memo } = readTransaction(record.transaction);
        if (memo !== record.memo) throw unreadable(record.sequence);
        this.#known.set(signature, { signature, sequence: record.sequence, memo });
      }
      last = record;
    }
    machine.apply([...latest.values()]);
    machine.ageBlockhash(last?.blockhashAge ?? 0);
    // What the machine holds is compared, not what the journal says that it should hold.
    this.#accounts.set([...latest.keys()].map((address) => machine.account(address)));
    if (last === null || !this.#accounts.hashWith([]).equals(last.stateHash)) {
      throw new GridError('GTX-LED-005', 'The replayed ledger is not in the state that was recorded', {
        hint: 'Restore the ledger folder from a backup; nothing was changed.',
      });
    }
  }
}

function decoded(body: Buffer): JournalRecord {
  try {
    return decodeRecord(body);
  } catch (cause) {
    throw new GridError('GTX-LED-004', `The ledger's journal holds what is no record: ${reasonOf(cause)}`, { cause });
  }
}

const unreadable = (sequence: number): GridError =>
  new GridError('GTX-LED-004', `The ledger's journal is out of order at record ${sequence}`, {
    hint: 'Restore the ledger folder from a backup; nothing was changed.',
  });
