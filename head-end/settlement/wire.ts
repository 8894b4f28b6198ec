import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  type Address,
  address,
  getAddressEncoder,
  getBase58Decoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  type Transaction,
} from '@solana/kit';
import { GridError } from '#hal/errors.ts';

/** The largest transaction that a Solana packet carries (1,280-byte IPv6 MTU less headers). */
export const MAX_PACKET_BYTES = 1232;
/** SPL Memo, the version that the embedded ledger has. */
export const MEMO_PROGRAM: Address = address('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr');

export interface WireTransaction {
  readonly transaction: Transaction;
  /** The first signature, which names the transaction, in base58 and as 64 bytes. */
  readonly signature: string;
  readonly signatureBytes: Uint8Array;
  /** Text of the first memo; empty without one. */
  readonly memo: string;
  /** Accounts that it may change, and those that it names by their place in a lookup table. */
  readonly writable: readonly Address[];
  readonly writableLookups: readonly { readonly table: Address; readonly places: readonly number[] }[];
}

export const signatureText = (signature: Uint8Array): string => getBase58Decoder().decode(signature);

/** DER of an Ed25519 SubjectPublicKeyInfo up to the key itself (RFC 8410 §4). */
const spki = Buffer.from('302a300506032b6570032100', 'hex');
const publicKeys = new Map<string, KeyObject>();

function publicKeyOf(signer: Address): KeyObject {
  let key = publicKeys.get(signer);
  if (key === undefined) {
    const der = Buffer.concat([spki, getAddressEncoder().encode(signer) as Uint8Array]);
    key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    // The operator signs everything; participants sign once. A small memory serves both.
    if (publicKeys.size >= 64) publicKeys.clear();
    publicKeys.set(signer, key);
  }
  return key;
}

interface MessageHeader {
  readonly numSignerAccounts: number;
  readonly numReadonlySignerAccounts: number;
  readonly numReadonlyNonSignerAccounts: number;
}

/** Signers stand first, and of signers and others each those that may be written to. */
const isWritable = (place: number, accounts: number, header: MessageHeader): boolean =>
  place < header.numSignerAccounts
    ? place < header.numSignerAccounts - header.numReadonlySignerAccounts
    : place < accounts - header.numReadonlyNonSignerAccounts;

const invalid = (cause?: unknown): GridError =>
  new GridError('GTX-LED-011', 'The transaction cannot be read or a signature on it is not valid', { cause });

/**
 * Reads a signed transaction and verifies all its signatures. Throws `GTX-LED-009` when it is larger than a packet
 * and `GTX-LED-011` when it cannot be read or a signature does not verify.
 */
export function readTransaction(bytes: Uint8Array): WireTransaction {
  if (bytes.length > MAX_PACKET_BYTES) {
    throw new GridError('GTX-LED-009', `The transaction has ${bytes.length} bytes; ${MAX_PACKET_BYTES} fit a packet`, {
      hint: 'Settle fewer participants in one transaction.',
    });
  }
  try {
    const transaction = getTransactionDecoder().decode(bytes);
    const message = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
    const signatures = Object.entries(transaction.signatures) as [Address, Uint8Array | null][];
    const messageBytes = transaction.messageBytes as unknown as Uint8Array;
    for (const [signer, signature] of signatures) {
      if (signature === null || !verify(null, messageBytes, publicKeyOf(signer), signature)) throw invalid();
    }
    const signatureBytes = signatures[0]?.[1];
    if (signatureBytes === undefined || signatureBytes === null || !('instructions' in message)) throw invalid();
    const lookups = ('addressTableLookups' in message ? message.addressTableLookups : undefined) ?? [];
    const memo = message.instructions.find(
      ({ programAddressIndex }) => message.staticAccounts[programAddressIndex] === MEMO_PROGRAM,
    );
    return {
      transaction,
      signature: signatureText(signatureBytes),
      signatureBytes,
      memo: memo?.data === undefined ? '' : Buffer.from(memo.data).toString(),
      writable: message.staticAccounts.filter((_, place) =>
        isWritable(place, message.staticAccounts.length, message.header),
      ),
      writableLookups: lookups.map(({ lookupTableAddress, writableIndexes }) => ({
        table: lookupTableAddress,
        places: writableIndexes,
      })),
    };
  } catch (cause) {
    throw cause instanceof GridError ? cause : invalid(cause);
  }
}
