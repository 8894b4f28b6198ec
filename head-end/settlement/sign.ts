import {
  type Address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compressTransactionMessageUsingAddressLookupTables,
  createTransactionMessage,
  getSignatureFromTransaction,
  getTransactionEncoder,
  type Instruction,
  isSolanaError,
  type KeyPairSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  SOLANA_ERROR__TRANSACTION__TOO_MANY_ACCOUNT_ADDRESSES,
} from '@solana/kit';
import { GridError } from '#hal/errors.ts';
import { MAX_PACKET_BYTES, MEMO_PROGRAM } from './wire.ts';

export interface SignedTransaction {
  /** Wire bytes, signatures first. */
  readonly bytes: Uint8Array;
  /** Base58. */
  readonly signature: string;
}

export interface LookupTable {
  readonly address: Address;
  readonly addresses: Address[];
}

export interface UnsignedTransaction {
  /** Pays the fee; signs with whoever else the instructions name. */
  readonly operator: KeyPairSigner;
  readonly blockhash: Blockhash;
  readonly instructions: readonly Instruction[];
  readonly tables: readonly LookupTable[];
}

export const memoInstruction = (memo: string): Instruction => ({
  programAddress: MEMO_PROGRAM,
  accounts: [],
  data: Buffer.from(memo),
});

const tooLarge = (what: string, cause?: unknown): GridError =>
  new GridError('GTX-SET-004', `The window does not fit one transaction: ${what}`, {
    cause,
    hint: 'About 50 participants fit; settle larger campuses by zone.',
  });

/** A version 0 transaction. Rejects with `GTX-SET-004` when it names too many accounts or exceeds a packet. */
export async function signTransaction(unsigned: UnsignedTransaction): Promise<SignedTransaction> {
  const { operator, blockhash, instructions, tables } = unsigned;
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (one) => setTransactionMessageFeePayerSigner(operator, one),
    // The embedded ledger has no block heights: a blockhash expires when the ledger says so.
    (one) => setTransactionMessageLifetimeUsingBlockhash({ blockhash, lastValidBlockHeight: 0n }, one),
    (one) => appendTransactionMessageInstructions(instructions, one),
    (one) =>
      compressTransactionMessageUsingAddressLookupTables(
        one,
        Object.fromEntries(tables.map(({ address, addresses }) => [address, addresses])),
      ),
  );
  try {
    const transaction = await signTransactionMessageWithSigners(message);
    const bytes = getTransactionEncoder().encode(transaction) as Uint8Array;
    if (bytes.length > MAX_PACKET_BYTES) throw tooLarge(`${bytes.length} of at most ${MAX_PACKET_BYTES} bytes`);
    return { bytes, signature: getSignatureFromTransaction(transaction) };
  } catch (cause) {
    if (isSolanaError(cause, SOLANA_ERROR__TRANSACTION__TOO_MANY_ACCOUNT_ADDRESSES)) {
      throw tooLarge(cause.message, cause);
    }
    throw cause;
  }
}
