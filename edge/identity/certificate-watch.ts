import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { wallSeconds } from '#hal/wall.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { daysLeft, isRenewalDue } from '#provisioning/validity.ts';
import type { Board, BoardIdentity } from '../board.ts';
import type { IdentityStore } from './identity-store.ts';

/** Of a board, what its certificate has to do with. */
export interface WatchedBoard extends Pick<Board, 'meterId' | 'identity' | 'takeIdentity'> {
  readonly connection: Pick<Board['connection'], 'origin'>;
  readonly utility: Pick<Board['utility'], 'hasExtension'>;
}

export interface CertificateWatchOptions {
  readonly board: WatchedBoard;
  readonly store: IdentityStore;
  readonly clock: Clock;
  readonly log: Log;
}

const daySeconds = 86_400;
/**
 * Certificates end by the wall's time, which an emulated campus does not run by: it is asked this often whether a day is
 * over. What is lost is looked for as often.
 */
const askSeconds = 60;

/**
 * Looks once a day, and at the start, whether the certificate of a running board is to be renewed at its head-end, and
 * has the board go over to the new one. Where that fails the old one goes on, and the next day is another. A utility
 * that is not ours knows the board by one certificate for ever: nothing is renewed there. An identity that is lost is
 * looked for each minute until the board has it.
 */
export class CertificateWatch implements Disposable {
  readonly #options: CertificateWatchOptions;
  readonly #log: Log;
  #timer: Disposable | undefined;
  /** Wall time of the last look. */
  #lookedAt = -Infinity;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#log = options.log.child({ meter: options.board.meterId });
  }

  start(): void {
    const schedule = { name: 'certificate', period: askSeconds, phase: 'exchange' } as const;
    this.#timer = this.#options.clock.every(schedule, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  async #look(): Promise<void> {
    const { board } = this.#options;
    if (board.identity.fault !== undefined) {
      await this.#find();
      return;
    }
    const now = wallSeconds();
    // A clock that was set back is no reason to wait until it is there again.
    if (Math.abs(now - this.#lookedAt) < daySeconds || board.utility.hasExtension !== true) return;
    this.#lookedAt = now;
    if (!isRenewalDue(validityOf(board.identity), now)) return;
    const before = board.identity.lfdi;
    try {
      await board.takeIdentity(() => this.#renew());
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#log.error({ reason: error.describe() }, 'the certificate on the disk cannot be used; the old one goes on');
      return;
    }
    const { identity } = board;
    if (identity.lfdi === before) return;
    const days = daysLeft(validityOf(identity).notAfter, now);
    this.#log.info({ before, lfdi: identity.lfdi, days }, 'the certificate is renewed');
  }

  async #find(): Promise<void> {
    const { store, board } = this.#options;
    const found = await store.load().catch((error: unknown): BoardIdentity => {
      if (!(error instanceof GridError)) throw error;
      // The reason may be another by now: somebody works at it.
      return { ...board.identity, fault: error };
    });
    await board.takeIdentity(() => Promise.resolve(found));
    if (board.identity.fault === undefined) this.#log.info({ lfdi: found.lfdi }, 'the identity is there again');
  }

  /** Which one is to be used: one whose renewal failed late lies on the disk, and may be in force already. */
  async #renew(): Promise<DeviceIdentity> {
    const { store, board } = this.#options;
    try {
      await store.renew(board.connection.origin);
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#log.warn({ reason: error.describe() }, 'the certificate is not renewed; it is tried again tomorrow');
    }
    return await store.load();
  }
}

function validityOf({ certificatePem }: BoardIdentity): ReturnType<typeof readCertificate> {
  const [certificate] = certificatesOf(certificatePem);
  if (certificate === undefined) throw new RangeError('TLS has taken an identity without a certificate');
  return readCertificate(certificate.raw);
}
