import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { KeyRole } from '#hal/key-store.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf, sfdiOf } from '#ieee2030_5/identity.ts';
import { answerChallenge, startEnrolment } from '#provisioning/enrolment/applicant.ts';
import { certificateRequest } from '#provisioning/enrolment/certificate-request.ts';
import { challengeOf, finishJson, startJson } from '#provisioning/enrolment/message-json.ts';
import { type DeviceIdentity, identityFiles, writeIdentity } from '#provisioning/identity-files.ts';
import { devicePolicies } from '#provisioning/object-identifiers.ts';
import { checkPeer } from '#provisioning/peer-check.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { endorsementHash } from '#provisioning/tpm/endorsement-certificate.ts';
import {
  loadTpmProvider,
  type TpmProvider,
  type TpmSignatures,
  tpmKeyPem,
} from '#provisioning/tpm/provider/provider.ts';
import { pointOf } from '#provisioning/tpm/public-key.ts';
import type { TpmAddress } from '#provisioning/tpm/tpm-address.ts';
import { TpmKeys, type TpmSigningKey } from '#provisioning/tpm/tpm-keys.ts';
import { trustedRoot } from '#provisioning/trusted-authority.ts';
import type { KeyProof } from '#provisioning/enrolment/renewal-json.ts';
import { publicArea } from '#provisioning/tpm/structures.ts';
import type { EnrolmentClient } from './enrolment-client.ts';
import { renewed } from './renewal.ts';

/** Who a board says it is when it enrols: as it was flashed. */
export interface FlashedAs {
  readonly serial: string;
  /** The building's meter id. */
  readonly building: string;
}

/** The operational certificate last: with it the board becomes a device. */
const roles: readonly KeyRole[] = ['birth', 'operational'];

/**
 * A board's identities whose keys are in its TPM: the birth certificate, by which foreign servers know it for ever, and
 * the operational one, by which our head-end does. Certificates lie in a folder a role; the keys never leave the TPM,
 * and nothing here falls back to keys in files. Methods may reject with what `TpmKeys` does, `start` also with what
 * `loadTpmProvider` does.
 */
export class TpmIdentities implements AsyncDisposable {
  readonly keys: TpmKeys;
  readonly #transport: string;
  readonly #folder: string;
  #provider: TpmProvider | undefined;
  #isOpen = false;

  constructor({ port, transport }: TpmAddress, folder: string) {
    this.keys = new TpmKeys(port);
    this.#transport = transport;
    this.#folder = folder;
  }

  /** Makes TLS able to sign in TPMs, and opens this one; once it has done so, nothing. */
  async start(): Promise<void> {
    this.#provider ??= await loadTpmProvider();
    if (this.#isOpen) return;
    await this.keys.start();
    this.#isOpen = true;
  }

  /** Made for TLS by TPMs, of this process, since it began. */
  get signatures(): TpmSignatures {
    return this.#provider?.statistics() ?? { signatures: 0, failures: 0, microseconds: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keys[Symbol.asyncDispose]();
  }

  /** Where a role's certificate lies. */
  folderOf(role: KeyRole): string {
    return join(this.#folder, role);
  }

  /**
   * The identity of a role as TLS takes it; undefined for a board that is not enrolled. Rejects with GTX-TPM-015 where
   * the TPM has another key than the certificate, GTX-PRV-011 where its files cannot be used.
   */
  async load(role: KeyRole): Promise<DeviceIdentity | undefined> {
    const folder = this.folderOf(role);
    const certificatePem = await textOf(folder, identityFiles.chain);
    if (certificatePem === undefined) return undefined;
    const caPem = await textOf(folder, identityFiles.root);
    const certificate = certificateIn(folder, certificatePem);
    if (caPem === undefined) throw unfit(folder, `${identityFiles.root} is missing`);
    const key = await this.keys.signingKey(role);
    if (!key.publicKey.equals(certificate.publicKey)) throw this.#anotherKey(folder);
    const lfdi = lfdiOf(certificate.raw);
    return { certificatePem, keyPem: this.#keyPem(key), caPem, lfdi, sfdi: sfdiOf(lfdi) };
  }

  /** The TPM's word, for a nonce, that the operational key is still in it. */
  async prove(nonce: Uint8Array): Promise<KeyProof> {
    const { area } = await this.keys.signingKey('operational');
    return { deviceKey: publicArea.write(area), certify: await this.keys.certify('operational', nonce) };
  }

  /**
   * Renews the operational certificate at a head-end's 2030.5 server when it is due; answers whether it was. Rejects as
   * `renewed` does.
   */
  async renew(origin: string): Promise<boolean> {
    const identity = await this.load('operational');
    if (identity === undefined) return false;
    const prove = (nonce: Uint8Array): Promise<KeyProof> => this.prove(nonce);
    return (await renewed(identity, { origin, folder: this.folderOf('operational'), prove })) !== identity;
  }

  /**
   * Enrols the board for every role that it has no certificate of, and answers which those were. Rejects as
   * `EnrolmentClient` does, and with GTX-ENC-004 for a certificate that does not hold. `ca`: PEM of the root.
   */
  async enrol(client: EnrolmentClient, board: FlashedAs, ca: string): Promise<readonly KeyRole[]> {
    const missing: KeyRole[] = [];
    for (const role of roles) if ((await this.load(role)) === undefined) missing.push(role);
    for (const role of missing) {
      const chainPem = await this.#enrolFor(role, client, board);
      await writeIdentity(this.folderOf(role), {
        issued: { der: await this.#checked(chainPem, role, ca), chainPem },
        caPem: ca,
      });
    }
    return missing;
  }

  async #enrolFor(role: KeyRole, client: EnrolmentClient, board: FlashedAs): Promise<string> {
    const { keys } = this;
    try {
      const challenge = challengeOf(await client.start(startJson(await startEnrolment(keys, role, board))));
      const answer = await answerChallenge(keys, role, challenge);
      const request = await certificateRequest(await keys.signingKey(role));
      return (await client.finish(finishJson(answer, request))).chain;
    } catch (error) {
      // It was given one already, and was cut off before it had it, or has lost it; but only for the key that it has.
      const given = isEnrolledAlready(error) ? await this.#given(role, client) : undefined;
      if (given === undefined) throw error;
      return given;
    }
  }

  async #given(role: KeyRole, client: EnrolmentClient): Promise<string | undefined> {
    const { certificate } = await this.keys.endorsement();
    const { chain } = await client.certificate(endorsementHash(certificate.publicKey), role);
    const { publicKey } = await this.keys.signingKey(role);
    return certificatesOf(chain)[0]?.publicKey.equals(publicKey) === true ? chain : undefined;
  }

  /** The certificate of a chain that was given, DER. */
  async #checked(chainPem: string, role: KeyRole, ca: string): Promise<Uint8Array> {
    const chain = certificatesOf(chainPem);
    const answer = checkPeer(
      chain.map(({ raw }) => raw),
      {
        trusted: certificatesOf(ca).map(({ raw }) => trustedRoot(raw)),
        revocationLists: undefined,
        now: wallSeconds(),
        policies: devicePolicies,
        as: 'client',
      },
    );
    if (!answer.ok) throw wrongCertificate(`${answer.reason}: ${answer.detail}`);
    const [certificate] = chain;
    const { publicKey } = await this.keys.signingKey(role);
    if (certificate?.publicKey.equals(publicKey) !== true) throw wrongCertificate('it is for another key');
    return certificate.raw;
  }

  #keyPem({ handle, area }: TpmSigningKey): string {
    if (area.type !== 'ecc') throw this.#anotherKey(this.#folder);
    const { x, y } = pointOf(area);
    return tpmKeyPem(this.#transport, handle, Buffer.concat([Buffer.of(4), x, y]));
  }

  #anotherKey(folder: string): GridError {
    return new GridError('GTX-TPM-015', `${this.keys.name} has another key than the certificate in ${folder}`, {
      hint: 'The TPM was swapped or cleared, or the folder is another board’s. Move the folder away, release the board at the head-end, and enrol it again.',
    });
  }
}

const isEnrolledAlready = (error: unknown): boolean => error instanceof GridError && error.code === 'GTX-ENR-003';

const wrongCertificate = (reason: string): GridError =>
  new GridError('GTX-ENC-004', `The certificate that the head-end gave does not hold: ${reason}`, {
    hint: 'The head-end issues by another authority than the one that the board was given.',
  });

const unfit = (folder: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-011', `The device identity in ${folder} cannot be used: ${reason}`, {
    hint: 'Move the folder away to have the board enrolled again, or bring it back from a backup.',
    cause,
  });

async function textOf(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unfit(folder, reasonOf(error), error);
  }
}

function certificateIn(folder: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw unfit(folder, `${identityFiles.chain}: ${reasonOf(error)}`, error);
  }
}
