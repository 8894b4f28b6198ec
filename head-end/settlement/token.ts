import { type Address, type Instruction, type KeyPairSigner } from '@solana/kit';
import {
  ADDRESS_LOOKUP_TABLE_PROGRAM_ADDRESS,
  getAddressLookupTableDecoder,
  getCreateLookupTableInstructionAsync,
  getExtendLookupTableInstruction,
} from '@solana-program/address-lookup-table';
import { getCreateAccountInstruction } from '@solana-program/system';
import {
  findAssociatedTokenPda,
  getApproveInstruction,
  getCreateAssociatedTokenIdempotentInstruction,
  getInitializeMint2Instruction,
  getMintSize,
  getMintToInstruction,
  getTransferCheckedInstruction,
  TOKEN_PROGRAM_ADDRESS,
} from '@solana-program/token';
import { GridError } from '#hal/errors.ts';
import { Micro, type UnixSeconds } from '#hal/units.ts';
import { KeyRing } from './keys.ts';
import type { Ledger } from './ledger.ts';
import type { Transfer } from './netting.ts';
import { type LookupTable, memoInstruction, type SignedTransaction, signTransaction } from './sign.ts';

/** 1 token = 1,000,000 micro-units. */
export const TOKEN_DECIMALS = 6;
/** Test money that a participant starts with: 1,000,000 tokens. */
const OPENING_MICRO = 1_000_000_000_000;
/** The operator's lamports on the embedded ledger, for fees and rent: enough for about 10¹⁰ settlements. */
const OPERATOR_LAMPORTS = 100_000_000_000_000n;
/** Addresses that fit one extension of a lookup table, and a whole table. */
const ADDRESSES_PER_EXTENSION = 24;
const ADDRESSES_PER_TABLE = 256;

export interface SettlementTokenOptions {
  readonly ledger: Ledger;
  /** Where `keys.json` is kept. */
  readonly folder: string;
  /** Opening balance of participants that are enrolled from now on, micro-units. */
  readonly openingMicro?: number;
  /** Whether a participant may be minted for now; all of them unless told. */
  readonly mayMint?: (meterId: string) => boolean;
}

/** A participant's money: what it was given and what the ledger holds for it. */
export interface Balance {
  readonly meterId: string;
  readonly openingMicro: Micro;
  readonly balanceMicro: Micro;
}

/**
 * The settlement token (SPL, test money on the embedded ledger) and one account of it for each participant. The
 * account belongs to a key of the participant that the head-end keeps; the operator is its delegate, so that one
 * signature settles a window. Lookup tables hold the accounts' addresses, so that a campus fits one transaction.
 */
export class SettlementToken {
  readonly #ledger: Ledger;
  readonly #folder: string;
  readonly #openingMicro: number;
  readonly #mayMint: (meterId: string) => boolean;
  readonly #accounts = new Map<string, { readonly address: Address; readonly openingMicro: Micro }>();
  #keys: KeyRing | null = null;
  #operator: KeyPairSigner | null = null;
  #mint: Address | null = null;
  #tables: readonly LookupTable[] = [];

  constructor({ ledger, folder, openingMicro = OPENING_MICRO, mayMint = () => true }: SettlementTokenOptions) {
    this.#ledger = ledger;
    this.#folder = folder;
    this.#openingMicro = openingMicro;
    this.#mayMint = mayMint;
  }

  /**
   * Makes what is missing: operator, mint, and the accounts of these participants; what a crash interrupted is
   * completed. Rejects with `GTX-SET-005` when the keys of an existing ledger are gone.
   */
  async start(participants: readonly { readonly meterId: string }[], at: UnixSeconds): Promise<void> {
    const isNew = this.#ledger.accountsOwnedBy(TOKEN_PROGRAM_ADDRESS).length === 0;
    const keys = await KeyRing.open(this.#folder, isNew);
    const operator = await keys.operator();
    const mint = await keys.mint();
    [this.#keys, this.#operator, this.#mint] = [keys, operator, mint.address];
    const hasMint = this.#ledger.account(mint.address) !== null;
    if (!hasMint && !isNew) {
      throw new GridError('GTX-SET-005', 'The keys do not belong to this ledger: it has another settlement token', {
        hint: 'Restore keys.json and the ledger from the same backup.',
      });
    }
    if (this.#ledger.account(operator.address) === null) {
      await this.#ledger.fund(operator.address, OPERATOR_LAMPORTS);
    }
    if (!hasMint) {
      const space = getMintSize();
      const lamports = this.#ledger.rentOf(space);
      await this.#send(at, [
        getCreateAccountInstruction({
          payer: operator,
          newAccount: mint,
          lamports,
          space,
          programAddress: TOKEN_PROGRAM_ADDRESS,
        }),
        getInitializeMint2Instruction({
          mint: mint.address,
          decimals: TOKEN_DECIMALS,
          mintAuthority: operator.address,
        }),
      ]);
    }
    await keys.add(
      participants.map(({ meterId }) => meterId),
      this.#openingMicro,
    );
    await this.openMissing(at);
  }

  /** Adds participants, at any time, and opens their accounts. */
  async enrol(participants: readonly { readonly meterId: string }[], at: UnixSeconds): Promise<void> {
    await this.#started().keys.add(
      participants.map(({ meterId }) => meterId),
      this.#openingMicro,
    );
    await this.openMissing(at);
  }

  /**
   * Opens the accounts that are missing, with what is minted for each at its opening. One that may not be minted for now
   * has to wait: nothing is settled with it until then.
   */
  async openMissing(at: UnixSeconds): Promise<void> {
    const { keys, operator, mint } = this.#started();
    const missing = keys.participants().filter((meterId) => !this.#accounts.has(meterId));
    if (missing.length === 0) return;
    this.#tables = this.#readTables();
    const listed = new Set(this.#tables.flatMap(({ addresses }) => addresses));
    const unlisted: Address[] = listed.has(mint) ? [] : [mint];
    for (const meterId of missing) {
      const { signer: owner, openingMicro } = await keys.participant(meterId);
      const [account] = await findAssociatedTokenPda({
        owner: owner.address,
        mint,
        tokenProgram: TOKEN_PROGRAM_ADDRESS,
      });
      if (this.#ledger.account(account) === null) {
        if (!this.#mayMint(meterId)) continue;
        await this.#send(at, [
          getCreateAssociatedTokenIdempotentInstruction({ payer: operator, ata: account, owner: owner.address, mint }),
          getMintToInstruction({ mint, token: account, mintAuthority: operator, amount: openingMicro }),
          getApproveInstruction({ source: account, delegate: operator.address, owner, amount: 2n ** 64n - 1n }),
        ]);
      }
      this.#accounts.set(meterId, { address: account, openingMicro: Micro(openingMicro) });
      if (!listed.has(account)) unlisted.push(account);
    }
    await this.#list(unlisted, at);
  }

  /** By meterId. */
  balances(): Balance[] {
    return [...this.#accounts].map(([meterId, { address, openingMicro }]) => ({
      meterId,
      openingMicro,
      balanceMicro: Micro(Number(this.#ledger.balanceOf(address))),
    }));
  }

  /** The token account of a participant. Throws `GTX-SET-003` when it has none. */
  accountOf(meterId: string): Address {
    const account = this.#accounts.get(meterId);
    if (account === undefined) {
      throw new GridError('GTX-SET-003', `${meterId} has no account on the ledger`, {
        hint: 'Enrol the participant before its trades are settled.',
      });
    }
    return account.address;
  }

  /**
   * One transaction, signed by the operator, that makes all transfers and carries the memo. Rejects with
   * `GTX-SET-003` for an unknown participant and `GTX-SET-004` when a packet cannot hold them all.
   */
  async signTransfers(transfers: readonly Transfer[], memo: string): Promise<SignedTransaction> {
    const { operator, mint } = this.#started();
    const instructions = transfers.map(({ from, to, amountMicro }) =>
      getTransferCheckedInstruction({
        source: this.accountOf(from),
        mint,
        destination: this.accountOf(to),
        authority: operator,
        amount: amountMicro,
        decimals: TOKEN_DECIMALS,
      }),
    );
    return this.#sign([...instructions, memoInstruction(memo)], this.#tables);
  }

  /** Puts addresses into the lookup tables, a new one when the last is full. */
  async #list(addresses: readonly Address[], at: UnixSeconds): Promise<void> {
    const { operator } = this.#started();
    for (let next = 0; next < addresses.length; ) {
      const open = this.#tables.find((table) => table.addresses.length < ADDRESSES_PER_TABLE);
      if (open === undefined) {
        const recentSlot = this.#ledger.slot();
        const create = await getCreateLookupTableInstructionAsync({
          authority: operator.address,
          payer: operator,
          recentSlot,
        });
        await this.#send(at, [create]);
        this.#tables = this.#readTables();
        continue;
      }
      const room = Math.min(ADDRESSES_PER_EXTENSION, ADDRESSES_PER_TABLE - open.addresses.length);
      const batch = addresses.slice(next, next + room);
      const { address } = open;
      await this.#send(at, [
        getExtendLookupTableInstruction({ address, authority: operator, payer: operator, addresses: batch }),
      ]);
      next += batch.length;
      this.#tables = this.#readTables();
    }
  }

  /** The operator's lookup tables, by address. */
  #readTables(): LookupTable[] {
    const { operator } = this.#started();
    const decoder = getAddressLookupTableDecoder();
    return this.#ledger
      .accountsOwnedBy(ADDRESS_LOOKUP_TABLE_PROGRAM_ADDRESS)
      .map(({ address, data }) => ({ address, table: decoder.decode(data) }))
      .filter(({ table }) => table.authority.__option === 'Some' && table.authority.value === operator.address)
      .map(({ address, table }) => ({ address, addresses: table.addresses }))
      .toSorted((a, b) => (a.address < b.address ? -1 : 1));
  }

  async #send(at: UnixSeconds, instructions: readonly Instruction[]): Promise<void> {
    const { bytes } = await this.#sign(instructions, []);
    await this.#ledger.submit(bytes, at);
  }

  #sign(instructions: readonly Instruction[], tables: readonly LookupTable[]): Promise<SignedTransaction> {
    const { operator } = this.#started();
    return signTransaction({ operator, blockhash: this.#ledger.latestBlockhash(), instructions, tables });
  }

  #started(): { readonly keys: KeyRing; readonly operator: KeyPairSigner; readonly mint: Address } {
    const [keys, operator, mint] = [this.#keys, this.#operator, this.#mint];
    if (keys === null || operator === null || mint === null) {
      throw new GridError('GTX-SET-008', 'The settlement token was not started');
    }
    return { keys, operator, mint };
  }
}
