import { type Address, address, type Blockhash, lamports } from '@solana/kit';
import { FailedTransactionMetadata, LiteSVM } from 'litesvm';
import { GridError } from '#hal/errors.ts';
import { addressOf } from './address-text.ts';
import type { AccountState } from './record.ts';
import type { WireTransaction } from './wire.ts';

const CLOCK = address('SysvarC1ock11111111111111111111111111111111');
const SLOT_HASHES = address('SysvarS1otHashes111111111111111111111111111');
const SYSTEM = address('11111111111111111111111111111111');
const SYSVAR = address('Sysvar1111111111111111111111111111111111111');
/** `BlockhashNotFound` in the runtime's list of transaction errors. */
const BLOCKHASH_NOT_FOUND = 7;

/** The instant of a block, as programs see it. */
export interface BlockTime {
  readonly slot: bigint;
  /** Unix seconds. */
  readonly time: bigint;
}

const sysvar = (at: Address, data: Uint8Array): AccountState => ({
  address: at,
  lamports: 1n,
  owner: SYSVAR,
  executable: false,
  data,
});

/** The Clock sysvar: slot, epoch start, epoch, leader schedule epoch, unix time; there is one epoch, 0. */
function clockAt({ slot, time }: BlockTime): AccountState {
  const data = Buffer.alloc(40);
  data.writeBigUInt64LE(slot, 0);
  data.writeBigInt64LE(time, 32);
  return sysvar(CLOCK, data);
}

/** The slot before is the only recent one; address lookup tables ask for it. The account has its full size. */
function slotHashesAt({ slot }: BlockTime): AccountState {
  const data = Buffer.alloc(8 + 512 * 40);
  data.writeBigUInt64LE(1n, 0);
  data.writeBigUInt64LE(slot - 1n, 8);
  return sysvar(SLOT_HASHES, data);
}

/** The Solana virtual machine in this process. Durability is the ledger's affair. */
export class Machine {
  // Its own history would grow, and the ledger keeps a better one.
  readonly #svm = new LiteSVM().withTransactionHistory(0n);
  #blockhashAge = 0;
  #now: BlockTime = { slot: 1n, time: 0n };

  constructor() {
    this.apply([clockAt(this.#now)]);
  }

  get now(): BlockTime {
    return this.#now;
  }

  get blockhashAge(): number {
    return this.#blockhashAge;
  }

  latestBlockhash(): Blockhash {
    return this.#svm.latestBlockhash();
  }

  rentOf(bytes: number): bigint {
    return this.#svm.minimumBalanceForRentExemption(BigInt(bytes));
  }

  /** Transactions that name an earlier blockhash are refused from now on. */
  ageBlockhash(to: number): void {
    for (; this.#blockhashAge < to; this.#blockhashAge++) this.#svm.expireBlockhash();
  }

  /** An account as it stands; one that does not exist has no lamports. */
  account(at: Address): AccountState {
    const account = this.#svm.getAccount(at);
    if (!account.exists) return { address: at, lamports: 0n, owner: SYSTEM, executable: false, data: new Uint8Array() };
    const { lamports: balance, programAddress: owner, executable, data } = account;
    return { address: at, lamports: balance, owner, executable, data };
  }

  apply(accounts: readonly AccountState[]): void {
    for (const { address: at, lamports: balance, owner, executable, data } of accounts) {
      this.#svm.setAccount({
        address: at,
        data,
        executable,
        lamports: lamports(balance),
        programAddress: owner,
        space: BigInt(data.length),
      });
      if (at !== CLOCK) continue;
      const clock = Buffer.from(data);
      this.#now = { slot: clock.readBigUInt64LE(0), time: clock.readBigInt64LE(32) };
      this.apply([slotHashesAt(this.#now)]);
    }
  }

  /** The accounts that a transaction may change; the Clock, which moves with every block, is the last. */
  touchedBy({ writable, writableLookups }: WireTransaction): Address[] {
    const listed = writableLookups.flatMap(({ table, places }) => {
      const { data } = this.account(table);
      return places.map((place) => listedAddress(data, place));
    });
    return [...writable, ...listed, CLOCK];
  }

  /**
   * Executes a transaction as the next block and answers the accounts that it touched, as they are then. (A
   * simulation would answer the same without a trace, but its list of accounts leaks in LiteSVM 1.5.0:
   * `AddressAndAccount.address`, 24 KB a settlement.)
   * Throws `GTX-LED-010` when its blockhash has expired and `GTX-LED-008` when the machine rejects it.
   */
  execute({ transaction }: WireTransaction, touched: readonly Address[], block: BlockTime): AccountState[] {
    this.apply([clockAt(block)]);
    const outcome = this.#svm.sendTransaction(transaction);
    if (outcome instanceof FailedTransactionMetadata) throw rejected(outcome);
    return touched.map((at) => this.account(at));
  }
}

/** An address of a lookup table: they follow its 56 bytes of metadata. */
function listedAddress(table: Uint8Array, place: number): Address {
  const at = 56 + 32 * place;
  if (at + 32 > table.length)
    throw new GridError('GTX-LED-008', `The transaction names place ${place} of a shorter table`);
  return addressOf(table.subarray(at, at + 32));
}

function rejected(outcome: FailedTransactionMetadata): GridError {
  const error = outcome.err();
  if (Number(error) === BLOCKHASH_NOT_FOUND) {
    return new GridError('GTX-LED-010', 'The blockhash of the transaction has expired', { hint: 'Sign it anew.' });
  }
  const logs = outcome.meta().logs().slice(-6).join(' | ');
  const reason = typeof error === 'number' ? `transaction error ${error}` : error.toString();
  return new GridError('GTX-LED-008', `The ledger rejected the transaction: ${reason}${logs && `: ${logs}`}`);
}
