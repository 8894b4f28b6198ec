import { randomUUID } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import { UnixSeconds } from '#hal/units.ts';

/** Seconds that a token is good for. */
export const tokenSeconds = 900;
/** Seconds after which new tokens are signed with another key. */
const rotationSeconds = 86_400;
const issuer = 'urn:gridtokenx:head-end';
const audience = 'urn:gridtokenx:rest';
const algorithm = 'ES256';

/** Loaded with the first token. */
const jose = () => import('jose');

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
  readonly madeAt: UnixSeconds;
}

/**
 * Signs and checks the tokens (JWT, RFC 7519, in the profile of RFC 9068) that programs get for their API keys. The
 * signing keys (ES256) are changed daily, are published at `/.well-known/jwks.json` for as long as a token of theirs
 * may be good, and never leave this process: after a restart a program asks for another token.
 */
export class Tokens {
  readonly #now: () => UnixSeconds;
  #keys: readonly SigningKey[] = [];
  #rotating: Promise<SigningKey> | undefined;

  constructor(now: () => UnixSeconds) {
    this.#now = now;
  }

  async issue(key: { readonly id: string; readonly role: string }): Promise<{ token: string; until: UnixSeconds }> {
    const { kid, privateKey } = await this.#signingKey();
    const at = this.#now();
    const until = UnixSeconds(at + tokenSeconds);
    const { SignJWT } = await jose();
    const token = await new SignJWT({ client_id: key.id, role: key.role })
      .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(key.id)
      .setJti(randomUUID())
      .setIssuedAt(at)
      .setExpirationTime(until)
      .sign(privateKey);
    return { token, until };
  }

  /** The API key that a token was given for; undefined for a token that is not good. */
  async verify(token: string): Promise<{ readonly key: string; readonly until: UnixSeconds } | undefined> {
    const { errors, jwtVerify } = await jose();
    const keyOf = ({ kid }: { kid?: string }): CryptoKey => {
      const found = this.#keys.find((key) => key.kid === kid);
      if (found === undefined) throw new errors.JWKSNoMatchingKey();
      return found.publicKey;
    };
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms: [algorithm],
        typ: 'at+jwt',
        issuer,
        audience,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(this.#now() * 1000),
      });
      return { key: payload.sub as string, until: UnixSeconds(payload.exp as number) };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  /** The public keys (RFC 7517). */
  async jwks(): Promise<{ readonly keys: readonly JWK[] }> {
    await this.#signingKey();
    return { keys: this.#keys.map(({ jwk }) => jwk) };
  }

  #signingKey(): Promise<SigningKey> | SigningKey {
    const [newest] = this.#keys;
    if (newest !== undefined && this.#now() - newest.madeAt < rotationSeconds) return newest;
    this.#rotating ??= this.#rotate().finally(() => {
      this.#rotating = undefined;
    });
    return this.#rotating;
  }

  async #rotate(): Promise<SigningKey> {
    const { exportJWK, generateKeyPair } = await jose();
    const { privateKey, publicKey } = await generateKeyPair(algorithm);
    const kid = randomUUID();
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
    const key = { kid, privateKey, publicKey, jwk, madeAt: this.#now() };
    const oldest = key.madeAt - rotationSeconds - tokenSeconds;
    this.#keys = [key, ...this.#keys.filter(({ madeAt }) => madeAt > oldest)];
    return key;
  }
}
