import { reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { everyWall } from '#hal/wall.ts';
import type { CertificateAuthority } from '#provisioning/ca.ts';
import type { Revocation } from '#provisioning/revocation-list.ts';
import type { Registry } from '../registry/devices.ts';
import type { SecurityLog } from '../security-log.ts';
import type { KnownAuthorities } from './known-authorities.ts';

export interface RevocationWatchOptions {
  readonly authority: CertificateAuthority;
  readonly authorities: Pick<KnownAuthorities, 'useRevocationLists' | 'useOwn'>;
  readonly registry: Pick<Registry, 'revoke'>;
  readonly securityLog: SecurityLog;
  readonly log: Log;
  /** Told when something has been revoked: whoever is connected is to be looked at again. */
  readonly onRevoked: () => void;
  /** What else the authority's other programs may have done, looked for after each look for revocations. */
  readonly alsoLook?: () => Promise<void>;
}

/** `gridtokenx provision revoke` is another program: what it wrote down is seen after so long, wall milliseconds. */
const lookEveryMs = 2000;

/**
 * What the authority of this head-end has revoked: refused at the handshake, and ended where it is connected, within
 * some seconds of the revocation. The authority's log says so, which needs no key and no list that could be too old.
 */
export class RevocationWatch implements AsyncDisposable {
  readonly #options: RevocationWatchOptions;
  readonly #known = new Set<string>();
  /** Revocations that the security log has to be told of yet. */
  readonly #unrecorded = new Set<string>();
  #hasStarted = false;
  #turn: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;
  #isWatching = false;

  constructor(options: RevocationWatchOptions) {
    this.#options = options;
  }

  /** Resolves when what is revoked by now is refused. Rejects with the authority's GTX-PRV-… or GTX-CHN-…. */
  async start(): Promise<void> {
    await this.look();
    this.#hasStarted = true;
    this.#timer = everyWall(lookEveryMs, () => this.#lookAgain());
  }

  /** Looks now instead of in two seconds. */
  async look(): Promise<void> {
    const { alsoLook } = this.#options;
    await this.#lookForRevocations();
    await alsoLook?.();
  }

  async #lookForRevocations(): Promise<void> {
    const { authority, authorities, onRevoked } = this.#options;
    if (await authority.follow()) this.#replaced();
    const lists = await Promise.all(authority.listNames().map((name) => authority.revoked(name)));
    authorities.useRevocationLists(lists);
    const news = lists.flatMap(({ revoked }) => [...revoked.values()]).filter(({ number }) => !this.#known.has(number));
    const failures: unknown[] = [];
    for (const revocation of news) {
      await this.#note(revocation).catch((error: unknown) => void failures.push(error));
    }
    // Also where something could not be written down: it is refused all the same.
    if (news.length > 0) onRevoked();
    if (failures.length > 0) throw failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#turn;
  }

  /** Devices come with certificates of the new issuing authority, which this head-end has not met. */
  #replaced(): void {
    const { authority, authorities, log } = this.#options;
    authorities.useOwn(authority.intermediates);
    log.warn(
      { authority: authority.folder },
      'the issuing authority was replaced; the head-end’s own certificate is reissued when it is started again',
    );
  }

  #lookAgain(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#turn = this.look()
      .catch((error: unknown) => {
        this.#options.log.error(
          { reason: reasonOf(error) },
          'what the authority has done cannot be read or recorded; what was known stays',
        );
      })
      .finally(() => {
        this.#isWatching = false;
      });
  }

  async #note({ number, at, reason }: Revocation): Promise<void> {
    const { authority, registry, securityLog } = this.#options;
    const lfdi = (await authority.issuances()).find({ number })?.lfdi;
    if (lfdi !== undefined) {
      const isNews = await registry.revoke(lfdi, { at, reason });
      // What was revoked before the start, and is no device's or known to be refused, was recorded then.
      if (isNews || this.#hasStarted) this.#unrecorded.add(number);
      if (this.#unrecorded.has(number)) {
        await securityLog.record({ kind: 'revocation', actor: 'authority', subject: lfdi, detail: { number, reason } });
        this.#unrecorded.delete(number);
      }
    }
    // Last: what could not be written down is tried again.
    this.#known.add(number);
  }
}
