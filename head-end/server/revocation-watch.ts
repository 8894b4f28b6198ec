import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { everyWall } from '#hal/wall.ts';
import type { CertificateAuthority } from '#provisioning/ca.ts';
import { readRevocationList, type Revocation, type RevocationList } from '#provisioning/revocation-list.ts';
import type { ListName } from '#provisioning/revocation-store.ts';
import type { Registry } from '../registry/devices.ts';
import type { SecurityLog } from '../security-log.ts';
import type { KnownAuthorities } from './known-authorities.ts';

export interface RevocationWatchOptions {
  readonly authority: CertificateAuthority;
  readonly authorities: Pick<KnownAuthorities, 'useRevocationLists'>;
  readonly registry: Pick<Registry, 'revoke'>;
  readonly securityLog: SecurityLog;
  readonly log: Log;
  /** Told when something has been revoked: whoever is connected is to be looked at again. */
  readonly onRevoked: () => void;
}

/** `gridtokenx provision revoke` is another program: what it wrote down is seen after so long, wall milliseconds. */
const lookEveryMs = 2000;

/** A key that is elsewhere, or encrypted and nobody has said how to open it. */
const keyIsAway: readonly string[] = ['GTX-PRV-021', 'GTX-PRV-022'];

/**
 * What the authority of this head-end has revoked: refused at the handshake, and ended where it is connected, within
 * some seconds of the revocation. Lists whose keys are elsewhere, and of which there is none, are done without.
 */
export class RevocationWatch implements AsyncDisposable {
  readonly #options: RevocationWatchOptions;
  readonly #known = new Set<string>();
  /** Lists that cannot be had, which is told once. */
  readonly #missing = new Set<ListName>();
  #turn: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;
  #isWatching = false;

  constructor(options: RevocationWatchOptions) {
    this.#options = options;
  }

  /** Resolves when what is revoked by now is refused. Rejects with the authority's GTX-PRV-… or GTX-CHN-…. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = everyWall(lookEveryMs, () => this.#lookAgain());
  }

  /** Looks now instead of in two seconds. */
  async look(): Promise<void> {
    const { authority, authorities, onRevoked } = this.#options;
    const lists: RevocationList[] = [];
    for (const name of authority.listNames()) {
      const list = await this.#list(name);
      if (list !== undefined) lists.push(list);
    }
    authorities.useRevocationLists(lists);
    const news = lists.flatMap(({ revoked }) => [...revoked.values()]).filter(({ number }) => !this.#known.has(number));
    for (const revocation of news) await this.#note(revocation);
    if (news.length > 0) onRevoked();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#turn;
  }

  #lookAgain(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#turn = this.look()
      .catch((error: unknown) => {
        this.#options.log.error({ reason: reasonOf(error) }, 'what is revoked cannot be read; what was known stays');
      })
      .finally(() => {
        this.#isWatching = false;
      });
  }

  async #list(name: ListName): Promise<RevocationList | undefined> {
    const { authority, log } = this.#options;
    try {
      return readRevocationList(await authority.revocationList(name), authority.authority(name).certificate.raw);
    } catch (error) {
      // Keys of the root and the policy authority may lie offline: what they issued is trusted without a list.
      if (!(error instanceof GridError) || !keyIsAway.includes(error.code)) throw error;
      if (!this.#missing.has(name)) log.warn({ list: name, reason: error.message }, 'a revocation list is missing');
      this.#missing.add(name);
      return undefined;
    }
  }

  async #note({ number, at, reason }: Revocation): Promise<void> {
    const { authority, registry, securityLog } = this.#options;
    const lfdi = (await authority.issuances()).find({ number })?.lfdi;
    if (lfdi !== undefined && (await registry.revoke(lfdi, { at, reason }))) {
      await securityLog.record({ kind: 'revocation', actor: 'authority', subject: lfdi, detail: { number, reason } });
    }
    // Last: what could not be written down is tried again.
    this.#known.add(number);
  }
}
