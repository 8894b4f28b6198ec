import type * as WebAuthn from '@simplewebauthn/server';
import { reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { badPasskey, namelessSite } from './refusals.ts';
import type { Passkey, User } from './users.ts';

/** Where a page was opened. */
export interface Site {
  /** Scheme, host and port (RFC 6454). */
  readonly origin: string;
  /** The host name alone: what passkeys are good for. */
  readonly host: string;
  /** `:8080`, or nothing. */
  readonly port: string;
}

export type CreationOptions = Awaited<ReturnType<typeof WebAuthn.generateRegistrationOptions>>;
export type RequestOptions = Awaited<ReturnType<typeof WebAuthn.generateAuthenticationOptions>>;
export type RegistrationAnswer = Parameters<typeof WebAuthn.verifyRegistrationResponse>[0]['response'];
export type AuthenticationAnswer = Parameters<typeof WebAuthn.verifyAuthenticationResponse>[0]['response'];
/** Loaded with the first passkey: it brings a certificate library along. */
const webAuthn = (): Promise<typeof WebAuthn> => import('@simplewebauthn/server');
type Transports = NonNullable<Parameters<typeof WebAuthn.verifyAuthenticationResponse>[0]['credential']['transports']>;

const challengeSeconds = 300;
const mostChallenges = 1000;

interface Challenge {
  /** The person who makes a passkey; undefined for a sign-in. */
  readonly user: number | undefined;
  readonly until: number;
}

/** Whether a passkey can be made at all where a page was opened: an address is no name (WebAuthn Level 3 §5.1.3). */
export const takesPasskeys = ({ host }: Site): boolean => host === 'localhost' || /[a-z][a-z0-9-]*$/i.test(host);

/**
 * The two ceremonies of WebAuthn Level 3 (§7.1, §7.2), with user verification: a passkey is something one has and
 * something one knows or is. A challenge is good once, for five minutes; beyond 1,000 the oldest is forgotten.
 */
export class Passkeys {
  readonly #now: () => UnixSeconds;
  readonly #challenges = new Map<string, Challenge>();

  constructor(now: () => UnixSeconds) {
    this.#now = now;
  }

  /** What the browser needs to make a passkey. Throws GTX-ACC-011 where the page was opened by an address. */
  async creation(user: User, site: Site): Promise<CreationOptions> {
    requireName(site);
    const { generateRegistrationOptions } = await webAuthn();
    const options = await generateRegistrationOptions({
      rpName: 'GridTokenX',
      rpID: site.host,
      userName: user.name,
      userDisplayName: user.name,
      userID: user.handle,
      attestationType: 'none',
      timeout: challengeSeconds * 1000,
      excludeCredentials: user.passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    this.#remember(options.challenge, user.id);
    return options;
  }

  /** The passkey that the browser made. Throws GTX-ACC-010. */
  async created(user: User, site: Site, name: string, response: RegistrationAnswer): Promise<Passkey> {
    const { verifyRegistrationResponse } = await webAuthn();
    const verified = await verifyRegistrationResponse({
      response,
      expectedChallenge: (challenge) => this.#take(challenge, user.id),
      expectedOrigin: site.origin,
      expectedRPID: site.host,
    }).catch((error: unknown) => {
      throw badPasskey(reasonOf(error), error);
    });
    if (!verified.verified) throw badPasskey('its answer could not be verified');
    const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
    return { id, name, publicKey, counter, transports, relyingParty: site.host, createdAt: this.#now() };
  }

  /** What the browser needs to sign in with any passkey of this site. Throws GTX-ACC-011. */
  async request(site: Site): Promise<RequestOptions> {
    requireName(site);
    const { generateAuthenticationOptions } = await webAuthn();
    const options = await generateAuthenticationOptions({
      rpID: site.host,
      userVerification: 'required',
      timeout: challengeSeconds * 1000,
    });
    this.#remember(options.challenge, undefined);
    return options;
  }

  /** How often the passkey has signed by now. Throws GTX-ACC-010 where the answer is not its. */
  async signed(passkey: Passkey, site: Site, response: AuthenticationAnswer): Promise<number> {
    const { id, publicKey, counter, transports } = passkey;
    const { verifyAuthenticationResponse } = await webAuthn();
    const verified = await verifyAuthenticationResponse({
      response,
      expectedChallenge: (challenge) => this.#take(challenge, undefined),
      expectedOrigin: site.origin,
      expectedRPID: site.host,
      credential: { id, publicKey, counter, transports: [...transports] as Transports },
    }).catch((error: unknown) => {
      throw badPasskey(reasonOf(error), error);
    });
    if (!verified.verified) throw badPasskey('its signature does not fit');
    return verified.authenticationInfo.newCounter;
  }

  #remember(challenge: string, user: number | undefined): void {
    this.#challenges.set(challenge, { user, until: this.#now() + challengeSeconds });
    const [oldest] = this.#challenges.keys();
    if (this.#challenges.size > mostChallenges && oldest !== undefined) this.#challenges.delete(oldest);
  }

  #take(challenge: string, user: number | undefined): boolean {
    const known = this.#challenges.get(challenge);
    this.#challenges.delete(challenge);
    return known !== undefined && known.user === user && known.until > this.#now();
  }
}

function requireName(site: Site): void {
  if (!takesPasskeys(site)) throw namelessSite(site.port);
}
