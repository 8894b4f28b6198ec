import type { Address, Blockhash } from '@solana/kit';
import type { UnixSeconds } from '#hal/units.ts';
import type { AccountState } from './record.ts';

/** The ledger's word that a transaction took effect and will survive a crash. */
export interface Confirmation {
  /** Base58. */
  readonly signature: string;
  /** Position among everything that the ledger recorded. */
  readonly sequence: number;
}

/** A settlement as the ledger shows it to anyone. */
export interface LedgerSettlement extends Confirmation {
  /** `gtx1:<window>:<version>:<trades' hash>`. */
  readonly memo: string;
}

/** What the settlement needs of a ledger; the embedded one is such, and a cluster can be. */
export interface Ledger {
  readonly kind: 'embedded' | 'cluster';
  /** A transaction must name it to be accepted; it changes from time to time. */
  latestBlockhash(): Blockhash;
  /** The slot of the last block. */
  slot(): bigint;
  /**
   * Executes a signed transaction (wire bytes, at most 1,232) and resolves when it is durable. The same transaction
   * again has the same answer and no further effect. `at` is the time that programs see; it never steps back.
   */
  submit(transaction: Uint8Array, at: UnixSeconds): Promise<Confirmation>;
  /** Whether a transaction took effect, by its signature in base58. */
  has(signature: string): boolean;
  confirmationOf(signature: string): Confirmation | null;
  account(address: Address): AccountState | null;
  accountsOwnedBy(program: Address): readonly AccountState[];
  /** Micro-units that a token account holds; 0 when there is none. */
  balanceOf(tokenAccount: Address): bigint;
  /** Lamports that an account of this size must hold. */
  rentOf(bytes: number): bigint;
  /** Gives an account lamports for fees and rent, where the ledger has a faucet. */
  fund(address: Address, lamports: bigint): Promise<void>;
  /** The newest settlements first, at most `limit`. */
  settlements(limit: number): readonly LedgerSettlement[];
}
