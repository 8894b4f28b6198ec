import { createHash, hash } from 'node:crypto';
import { type AccountState, encodeAccount } from './record.ts';

const digestOf = (account: AccountState): Buffer => hash('sha256', encodeAccount(account), 'buffer');

/** The accounts that a ledger ever touched, by the SHA-256 of each, and one hash over them all. */
export class TrackedAccounts {
  readonly #digests = new Map<string, Buffer>();
  #sorted: string[] = [];

  get addresses(): readonly string[] {
    return this.#sorted;
  }

  /** Those whose content is not what is tracked. */
  changed(accounts: readonly AccountState[]): AccountState[] {
    return accounts.filter((account) => !this.#digests.get(account.address)?.equals(digestOf(account)));
  }

  set(accounts: readonly AccountState[]): void {
    const before = this.#digests.size;
    for (const account of accounts) this.#digests.set(account.address, digestOf(account));
    if (this.#digests.size > before) this.#sorted = [...this.#digests.keys()].toSorted();
  }

  /** SHA-256 over the accounts' digests by address, as they would be with `changes`. Nothing is changed. */
  hashWith(changes: readonly AccountState[]): Buffer {
    const overlay = new Map(changes.map((account) => [account.address as string, digestOf(account)]));
    const isNew = changes.some((account) => !this.#digests.has(account.address));
    const all = isNew ? [...new Set([...this.#sorted, ...overlay.keys()])].toSorted() : this.#sorted;
    const digest = createHash('sha256').update('gtx:state:v1\n');
    for (const address of all) {
      const one = overlay.get(address) ?? this.#digests.get(address);
      if (one !== undefined) digest.update(one);
    }
    return digest.digest();
  }
}
