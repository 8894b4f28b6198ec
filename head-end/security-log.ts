import { type ChainOptions, HashChain } from '#hal/hash-chain.ts';

/** What is written down of who was let in, kept out, or changed something. */
export interface SecurityEntry {
  /** What happened: `enrolment`, `refusal`, `revocation`, `lock-out`, `role-change`, `key-use`, `quarantine`, … */
  readonly kind: string;
  /** Who did it: a person's or program's name, a board's serial number, an LFDI, or `head-end`. */
  readonly actor: string;
  /** To whom or what. */
  readonly subject?: string;
  /** What else is to be known; never a secret. */
  readonly detail?: Readonly<Record<string, string | number>>;
}

/** Where everything that touches security is written down. An entry is on the disk when its promise resolves. */
export interface SecurityLog {
  record(entry: SecurityEntry): Promise<void>;
}

/** The name of the security log's files. */
export const securityLogName = 'security';

/** Longer texts come from outside and are cut: an entry has its bound. */
const longestText = 2000;
const mostDetails = 32;
/** Of 4 MiB each. */
const keptFiles = 16;

/**
 * The security log in a folder: hash-chained JSON lines over files of 4 MiB, of which the newest 16 stay and older
 * ones go to `archive/`; nothing is ever deleted. `gridtokenx verify security-log` checks it.
 */
export class ChainedSecurityLog implements SecurityLog {
  readonly #chain: HashChain;

  constructor(folder: string, options: ChainOptions = {}) {
    this.#chain = new HashChain(folder, securityLogName, { keptSegments: keptFiles, ...options });
  }

  /** Rejects with GTX-CHN-001 where the log was tampered with, GTX-HAL-020 and 022 where it cannot be written. */
  async record({ kind, actor, subject, detail }: SecurityEntry): Promise<void> {
    await this.#chain.append({
      what: kind,
      actor: cut(actor),
      subject: subject === undefined ? undefined : cut(subject),
      detail: detail === undefined ? undefined : bounded(detail),
    });
  }
}

const cut = (text: string): string => (text.length > longestText ? `${text.slice(0, longestText)}…` : text);

const bounded = (detail: Readonly<Record<string, string | number>>): Record<string, string | number> =>
  Object.fromEntries(
    Object.entries(detail)
      .slice(0, mostDetails)
      .map(([name, value]) => [cut(name), typeof value === 'string' ? cut(value) : value]),
  );
