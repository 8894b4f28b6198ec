import type { ChainEntry, ChainReader } from '#hal/hash-chain.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { Revocation, RevocationReason } from './revocation-list.ts';

/** The name of the authority's log of everything that it has issued. */
export const issuanceLog = 'issuance';

/** A certificate as the log has it. */
export interface Issuance {
  /** The certificate's own number, in hexadecimal. */
  readonly number: string;
  readonly lfdi: Lfdi;
  /** The hardware's serial number; for a REST server its first host. */
  readonly serial: string;
  /** `device`, `birth`, `operational`, `server`. */
  readonly profile: string;
  readonly policies: readonly string[];
  /** The number of the authority's certificate that it was issued below. */
  readonly issuer: string;
  readonly notAfter: number;
  readonly certificate: Uint8Array;
  /** The number of the certificate whose place it takes. */
  readonly replaces?: string;
  /** Another certificate for the same device has taken its place. */
  isReplaced: boolean;
  revocation?: Revocation;
}

/** What the authority has issued and revoked: the log, read from its beginning. */
export class Issuances {
  readonly #reader: ChainReader;
  readonly #byNumber = new Map<string, Issuance>();
  readonly #byLfdi = new Map<string, Issuance>();
  /** Of a number: also of certificates that were issued before there was a log. */
  readonly #revocations = new Map<string, { readonly issuer: string; readonly revocation: Revocation }>();
  /** Of an issuer: the log's entry that has its newest revocation. */
  readonly #newestRevocation = new Map<string, number>();
  #reading: Promise<void> = Promise.resolve();

  constructor(reader: ChainReader) {
    this.#reader = reader;
  }

  /** Reads what the log has got since. Throws GTX-CHN-001 where it is broken. */
  refresh(): Promise<void> {
    const read = async (): Promise<void> => {
      for (let entries = await this.#reader.next(); entries.length > 0; entries = await this.#reader.next()) {
        for (const entry of entries) this.#apply(entry);
      }
    };
    this.#reading = this.#reading.then(read, read);
    return this.#reading;
  }

  /** How many certificates the log has. */
  get size(): number {
    return this.#byNumber.size;
  }

  all(): Issuance[] {
    return [...this.#byNumber.values()];
  }

  /** Those that are in use: neither revoked, nor replaced, nor expired. */
  live(now: UnixSeconds): Issuance[] {
    return this.all().filter((one) => !one.isReplaced && one.revocation === undefined && one.notAfter > now);
  }

  find(by: { readonly number: string } | { readonly lfdi: string }): Issuance | undefined {
    return 'number' in by ? this.#byNumber.get(by.number) : this.#byLfdi.get(by.lfdi);
  }

  /** The one whose place another took. */
  replacedBy({ replaces }: Issuance): Issuance | undefined {
    return replaces === undefined ? undefined : this.#byNumber.get(replaces);
  }

  revocationOf(number: string): Revocation | undefined {
    return this.#revocations.get(number)?.revocation;
  }

  revokedBy(issuer: string): Revocation[] {
    return [...this.#revocations.values()].filter((one) => one.issuer === issuer).map(({ revocation }) => revocation);
  }

  /** The entry of the newest revocation below an issuer; -1 for none. */
  newestRevocation(issuer: string): number {
    return this.#newestRevocation.get(issuer) ?? -1;
  }

  #apply(entry: ChainEntry): void {
    if (entry.what === 'certificate') this.#addIssuance(entry);
    else if (entry.what === 'revocation') this.#addRevocation(entry);
  }

  /** What the chain's hashes hold is what the authority wrote. */
  #addIssuance(entry: ChainEntry): void {
    const issuance: Issuance = {
      number: entry['serial'] as string,
      lfdi: entry['lfdi'] as Lfdi,
      serial: entry['subject'] as string,
      profile: entry['profile'] as string,
      policies: entry['policies'] as readonly string[],
      issuer: entry['issuer'] as string,
      notAfter: entry['notAfter'] as number,
      certificate: Buffer.from(entry['certificate'] as string, 'base64'),
      ...(entry['replaces'] !== undefined && { replaces: entry['replaces'] as string }),
      isReplaced: false,
    };
    this.#byNumber.set(issuance.number, issuance);
    this.#byLfdi.set(issuance.lfdi, issuance);
    const replaced = this.replacedBy(issuance);
    if (replaced !== undefined) replaced.isReplaced = true;
  }

  #addRevocation(entry: ChainEntry): void {
    const number = entry['serial'] as string;
    const issuer = entry['issuer'] as string;
    const revocation: Revocation = {
      number,
      at: entry['at'] as UnixSeconds,
      reason: entry['reason'] as RevocationReason,
    };
    this.#revocations.set(number, { issuer, revocation });
    this.#newestRevocation.set(issuer, entry.seq);
    const issuance = this.#byNumber.get(number);
    if (issuance !== undefined) issuance.revocation = revocation;
  }
}
