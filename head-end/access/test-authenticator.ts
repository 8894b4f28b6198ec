import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { AuthenticationAnswer, RegistrationAnswer, Site } from './passkeys.ts';

const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest();
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

const flag = { present: 0x01, verified: 0x04, attested: 0x40 } as const;

/** What a dishonest authenticator or page does otherwise. */
export interface Deviation {
  readonly origin?: string;
  /** Of the relying party. */
  readonly host?: string;
  readonly isVerified?: boolean;
  readonly counter?: number;
}

/** An authenticator in software (WebAuthn Level 3 §6), without attestation: one passkey on P-256. */
export class TestAuthenticator {
  readonly id = randomBytes(16);
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  #counter = 0;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
  }

  create(challenge: string, site: Site, deviation: Deviation = {}): RegistrationAnswer {
    const { x = '', y = '' } = this.#publicKey.export({ format: 'jwk' });
    const [left, right] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
    const cose = Buffer.concat([hex('a5010203262001215820'), left, hex('225820'), right]);
    const attested = Buffer.concat([Buffer.alloc(16), hex('0010'), this.id, cose]);
    const data = Buffer.concat([this.#data(site, flag.attested, deviation), attested]);
    // CBOR: { fmt: 'none', attStmt: {}, authData }
    const head = hex('a363666d74646e6f6e656761747453746d74a068617574684461746158');
    const object = Buffer.concat([head, Buffer.from([data.length]), data]);
    const client = clientData('webauthn.create', challenge, deviation.origin ?? site.origin);
    const response = {
      clientDataJSON: client.toString('base64url'),
      attestationObject: object.toString('base64url'),
    };
    return { ...this.#credential(), response };
  }

  get(challenge: string, site: Site, deviation: Deviation = {}): AuthenticationAnswer {
    const data = this.#data(site, 0, deviation);
    const client = clientData('webauthn.get', challenge, deviation.origin ?? site.origin);
    const signature = sign('sha256', Buffer.concat([data, sha256(client)]), this.#privateKey);
    const response = {
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
    };
    return { ...this.#credential(), response };
  }

  #credential() {
    const id = this.id.toString('base64url');
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {} } as const;
  }

  #data(site: Site, more: number, { host, isVerified = true, counter }: Deviation): Buffer {
    this.#counter += 1;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter ?? this.#counter);
    const flags = flag.present | (isVerified ? flag.verified : 0) | more;
    return Buffer.concat([sha256(host ?? site.host), Buffer.from([flags]), count]);
  }
}

const clientData = (type: string, challenge: string, origin: string): Buffer =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
