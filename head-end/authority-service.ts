import { reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { AuthorityOptions, KeyUse } from '#provisioning/authority-folder.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { RevocationResponder } from '#provisioning/responder.ts';
import { Turns } from './database/transaction.ts';
import type { FlashList } from './enrolment/flash-list.ts';
import { RefusalRecord } from './enrolment/refusal-record.ts';
import { offerReissued, type ReissuedOptions } from './enrolment/reissued.ts';
import { RenewalRoutes } from './enrolment/renewal-routes.ts';
import { RenewalService } from './enrolment/renewal-service.ts';
import type { AuthorityConfig } from './protocol.ts';
import type { CertificateFacts, Registry } from './registry/devices.ts';
import { Staple } from './server/staple.ts';
import { RevocationWatch, type RevocationWatchOptions } from './server/revocation-watch.ts';

export interface AuthorityServiceOptions extends Omit<RevocationWatchOptions, 'authority'> {
  readonly registry: Registry;
  readonly flashList: FlashList;
  /** PEM of the head-end's certificate and those above it. */
  readonly cert: string;
  /** The head-end's time. */
  readonly clockNow: () => UnixSeconds;
}

/** What a head-end does with the authority in its data folder: it obeys and serves its revocations, and renews. */
export class AuthorityService implements AsyncDisposable {
  readonly authority: CertificateAuthority;
  readonly renewals: RenewalRoutes;
  readonly #watch: RevocationWatch;
  readonly #responder: RevocationResponder;
  readonly #isServing: boolean;
  readonly #staple: Staple;
  readonly #reissued: ReissuedOptions & Pick<AuthorityServiceOptions, 'registry'>;
  readonly #turns = new Turns();
  readonly #log: Log;
  /** The TPM, if its key is in one. */
  readonly #keys: AsyncDisposable;
  /** How many certificates the authority had issued when they were last offered to their devices; none before `begin`. */
  #offered: number | undefined;

  private constructor(
    authority: CertificateAuthority,
    keys: AsyncDisposable,
    config: AuthorityConfig,
    options: AuthorityServiceOptions,
  ) {
    this.#keys = keys;
    const { log, registry, flashList, securityLog, clockNow } = options;
    const now = wallSeconds;
    const turns = this.#turns;
    const service = new RenewalService({ authority, registry, flashList, securityLog, now, clockNow, turns });
    this.#log = log;
    this.authority = authority;
    this.#reissued = { authority, registry, flashList, securityLog, clockNow };
    this.renewals = new RenewalRoutes(service, new RefusalRecord(securityLog, now), log);
    const onRevoked = (): void => {
      this.#staple.renew();
      options.onRevoked();
    };
    this.#watch = new RevocationWatch({ authority, ...options, onRevoked, alsoLook: () => this.#offerNews() });
    const { revocationPort: port, revocationHost: host = '127.0.0.1' } = config;
    this.#isServing = port !== undefined;
    const onError = (error: unknown): void => log.error({ reason: reasonOf(error) }, 'revocation responder failed');
    this.#responder = new RevocationResponder(authority, { host, port: port ?? 0, onError });
    this.#staple = new Staple(this.#responder, options.cert);
  }

  /** Opens the authority. Rejects with its GTX-PRV-001 and 002, and where its TPM is not there, or has another key. */
  static async open(config: AuthorityConfig, options: AuthorityServiceOptions): Promise<AuthorityService> {
    const { folder, passphrase } = config;
    const { securityLog } = options;
    const onKeyUse = ({ authority: of, signs, subject = '' }: KeyUse): Promise<void> =>
      securityLog.record({ kind: 'key-use', actor: 'head-end', subject: `${of}.key`, detail: { signs, for: subject } });
    const opening = passphrase === undefined ? {} : { passphrase: () => Promise.resolve(passphrase) };
    await using keys = new AsyncDisposableStack();
    const issuingKeys = await issuingKeysIn(config, keys);
    const authority = await CertificateAuthority.open(folder, { ...opening, ...issuingKeys, onKeyUse });
    // With a wrong TPM nothing begins.
    if (config.tpm !== undefined) await authority.issuingAuthority();
    return new AuthorityService(authority, keys.move(), config, options);
  }

  /** Answers the responder's port, where there is one. Rejects with GTX-PRV-040 and those of `RevocationWatch`. */
  async start(): Promise<number | undefined> {
    await this.#watch.start();
    return this.#isServing ? await this.#responder.start() : undefined;
  }

  /** Lets devices come with what was issued in place of their certificates while the head-end was stopped, and from now on. */
  async begin(): Promise<void> {
    this.#offered = 0;
    await this.#offerNews();
  }

  /**
   * A peer has come with a certificate that is no device's yet. Resolves when it is the device's for whom it was issued
   * in place of another, if it is one. Rejects where that cannot be stored.
   */
  async arrived(lfdi: Lfdi): Promise<void> {
    const { registry, clockNow } = this.#reissued;
    if (registry.standingOf(lfdi) === 'unknown') {
      await this.#offerNews().catch((error: unknown) => {
        this.#log.error({ reason: reasonOf(error) }, 'what the authority has issued cannot be read or recorded');
      });
    }
    if (registry.standingOf(lfdi) === 'pending') await registry.activate(lfdi, clockNow());
  }

  /** Looks for what another program has issued in place of devices' certificates (`provision renew`, `replace`). */
  #offerNews(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#offered === undefined) return;
      const { size } = await this.authority.issuances();
      if (size === this.#offered) return;
      await offerReissued(this.#reissued);
      this.#offered = size;
    });
  }

  /** What proves to boards that the head-end's own certificate is not revoked. */
  staple(): Promise<Uint8Array | undefined> {
    return this.#staple.response();
  }

  /** What the authority knows of a certificate that it issued. */
  async factsOf(lfdi: string): Promise<CertificateFacts | undefined> {
    const issuance = (await this.authority.issuances()).find({ lfdi: lfdi.toUpperCase() });
    return issuance && { number: issuance.number, notAfter: UnixSeconds(issuance.notAfter) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
    await this.#responder[Symbol.asyncDispose]();
    await this.#keys[Symbol.asyncDispose]();
  }
}

async function issuingKeysIn(
  { tpm }: AuthorityConfig,
  keys: AsyncDisposableStack,
): Promise<Pick<AuthorityOptions, 'issuingKeys'>> {
  if (tpm === undefined) return {};
  // Only a head-end whose authority's key is in a TPM loads what speaks to one.
  const { openIssuingKeys } = await import('#provisioning/tpm/issuing-keys.ts');
  return { issuingKeys: keys.use(await openIssuingKeys(tpm)) };
}
