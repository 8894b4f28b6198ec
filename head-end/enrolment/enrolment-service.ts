import { X509Certificate } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { KeyRole } from '#hal/key-store.ts';
import { UnixSeconds } from '#hal/units.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { numberOf } from '#provisioning/authority-folder.ts';
import type { CertificateAuthority } from '#provisioning/ca.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { EnrolmentDesk, type ProvenBoard } from '#provisioning/enrolment/enrolment-desk.ts';
import {
  type ChallengeJson,
  challengeJson,
  checkedMessage,
  FinishSchema,
  finishOf,
  type IssuedJson,
  StartSchema,
  startOf,
} from '#provisioning/enrolment/message-json.ts';
import type { TrustedMakers } from '#provisioning/tpm/endorsement-certificate.ts';
import type { CertificateFacts, Registration } from '../registry/devices.ts';
import type { SecurityLog } from '../security-log.ts';
import type { Enrolment, FlashList } from './flash-list.ts';
import { RefusalRecord } from './refusal-record.ts';

export interface EnrolmentServiceOptions {
  readonly list: FlashList;
  readonly authority: Pick<CertificateAuthority, 'issueDevice'>;
  readonly makers: TrustedMakers;
  /** What registers of the SHA-256 bank must hold, where it matters. */
  readonly pcrs?: ReadonlyMap<number, Uint8Array>;
  /** Makes a device of a board that has an operational certificate, with what is known of its building. */
  readonly register: (
    device: Pick<Registration, 'meterId' | 'lfdi' | 'certificate'> & { readonly serial: string },
  ) => Promise<void>;
  readonly securityLog: SecurityLog;
  /** Wall time. */
  readonly now: () => UnixSeconds;
}

/**
 * Attested enrolment at the head-end: who proves to be a board on the list of flashed boards is given its certificate
 * and becomes a device. Every refusal and every enrolment goes to the security log. `from`: whom the message came from.
 */
export class EnrolmentService {
  readonly #options: EnrolmentServiceOptions;
  readonly #desk: EnrolmentDesk;
  readonly #refusals: RefusalRecord;

  constructor(options: EnrolmentServiceOptions) {
    this.#options = options;
    const { list, makers, pcrs, now, securityLog } = options;
    this.#refusals = new RefusalRecord(securityLog, now);
    const find = (hash: string): ReturnType<FlashList['find']> => list.find(hash);
    this.#desk = new EnrolmentDesk({ makers, find, now, ...(pcrs !== undefined && { pcrs }) });
  }

  /** Rejects as `EnrolmentDesk.start` does, and with GTX-ENR-008 for a message that does not hold. */
  async start(body: unknown, from: string): Promise<ChallengeJson> {
    const message = checkedMessage(StartSchema, body);
    return this.#logged(from, message.serial, async () => challengeJson(await this.#desk.start(startOf(message))));
  }

  /** Rejects as `EnrolmentDesk.finish` does, with GTX-ENR-008, and GTX-PRV-005 for the certificate request. */
  async finish(body: unknown, from: string): Promise<IssuedJson> {
    const message = checkedMessage(FinishSchema, body);
    return this.#logged(from, this.#desk.claimOf(message.enrolment), async () => {
      const proven = await this.#desk.finish(await finishOf(message));
      const { list, securityLog } = this.#options;
      const { chain, lfdi } = await list.enrol(proven, () => this.#give(proven));
      await securityLog.record({
        kind: 'enrolment',
        actor: from,
        subject: proven.serial,
        detail: { building: proven.building, role: proven.role, lfdi, endorsementHash: proven.endorsementHash },
      });
      return { chain };
    });
  }

  /**
   * What a board was given: it may have been cut off before it had the answer. A certificate is no secret, and without
   * the key in the board's TPM it is of no use. Rejects with GTX-ENR-009 where there is none.
   */
  async certificateOf(endorsementHash: string, role: KeyRole): Promise<IssuedJson> {
    const board = await this.#options.list.byEndorsement(endorsementHash);
    const given = board?.enrolments.find((one) => one.role === role);
    if (given !== undefined) return { chain: given.chain };
    throw new GridError('GTX-ENR-009', `No board with the endorsement key ${endorsementHash} is enrolled`, {
      hint: 'Enrol it: POST /enrolment/start.',
    });
  }

  async #give({ serial, building, role, publicKey, attestationKey }: ProvenBoard): Promise<Omit<Enrolment, 'role'>> {
    const { authority, register, now } = this.#options;
    const issued = await authority.issueDevice({ serial, publicKey, keyIn: 'elsewhere', profile: role });
    const lfdi = lfdiOf(issued.der);
    // Before it is written down: a board that was cut off here enrols again, and its device gets the new certificate.
    if (role === 'operational') await register({ meterId: building, lfdi, serial, certificate: factsOf(issued.der) });
    return { chain: issued.chainPem, lfdi, attestationKey, at: now() };
  }

  async #logged<T>(from: string, serial: string | undefined, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      await this.#refusals.note(error, { from, serial });
      throw error;
    }
  }
}

const factsOf = (der: Uint8Array): CertificateFacts => ({
  number: numberOf(new X509Certificate(der)),
  notAfter: UnixSeconds(readCertificate(der).notAfter),
});
