import { reasonOf } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { KeyUse } from '#provisioning/authority-folder.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { RevocationResponder } from '#provisioning/responder.ts';
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
  readonly #reissued: ReissuedOptions;

  private constructor(authority: CertificateAuthority, config: AuthorityConfig, options: AuthorityServiceOptions) {
    const { log, registry, flashList, securityLog, clockNow } = options;
    const now = wallSeconds;
    const service = new RenewalService({ authority, registry, flashList, securityLog, now, clockNow });
    this.authority = authority;
    this.#reissued = { authority, registry, flashList, securityLog, clockNow };
    this.renewals = new RenewalRoutes(service, new RefusalRecord(securityLog, now), log);
    const onRevoked = (): void => {
      this.#staple.renew();
      options.onRevoked();
    };
    this.#watch = new RevocationWatch({ authority, ...options, onRevoked });
    const { revocationPort: port, revocationHost: host = '127.0.0.1' } = config;
    this.#isServing = port !== undefined;
    const onError = (error: unknown): void => log.error({ reason: reasonOf(error) }, 'revocation responder failed');
    this.#responder = new RevocationResponder(authority, { host, port: port ?? 0, onError });
    this.#staple = new Staple(this.#responder, options.cert);
  }

  /** Opens the authority. Rejects with its GTX-PRV-001 and 002. */
  static async open(config: AuthorityConfig, options: AuthorityServiceOptions): Promise<AuthorityService> {
    const { folder, passphrase } = config;
    const { securityLog } = options;
    const onKeyUse = ({ authority: of, signs, subject = '' }: KeyUse): Promise<void> =>
      securityLog.record({ kind: 'key-use', actor: 'head-end', subject: `${of}.key`, detail: { signs, for: subject } });
    const opening = passphrase === undefined ? {} : { passphrase: () => Promise.resolve(passphrase) };
    return new AuthorityService(await CertificateAuthority.open(folder, { ...opening, onKeyUse }), config, options);
  }

  /** Answers the responder's port, where there is one. Rejects with GTX-PRV-040 and those of `RevocationWatch`. */
  async start(): Promise<number | undefined> {
    await this.#watch.start();
    return this.#isServing ? await this.#responder.start() : undefined;
  }

  /** Lets devices come with what was issued in place of their certificates while the head-end was stopped. */
  async begin(): Promise<void> {
    await offerReissued(this.#reissued);
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
  }
}
