import { createHash, hash } from 'node:crypto';
import type { Address } from '@solana/kit';
import { type AccountState, encodeAccount } from './record.ts';

const digestOf = (account: AccountState): Buffer => hash('sha256', encodeAccount(account), 'buffer');

interface Tracked {
  readonly account: AccountState;
  readonly digest: Buffer;
}

/** The accounts that a ledger ever touched, as its journal has them, and one hash over them all. */
export class TrackedAccounts {
  readonly #tracked = new Map<Address, Tracked>();
  #sorted: readonly Address[] = [];

  /** By address; an account that was closed has no lamports. */
  all(): AccountState[] {
    return this.#sorted.flatMap((address) => this.#tracked.get(address)?.account ?? []);
  }

  /** An account that was ever touched, closed ones included. */
  state(address: Address): AccountState | null {
    return this.#tracked.get(address)?.account ?? null;
  }

  /** Null when there is no such account, or not any more. */
  get(address: Address): AccountState | null {
    const account = this.state(address);
    return account === null || account.lamports === 0n ? null : account;
  }

  /** Those whose content is not what is tracked. */
  changed(accounts: readonly AccountState[]): AccountState[] {
    return accounts.filter((account) => !this.#tracked.get(account.address)?.digest.equals(digestOf(account)));
  }

  set(accounts: readonly AccountState[]): void {
    const before = this.#tracked.size;
    for (const account of accounts) this.#tracked.set(account.address, { account, digest: digestOf(account) });
    if (this.#tracked.size > before) this.#sorted = [...this.#tracked.keys()].toSorted();
  }

  /** SHA-256 over the accounts' digests by address, as they would be with `changes`. Nothing is changed. */
  hashWith(changes: readonly AccountState[]): Buffer {
    const overlay = new Map(changes.map((account) => [account.address, digestOf(account)]));
    const isNew = changes.some((account) => !this.#tracked.has(account.address));
    const all = isNew ? [...new Set([...this.#sorted, ...overlay.keys()])].toSorted() : this.#sorted;
    const digest = createHash('sha256').update('gtx:state:v1\n');
    for (const address of all) {
      const one = overlay.get(address) ?? this.#tracked.get(address)?.digest;
      if (one !== undefined) digest.update(one);
    }
    return digest.digest();
  }
}
