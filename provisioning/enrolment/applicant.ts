import type { KeyRole } from '#hal/key-store.ts';
import type { Attestation } from '../tpm/objects.ts';
import { publicArea } from '../tpm/structures.ts';
import type { TpmKeys } from '../tpm/tpm-keys.ts';
import type { ChallengeMessage, FinishMessage, StartMessage } from './messages.ts';

/** The board's side of an enrolment. What the TPM refuses is told by `TpmKeys`. */

/** The first message: a certificate is wanted for the key of a role. */
export async function startEnrolment(
  keys: TpmKeys,
  role: KeyRole,
  board: { readonly serial: string; readonly building: string },
): Promise<StartMessage> {
  const { certificate } = await keys.endorsement();
  const { area } = await keys.signingKey(role);
  return {
    serial: board.serial,
    building: board.building,
    role,
    endorsementCertificate: certificate.raw,
    attestationKey: publicArea.write(await keys.attestationKey()),
    deviceKey: publicArea.write(area),
  };
}

/** The answer to a challenge, but for the certificate request. */
export async function answerChallenge(
  keys: TpmKeys,
  role: KeyRole,
  { enrolment, credential, nonce, pcrs }: ChallengeMessage,
): Promise<Omit<FinishMessage, 'requestKey'>> {
  const secret = await keys.activate(credential);
  const certify = await keys.certify(role, nonce);
  const quote: Attestation | undefined = pcrs.length > 0 ? await keys.quote(nonce, pcrs) : undefined;
  return { enrolment, secret, certify, ...(quote !== undefined && { quote }) };
}
