import { createPublicKey, randomBytes } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import type { CertificateAuthority } from '#provisioning/ca.ts';
import { alternativeNames, certificatePolicies, readCertificate } from '#provisioning/certificate-fields.ts';
import { base64Of, checkedMessage, type IssuedJson } from '#provisioning/enrolment/message-json.ts';
import {
  proofOf,
  type RenewalChallengeJson,
  type RenewalFinishJson,
  RenewalFinishSchema,
} from '#provisioning/enrolment/renewal-json.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { checkRequestKey, verifyCertify } from '#provisioning/tpm/attestation.ts';
import { publicArea } from '#provisioning/tpm/structures.ts';
import { parse } from '#provisioning/tpm/wire.ts';
import { isRenewalDue } from '#provisioning/validity.ts';
import type { Device, Registry } from '../registry/devices.ts';
import type { SecurityLog } from '../security-log.ts';
import type { FlashList } from './flash-list.ts';

export interface RenewalServiceOptions {
  readonly authority: Pick<CertificateAuthority, 'issuances' | 'renew'>;
  readonly registry: Pick<Registry, 'byLfdi' | 'standingOf' | 'offer' | 'activate'>;
  readonly flashList: Pick<FlashList, 'bySerial' | 'renewed'>;
  readonly securityLog: SecurityLog;
  /** Wall time, by which certificates end; and the head-end's, by which the registry lives. */
  readonly now: () => UnixSeconds;
  readonly clockNow: () => UnixSeconds;
  /** Whether a certificate may be renewed by now; from 30 days left on unless told. */
  readonly isDue?: typeof isRenewalDue;
}

/** How long a board has for its answer, seconds: a slow chip needs a few. */
const challengeSeconds = 120;
const mostChallenges = 1000;

interface Challenge {
  readonly nonce: Uint8Array;
  readonly expires: number;
}

/**
 * Renews operational certificates over themselves: whoever speaks with one that is in force, and whose key a TPM
 * certifies anew where it lies in one, gets the next one for the same key. The old one stays in force until the board
 * comes with the new one, so that an answer that is lost locks nobody out. `lfdi`: of the TLS session.
 */
export class RenewalService {
  readonly #options: RenewalServiceOptions;
  readonly #challenges = new Map<Lfdi, Challenge>();

  constructor(options: RenewalServiceOptions) {
    this.#options = options;
  }

  /** Rejects with GTX-REN-001 and 002. */
  async start(lfdi: Lfdi): Promise<RenewalChallengeJson> {
    const { isInFile } = await this.#renewable(lfdi);
    if (isInFile) return {};
    const nonce = randomBytes(32);
    this.#challenges.delete(lfdi);
    const [oldest] = this.#challenges.keys();
    if (oldest !== undefined && this.#challenges.size >= mostChallenges) this.#challenges.delete(oldest);
    this.#challenges.set(lfdi, { nonce, expires: this.#options.now() + challengeSeconds });
    return { nonce: base64Of(nonce) };
  }

  /** Rejects with GTX-REN-001 to 003, GTX-ENR-008 for a message that does not hold, and as `verifyCertify` does. */
  async finish(lfdi: Lfdi, body: unknown): Promise<IssuedJson> {
    const { authority, registry, flashList, securityLog, clockNow } = this.#options;
    const { device, certificate, serial, isInFile } = await this.#renewable(lfdi);
    const { proof } = checkedMessage(RenewalFinishSchema, body);
    if (!isInFile) await this.#checkProof(lfdi, { certificate, serial, proof });
    const issued = await authority.renew(certificate);
    const next = readCertificate(issued.der);
    const renewed = lfdiOf(issued.der);
    const facts = { number: next.number, notAfter: UnixSeconds(next.notAfter) };
    await registry.offer(device.id, { lfdi: renewed, replaces: lfdi, certificate: facts }, clockNow());
    await flashList.renewed(serial, 'operational', { chain: issued.chainPem, lfdi: renewed });
    const detail = { replaces: lfdi, lfdi: renewed, notAfter: next.notAfter };
    await securityLog.record({ kind: 'renewal', actor: lfdi, subject: device.meterId, detail });
    return { chain: issued.chainPem };
  }

  /** The board has come with the new certificate, which takes the place of the old one; again, it changes nothing. */
  async confirm(lfdi: Lfdi): Promise<void> {
    const { registry, clockNow } = this.#options;
    await registry.activate(lfdi, clockNow());
  }

  /** Who asks, and what for: a device with an operational certificate of ours that is in force and ends soon. */
  async #renewable(lfdi: Lfdi): Promise<Renewable> {
    const { authority, registry, now, isDue = isRenewalDue } = this.#options;
    const device = registry.byLfdi(lfdi);
    const certificate = device && (await authority.issuances()).find({ lfdi })?.certificate;
    if (device === undefined || certificate === undefined) {
      throw new GridError('GTX-REN-001', `The certificate ${lfdi} is not one of a device that is renewed here`, {
        hint: 'Only certificates of this head-end’s own authority that are in force are renewed; else enrol anew.',
      });
    }
    const fields = readCertificate(certificate);
    if (!isDue(fields, now())) {
      throw new GridError('GTX-REN-002', `The certificate ${lfdi} is not due for renewal yet`, {
        hint: 'It is renewed from 30 days before its end; one without an end never is.',
      });
    }
    const serial = alternativeNames(fields.extensions).hardware?.serial ?? '';
    const isInFile = certificatePolicies(fields.extensions).includes(policies.softwareKey);
    return { device, certificate, serial, isInFile };
  }

  async #checkProof(
    lfdi: Lfdi,
    { certificate, serial, proof }: Pick<Renewable, 'certificate' | 'serial'> & { proof: RenewalFinishJson['proof'] },
  ): Promise<void> {
    const challenge = this.#challenges.get(lfdi);
    // Good for one answer, right or wrong.
    this.#challenges.delete(lfdi);
    if (challenge === undefined || this.#options.now() >= challenge.expires || proof === undefined) {
      throw new GridError('GTX-REN-003', 'The renewal answers no challenge under way', {
        hint: `Start again; a challenge is good for one answer within ${challengeSeconds} s.`,
      });
    }
    const { deviceKey, certify } = proofOf(proof);
    const board = await this.#options.flashList.bySerial(serial);
    const enrolled = board?.enrolments.find(({ role }) => role === 'operational');
    if (enrolled === undefined) {
      throw new GridError('GTX-REN-001', `${serial} was released, or never enrolled by its TPM`, {
        hint: 'Enrol the board again.',
      });
    }
    const by = parse(publicArea, enrolled.attestationKey);
    const certified = verifyCertify({
      attestation: certify,
      by,
      nonce: challenge.nonce,
      key: parse(publicArea, deviceKey),
    });
    const { spki } = readCertificate(certificate);
    checkRequestKey(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), certified);
  }
}

interface Renewable {
  readonly device: Device;
  readonly certificate: Uint8Array;
  /** The board's. */
  readonly serial: string;
  /** Its key is in a file: no TPM has anything to say of it. */
  readonly isInFile: boolean;
}
