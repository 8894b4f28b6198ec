import { createPublicKey, randomBytes } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import type { CertificateAuthority, IssuedCertificate } from '#provisioning/ca.ts';
import { alternativeNames, certificatePolicies, readCertificate } from '#provisioning/certificate-fields.ts';
import { base64Of, checkedMessage, type IssuedJson } from '#provisioning/enrolment/message-json.ts';
import {
  proofOf,
  type RenewalChallengeJson,
  type RenewalFinishJson,
  RenewalFinishSchema,
} from '#provisioning/enrolment/renewal-json.ts';
import type { Issuance } from '#provisioning/issuances.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { checkRequestKey, verifyCertify } from '#provisioning/tpm/attestation.ts';
import { publicArea } from '#provisioning/tpm/structures.ts';
import { parse } from '#provisioning/tpm/wire.ts';
import { isRenewalDue } from '#provisioning/validity.ts';
import { Turns } from '../database/transaction.ts';
import type { Device, Registry } from '../registry/devices.ts';
import type { SecurityLog } from '../security-log.ts';
import type { FlashList } from './flash-list.ts';

export interface RenewalServiceOptions {
  readonly authority: Pick<CertificateAuthority, 'issuances' | 'renew' | 'again'>;
  readonly registry: Pick<Registry, 'byLfdi' | 'standingOf' | 'offer' | 'activate'>;
  readonly flashList: Pick<FlashList, 'bySerial' | 'renewed'>;
  readonly securityLog: SecurityLog;
  /** Wall time, by which certificates end; and the head-end's, by which the registry lives. */
  readonly now: () => UnixSeconds;
  readonly clockNow: () => UnixSeconds;
  /** Shared with whoever else offers what the authority has issued (`offerReissued`), so that each is offered once. */
  readonly turns?: Turns;
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
 * comes with the new one, so that an answer that is lost locks nobody out; until then it is given the same one again,
 * however often it asks. `lfdi`: of the TLS session.
 */
export class RenewalService {
  readonly #options: RenewalServiceOptions;
  readonly #turns: Turns;
  readonly #challenges = new Map<Lfdi, Challenge>();

  constructor(options: RenewalServiceOptions) {
    this.#options = options;
    this.#turns = options.turns ?? new Turns();
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
    const { authority, flashList } = this.#options;
    const renewable = await this.#renewable(lfdi);
    const { issuance, serial, isInFile } = renewable;
    const { proof } = checkedMessage(RenewalFinishSchema, body);
    if (!isInFile) await this.#checkProof(lfdi, { issuance, serial, proof });
    const issued = await this.#turns.take(async () => {
      const pending = await this.#pendingFor(issuance);
      return pending === undefined ? await this.#renew(renewable) : authority.again(pending);
    });
    await flashList.renewed(serial, 'operational', { chain: issued.chainPem, lfdi: lfdiOf(issued.der) });
    return { chain: issued.chainPem };
  }

  /** The certificate that was issued in place of one, and that nobody has come with yet. */
  async #pendingFor({ number }: Issuance): Promise<Issuance | undefined> {
    const { authority, registry, now } = this.#options;
    const live = (await authority.issuances()).live(now());
    return live.findLast(({ replaces, lfdi }) => replaces === number && registry.standingOf(lfdi) === 'pending');
  }

  async #renew({ device, issuance }: Renewable): Promise<IssuedCertificate> {
    const { authority, registry, securityLog, clockNow } = this.#options;
    const issued = await authority.renew(issuance.certificate);
    const next = readCertificate(issued.der);
    const [replaces, lfdi] = [issuance.lfdi, lfdiOf(issued.der)];
    const facts = { number: next.number, notAfter: UnixSeconds(next.notAfter) };
    await registry.offer(device.id, { lfdi, replaces, certificate: facts }, clockNow());
    const detail = { replaces, lfdi, notAfter: next.notAfter };
    await securityLog.record({ kind: 'renewal', actor: replaces, subject: device.meterId, detail });
    return issued;
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
    const issuance = device && (await authority.issuances()).find({ lfdi });
    if (device === undefined || issuance === undefined) {
      throw new GridError('GTX-REN-001', `The certificate ${lfdi} is not one of a device that is renewed here`, {
        hint: 'Only certificates of this head-end’s own authority that are in force are renewed; else enrol anew.',
      });
    }
    const fields = readCertificate(issuance.certificate);
    if (!isDue(fields, now())) {
      throw new GridError('GTX-REN-002', `The certificate ${lfdi} is not due for renewal yet`, {
        hint: 'It is renewed from 30 days before its end; one without an end never is.',
      });
    }
    const serial = alternativeNames(fields.extensions).hardware?.serial ?? '';
    const isInFile = certificatePolicies(fields.extensions).includes(policies.softwareKey);
    return { device, issuance, serial, isInFile };
  }

  async #checkProof(
    lfdi: Lfdi,
    { issuance, serial, proof }: Pick<Renewable, 'issuance' | 'serial'> & { proof: RenewalFinishJson['proof'] },
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
    const { spki } = readCertificate(issuance.certificate);
    checkRequestKey(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), certified);
  }
}

interface Renewable {
  readonly device: Device;
  readonly issuance: Issuance;
  /** The board's. */
  readonly serial: string;
  /** Its key is in a file: no TPM has anything to say of it. */
  readonly isInFile: boolean;
}
