import type { X509Certificate } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { IssuingKeys, KeyRole, KeyStore, SigningKey, TpmPort } from '#hal/key-store.ts';
import { nvCertificate } from './nv-certificate.ts';
import type { Attestation, Credential, TpmKey } from './objects.ts';
import { publicKeyOf } from './public-key.ts';
import { type PublicArea, publicArea } from './structures.ts';
import { attestationKey, endorsementKeys, type EndorsementKeyKind, signingKey, storageRootKey } from './templates.ts';
import { sha256, Tpm } from './tpm.ts';

/** Where the keys of a board stand in its TPM (owner's range; the first is where TCG's guidance puts it). */
export const persistentHandles = {
  storageRoot: 0x81000001,
  attestation: 0x81000010,
  birth: 0x81000011,
  operational: 0x81000012,
  /** Of an authority's first issuing key; those of later ones follow. */
  issuing: 0x81000020,
} as const;
/** So many issuing authorities may have their keys in one TPM. */
const mostIssuingKeys = 16;

/** A key in the TPM, with the handle by which TLS finds it. */
export interface TpmSigningKey extends SigningKey {
  readonly handle: number;
  /** Its public area: what attestation is about. */
  readonly area: PublicArea;
}

/** What the maker of the TPM gave it. */
export interface TpmEndorsement {
  readonly certificate: X509Certificate;
  readonly kind: EndorsementKeyKind;
}

/**
 * A board's keys in its TPM, or an authority's, made there at first use and never outside of it. What its methods throw is told by
 * `Tpm`, and GTX-TPM-009 where the TPM has no endorsement certificate, GTX-TPM-011 where a handle holds a key that is
 * not ours.
 */
export class TpmKeys implements KeyStore, IssuingKeys {
  readonly keyIn = 'tpm';
  readonly #tpm: Tpm;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(port: TpmPort) {
    this.#tpm = new Tpm(port);
  }

  get name(): string {
    return this.#tpm.name;
  }

  /** Opens the TPM and frees what a program that died left in it. */
  async start(): Promise<void> {
    await this.#tpm.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tpm[Symbol.asyncDispose]();
  }

  signingKey(role: KeyRole): Promise<TpmSigningKey> {
    return this.#alone(async () => this.#signing(await this.#persistent(persistentHandles[role], signingKey)));
  }

  issuingKey(generation: number): Promise<TpmSigningKey | undefined> {
    return this.#alone(async () => {
      const key = await this.#existing(issuingHandle(generation), signingKey);
      return key && this.#signing(key);
    });
  }

  makeIssuingKey(generation: number): Promise<TpmSigningKey> {
    return this.#alone(async () => this.#signing(await this.#persistent(issuingHandle(generation), signingKey)));
  }

  /** The public area of the key by which this TPM attests. */
  attestationKey(): Promise<PublicArea> {
    return this.#alone(async () => (await this.#attestationKey()).area);
  }

  /** The certificate of the TPM's endorsement key: RSA first, which every chip has. Throws GTX-TPM-009 for none. */
  endorsement(): Promise<TpmEndorsement> {
    return this.#alone(() => this.#endorsement());
  }

  /** The secret of a credential made for this TPM and its attestation key; it crosses the bus encrypted. */
  activate(credential: Credential): Promise<Uint8Array> {
    return this.#alone(async () => {
      const key = await this.#attestationKey();
      return this.#withEndorsementKey(async (endorsementKey) => {
        await using session = await this.#tpm.startSession(endorsementKey);
        return await this.#tpm.activateCredential(key, endorsementKey, credential, session.hmac);
      });
    });
  }

  /** The TPM's word that a key lies in it, over a nonce of up to 64 octets. */
  certify(role: KeyRole, nonce: Uint8Array): Promise<Attestation> {
    return this.#alone(async () => {
      const key = await this.#persistent(persistentHandles[role], signingKey);
      return this.#tpm.certify(key, await this.#attestationKey(), nonce);
    });
  }

  /** The TPM's word on its registers (SHA-256 bank, 0 to 23), over a nonce of up to 64 octets. */
  quote(nonce: Uint8Array, pcrs: readonly number[]): Promise<Attestation> {
    return this.#alone(async () => this.#tpm.quote(await this.#attestationKey(), nonce, pcrs));
  }

  /** One errand at a time: each may need both slots of the TPM. */
  #alone<T>(errand: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(errand);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #signing(key: TpmKey): TpmSigningKey {
    return {
      handle: key.handle,
      area: key.area,
      publicKey: publicKeyOf(key.area),
      sign: (message) => this.#tpm.sign(key, sha256(message)),
    };
  }

  #attestationKey(): Promise<TpmKey> {
    return this.#persistent(persistentHandles.attestation, attestationKey);
  }

  /** The key under a handle, made from the template where there is none. */
  async #persistent(handle: number, template: PublicArea): Promise<TpmKey> {
    const there = await this.#existing(handle, template);
    if (there !== undefined) return there;
    const parent = await this.#storageRootKey();
    const wrapped = await this.#tpm.create(parent, template);
    await using key = await this.#tpm.load(parent, wrapped);
    return await this.#tpm.persist(key, handle);
  }

  async #storageRootKey(): Promise<TpmKey> {
    const handle = persistentHandles.storageRoot;
    const there = await this.#existing(handle, storageRootKey);
    if (there !== undefined) return there;
    await using key = await this.#tpm.createPrimary('owner', storageRootKey);
    return await this.#tpm.persist(key, handle);
  }

  async #existing(handle: number, template: PublicArea): Promise<TpmKey | undefined> {
    if (!(await this.#tpm.handles('persistent')).includes(handle)) return undefined;
    const key = await this.#tpm.readPublic(handle);
    if (isMadeFrom(key.area, template)) return key;
    const hex = `0x${handle.toString(16)}`;
    throw new GridError('GTX-TPM-011', `${this.name} holds a key under ${hex} that this program did not make`, {
      hint: `If nothing else needs it: \`tpm2_evictcontrol -C o -c ${hex}\` removes it for ever.`,
    });
  }

  async #endorsement(): Promise<TpmEndorsement> {
    const indices = await this.#tpm.handles('nv');
    const kind = Object.values(endorsementKeys).find(({ certificateAt }) => indices.includes(certificateAt));
    if (kind === undefined) {
      throw new GridError('GTX-TPM-009', `${this.name} has no endorsement certificate of its maker`, {
        hint: 'Discrete chips have one. A firmware TPM may have to fetch it; an emulator gets one by `swtpm_setup`.',
      });
    }
    return { kind, certificate: nvCertificate(await this.#tpm.nvRead(kind.certificateAt)) };
  }

  /** The endorsement key as its maker left it, or made again from the template that he used. */
  async #withEndorsementKey<T>(use: (key: TpmKey) => Promise<T>): Promise<T> {
    const { certificate, kind } = await this.#endorsement();
    const certified = (key: TpmKey): boolean => publicKeyOf(key.area).equals(certificate.publicKey);
    if ((await this.#tpm.handles('persistent')).includes(kind.handle)) {
      const key = await this.#tpm.readPublic(kind.handle);
      if (certified(key)) return use(key);
    }
    await using key = await this.#tpm.createPrimary('endorsement', kind.template);
    if (certified(key)) return await use(key);
    throw new GridError('GTX-TPM-009', `${this.name} has an endorsement certificate for another key`, {
      hint: 'The TPM was cleared with a new endorsement seed, or its maker used a template of his own.',
    });
  }
}

function issuingHandle(generation: number): number {
  if (generation <= mostIssuingKeys) return persistentHandles.issuing + generation - 1;
  throw new GridError('GTX-TPM-016', `A TPM keeps the keys of ${mostIssuingKeys} issuing authorities at most`, {
    hint: 'Make a new authority: `gridtokenx provision ca init`.',
  });
}

/** Whether a key is what a template asks for: alike in all but its own numbers. */
function isMadeFrom(area: PublicArea, template: PublicArea): boolean {
  if (area.type !== template.type) return false;
  const blank = { ...area, unique: template.unique } as PublicArea;
  return Buffer.from(publicArea.write(blank)).equals(publicArea.write(template));
}
