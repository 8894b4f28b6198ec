import { randomBytes, verify } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { TpmPort } from '#hal/key-store.ts';
import { monotonicMs } from '#hal/wall.ts';
import { verifyCertify, verifyQuote } from './attestation.ts';
import { publicKeyOf } from './public-key.ts';
import { attestationKey, signingKey, storageRootKey } from './templates.ts';
import { sha256, Tpm } from './tpm.ts';

/** How long one of a TPM's commands took, ms. */
export interface SelfTestStep {
  readonly step: string;
  readonly times: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

export interface SelfTestOptions {
  /** How often it signs, quotes and certifies; the rest is done once. */
  readonly rounds: number;
  /** Told of every step when it is done. */
  readonly onStep?: (step: SelfTestStep) => void;
}

/** The registers that firmware and boot loader write. */
const quoted = [0, 1, 2, 3, 4, 5, 6, 7] as const;

const failed = (what: string): GridError =>
  new GridError('GTX-TPM-033', `The TPM fails its self-test: ${what}`, {
    hint: 'Start the board again and repeat; a TPM that fails twice, or its wiring, has to be replaced.',
  });

/**
 * Does with a TPM all that a board asks of it, checks each answer without it, and measures how long it takes. Keys that
 * it makes are gone afterwards, and those of the board are not touched. Throws GTX-TPM-033 for a wrong answer, and what
 * `Tpm` and the checks of attestations throw.
 */
export async function selfTest(port: TpmPort, { rounds, onStep }: SelfTestOptions): Promise<SelfTestStep[]> {
  const steps: SelfTestStep[] = [];
  const measured = async <T>(step: string, times: number, action: () => Promise<T>): Promise<T> => {
    const taken: number[] = [];
    let result: T;
    do {
      const started = monotonicMs();
      result = await action();
      taken.push(monotonicMs() - started);
    } while (taken.length < times);
    taken.sort((a, b) => a - b);
    const done = { step, times, medianMs: taken[taken.length >> 1]!, worstMs: taken.at(-1)! };
    steps.push(done);
    onStep?.(done);
    return result;
  };
  await using tpm = new Tpm(port);
  await measured('start', 1, () => tpm.start());
  await measured('random', rounds, () => tpm.random(32));
  await signing(tpm, rounds, measured);
  await attesting(tpm, rounds, measured);
  return steps;
}

type Measured = <T>(step: string, times: number, action: () => Promise<T>) => Promise<T>;

/** A key as a board makes it, and its signatures. */
async function signing(tpm: Tpm, rounds: number, measured: Measured): Promise<void> {
  await using parent = await measured('create primary', 1, () => tpm.createPrimary('owner', storageRootKey));
  const wrapped = await measured('create', 1, () => tpm.create(parent, signingKey));
  await using key = await measured('load', 1, () => tpm.load(parent, wrapped));
  const publicKey = publicKeyOf(key.area);
  await measured('sign', rounds, async () => {
    const message = randomBytes(64);
    const signature = await tpm.sign(key, sha256(message));
    if (!verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
      throw failed('a signature does not match its key');
    }
  });
}

/** What a TPM says of its keys and registers, as at an enrolment; both keys are in slots, and nothing is kept. */
async function attesting(tpm: Tpm, rounds: number, measured: Measured): Promise<void> {
  await using attester = await tpm.createPrimary('owner', attestationKey);
  await using key = await tpm.createPrimary('owner', signingKey);
  await measured('certify', rounds, async () => {
    const nonce = randomBytes(32);
    const attestation = await tpm.certify(key, attester, nonce);
    verifyCertify({ attestation, by: attester.area, nonce, key: key.area });
  });
  const values = await measured('read registers', 1, () => tpm.pcrRead(quoted));
  const pcrs = new Map(quoted.map((index, at) => [index, values[at]!]));
  await measured('quote', rounds, async () => {
    const nonce = randomBytes(32);
    const attestation = await tpm.quote(attester, nonce, quoted);
    verifyQuote({ attestation, by: attester.area, nonce, pcrs });
  });
}
