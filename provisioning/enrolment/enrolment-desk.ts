import { type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { GridError, type GridErrorCode } from '#hal/errors.ts';
import type { KeyRole } from '#hal/key-store.ts';
import type { UnixSeconds } from '#hal/units.ts';
import {
  checkAttestationKey,
  checkDeviceKey,
  checkRequestKey,
  verifyCertify,
  verifyQuote,
} from '../tpm/attestation.ts';
import { makeCredential } from '../tpm/credential.ts';
import { checkEndorsement, type TrustedMakers } from '../tpm/endorsement-certificate.ts';
import { nameOf } from '../tpm/public-key.ts';
import { type PublicArea, publicArea } from '../tpm/structures.ts';
import { endorsementArea } from '../tpm/templates.ts';
import { parse } from '../tpm/wire.ts';
import type { ChallengeMessage, FinishMessage, StartMessage } from './messages.ts';

/** A board as it was flashed: an endorsement key proves a genuine TPM, this binds it to our board and its building. */
export interface FlashedBoard {
  readonly serial: string;
  readonly building: string;
  /** For these it has a certificate, and no operator has released it for another enrolment. */
  readonly enrolled: readonly KeyRole[];
}

export interface EnrolmentRules {
  readonly makers: TrustedMakers;
  /** The board whose TPM has an endorsement key of that hash (`endorsementHash`). */
  readonly find: (endorsementHash: string) => Promise<FlashedBoard | undefined>;
  /** Wall time. */
  readonly now: () => UnixSeconds;
  /** What registers of the SHA-256 bank must hold, where it matters with which software a board has started. */
  readonly pcrs?: ReadonlyMap<number, Uint8Array>;
}

/** A board that has proved itself: a certificate for its key may be issued. */
export interface ProvenBoard {
  readonly serial: string;
  readonly building: string;
  readonly role: KeyRole;
  readonly endorsementHash: string;
  readonly publicKey: KeyObject;
  /** TPMT_PUBLIC of the key by which its TPM attests, later too: proved to be in the TPM. */
  readonly attestationKey: Uint8Array;
}

interface Challenged {
  readonly serial: string;
  readonly building: string;
  readonly role: KeyRole;
  readonly endorsementHash: string;
  readonly attestationKey: PublicArea;
  readonly deviceKey: PublicArea;
  readonly secret: Uint8Array;
  readonly nonce: Uint8Array;
  readonly expires: number;
}

/** How long a board has for its answer: a slow chip needs a few seconds. */
export const challengeSeconds = 120;
/** Challenges under way in all, and of one board, so that whoever starts for one cannot push out the others. */
const mostChallenges = 1000;
const mostOfOneBoard = 4;

const refused = (code: GridErrorCode, reason: string, hint?: string): GridError =>
  new GridError(code, `The enrolment is refused: ${reason}`, hint === undefined ? {} : { hint });

/**
 * The authority's side of the enrolments under way: start → challenge → finish. A challenge is used up by its first
 * answer, right or wrong. Refusals are GTX-ENR-001 to 007 and those of the TPM's proofs (GTX-TPM-003, 008, 020 to 031);
 * the caller logs them.
 */
export class EnrolmentDesk {
  readonly #rules: EnrolmentRules;
  readonly #challenged = new Map<string, Challenged>();

  constructor(rules: EnrolmentRules) {
    this.#rules = rules;
  }

  /** Checks who the board says it is and challenges its TPM to prove it. */
  async start(message: StartMessage): Promise<ChallengeMessage> {
    const { makers, now, pcrs = new Map<number, Uint8Array>() } = this.#rules;
    const { serial, building, role } = message;
    const { key, hash: endorsementHash } = checkEndorsement(message.endorsementCertificate, makers, now());
    await this.#checkBoard(endorsementHash, message);
    const attestationKey = parse(publicArea, message.attestationKey);
    const deviceKey = parse(publicArea, message.deviceKey);
    checkAttestationKey(attestationKey);
    checkDeviceKey(deviceKey);
    this.#makeRoom(endorsementHash);
    const [secret, nonce, enrolment] = [randomBytes(32), randomBytes(32), randomBytes(16).toString('hex')];
    const expires = now() + challengeSeconds;
    const claim = { serial, building, role, endorsementHash, attestationKey, deviceKey };
    this.#challenged.set(enrolment, { ...claim, secret, nonce, expires });
    const credential = makeCredential(endorsementArea(key), nameOf(attestationKey), secret);
    return { enrolment, credential, nonce, pcrs: [...pcrs.keys()] };
  }

  /** The serial number that an enrolment under way was started with. */
  claimOf(enrolment: string): string | undefined {
    return this.#challenged.get(enrolment)?.serial;
  }

  /** Checks the proofs. The caller issues the certificate and marks the board as enrolled in one transaction. */
  async finish(message: FinishMessage): Promise<ProvenBoard> {
    const challenged = this.#take(message.enrolment);
    const { attestationKey, deviceKey, nonce, serial, building, role, endorsementHash, secret } = challenged;
    if (message.secret.length !== secret.length || !timingSafeEqual(message.secret, secret)) {
      throw refused(
        'GTX-ENR-006',
        'the credential was not opened: the attestation key is not in the TPM of this board',
      );
    }
    const by = { by: attestationKey, nonce };
    const publicKey = verifyCertify({ ...by, attestation: message.certify, key: deviceKey });
    checkRequestKey(message.requestKey, publicKey);
    const { pcrs } = this.#rules;
    if (pcrs !== undefined) {
      if (message.quote === undefined) throw refused('GTX-ENR-007', 'the quote of its registers is missing');
      verifyQuote({ ...by, attestation: message.quote, pcrs });
    }
    // Another enrolment of the same board may have been quicker.
    await this.#checkBoard(endorsementHash, challenged);
    return { serial, building, role, endorsementHash, publicKey, attestationKey: publicArea.write(attestationKey) };
  }

  async #checkBoard(hash: string, claimed: Pick<StartMessage, 'serial' | 'building' | 'role'>): Promise<void> {
    const board = await this.#rules.find(hash);
    if (board === undefined) {
      throw refused('GTX-ENR-001', 'its TPM is not on the list of flashed boards', `Its endorsement key is ${hash}.`);
    }
    if (board.serial !== claimed.serial || board.building !== claimed.building) {
      throw refused(
        'GTX-ENR-002',
        `it says to be ${claimed.serial} of ${claimed.building}, its TPM was flashed as ${board.serial} of ${board.building}`,
      );
    }
    if (board.enrolled.includes(claimed.role)) {
      throw refused('GTX-ENR-003', `${board.serial} is enrolled already`, 'An operator has to release it first.');
    }
  }

  #take(enrolment: string): Challenged {
    const challenged = this.#challenged.get(enrolment);
    this.#challenged.delete(enrolment);
    if (challenged === undefined) {
      throw refused('GTX-ENR-004', 'it answers no challenge under way: each is answered once', 'Start again.');
    }
    if (this.#rules.now() >= challenged.expires) {
      throw refused(
        'GTX-ENR-005',
        `its answer came later than ${challengeSeconds} s after the challenge`,
        'Start again.',
      );
    }
    return challenged;
  }

  /** Makes room for one more: the expired go, then the oldest of the same board, then the oldest of all. */
  #makeRoom(endorsementHash: string): void {
    const challenged = this.#challenged;
    const now = this.#rules.now();
    for (const [enrolment, { expires }] of challenged) if (now >= expires) challenged.delete(enrolment);
    const same = [...challenged].filter(([, other]) => other.endorsementHash === endorsementHash);
    const [oldest] = same.length >= mostOfOneBoard ? same : challenged;
    if (oldest !== undefined && (same.length >= mostOfOneBoard || challenged.size >= mostChallenges)) {
      challenged.delete(oldest[0]);
    }
  }
}
