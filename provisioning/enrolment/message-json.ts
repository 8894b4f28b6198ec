import { type Static, Type, type TSchema } from '#hal/schema.ts';
import { schemaFaults } from '#hal/schema-faults.ts';
import { GridError } from '#hal/errors.ts';
import { publicKeyOfRequest } from '../request-key.ts';
import type { Attestation } from '../tpm/objects.ts';
import { signature } from '../tpm/structures.ts';
import { parse } from '../tpm/wire.ts';
import type { ChallengeMessage, FinishMessage, StartMessage } from './messages.ts';

/** The messages of an enrolment as JSON (RFC 8259) over HTTPS: octets stand in base64. */

export const octets = (most: number, description: string) =>
  Type.String({
    maxLength: 4 * Math.ceil(most / 3),
    pattern: '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
    contentEncoding: 'base64',
    description,
  });
const closed = { additionalProperties: false } as const;
const name = (description: string) => Type.String({ minLength: 1, maxLength: 64, description });

const RoleSchema = Type.Enum(['birth', 'operational'], {
  description: 'birth: proves the board itself, without expiry. operational: what TLS to this head-end uses; renewed.',
});
export const AttestationSchema = Type.Object(
  { attested: octets(2048, 'TPMS_ATTEST'), signature: octets(1024, 'TPMT_SIGNATURE, by the attestation key') },
  closed,
);

/** The first message. */
export const StartSchema = Type.Object(
  {
    serial: name('Serial number of the board'),
    building: name('Meter id of the building that it was flashed for'),
    role: RoleSchema,
    endorsementCertificate: octets(8192, "The maker's certificate of the TPM's endorsement key, DER"),
    attestationKey: octets(1024, 'TPMT_PUBLIC of the attestation key'),
    deviceKey: octets(1024, 'TPMT_PUBLIC of the key that a certificate is wanted for'),
  },
  closed,
);

/** The answer to it. */
export const ChallengeSchema = Type.Object(
  {
    enrolment: Type.String({ minLength: 1, maxLength: 64, description: 'Names this enrolment; good for one answer' }),
    credential: Type.Object(
      { credential: octets(1024, 'TPM2B_ID_OBJECT'), encryptedSecret: octets(1024, 'TPM2B_ENCRYPTED_SECRET') },
      { ...closed, description: 'For TPM2_ActivateCredential; the content without the sizes' },
    ),
    nonce: octets(64, 'qualifyingData of TPM2_Certify and TPM2_Quote'),
    pcrs: Type.Array(Type.Integer({ minimum: 0, maximum: 23 }), {
      maxItems: 24,
      description: 'Registers of the SHA-256 bank that have to be quoted; none where there is no rule for them',
    }),
  },
  closed,
);

/** The last message. */
export const FinishSchema = Type.Object(
  {
    enrolment: Type.String({ minLength: 1, maxLength: 64 }),
    secret: octets(64, 'What TPM2_ActivateCredential gave'),
    certify: AttestationSchema,
    quote: Type.Optional(AttestationSchema),
    request: octets(4096, 'Certificate request for the device key (PKCS#10, DER), signed by it'),
  },
  closed,
);

/** The answer to it. */
export const IssuedSchema = Type.Object(
  {
    chain: Type.String({
      maxLength: 32_768,
      description: 'The certificate and those above it, without the root, in PEM',
    }),
  },
  closed,
);

export type StartJson = Static<typeof StartSchema>;
export type ChallengeJson = Static<typeof ChallengeSchema>;
export type FinishJson = Static<typeof FinishSchema>;
export type IssuedJson = Static<typeof IssuedSchema>;

export const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
export const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/** A message held against its schema. Throws GTX-ENR-008 with the place, as a JSON pointer, of its first fault. */
export function checkedMessage<S extends TSchema>(schema: S, message: unknown): Static<S> {
  const [fault] = schemaFaults(schema, message);
  if (fault === undefined) return message as Static<S>;
  const place = fault.path.length === 0 ? 'It' : fault.path.map((part) => `/${part}`).join('');
  throw new GridError('GTX-ENR-008', `The enrolment message does not hold: ${place} breaks the rule "${fault.rule}"`, {
    hint: "The service's /openapi.json has the schema of each message.",
  });
}

export const startJson = (message: StartMessage): StartJson => ({
  serial: message.serial,
  building: message.building,
  role: message.role,
  endorsementCertificate: base64Of(message.endorsementCertificate),
  attestationKey: base64Of(message.attestationKey),
  deviceKey: base64Of(message.deviceKey),
});

export const startOf = (json: StartJson): StartMessage => ({
  ...json,
  endorsementCertificate: bytesOf(json.endorsementCertificate),
  attestationKey: bytesOf(json.attestationKey),
  deviceKey: bytesOf(json.deviceKey),
});

export const challengeJson = ({ enrolment, credential, nonce, pcrs }: ChallengeMessage): ChallengeJson => ({
  enrolment,
  credential: { credential: base64Of(credential.credential), encryptedSecret: base64Of(credential.encryptedSecret) },
  nonce: base64Of(nonce),
  pcrs: [...pcrs],
});

export const challengeOf = ({ enrolment, credential, nonce, pcrs }: ChallengeJson): ChallengeMessage => ({
  enrolment,
  credential: { credential: bytesOf(credential.credential), encryptedSecret: bytesOf(credential.encryptedSecret) },
  nonce: bytesOf(nonce),
  pcrs,
});

export const attestationJson = (one: Attestation): Static<typeof AttestationSchema> => ({
  attested: base64Of(one.attested),
  signature: base64Of(signature.write(one.signature)),
});
export const attestationOf = (json: Static<typeof AttestationSchema>): Attestation => ({
  attested: bytesOf(json.attested),
  signature: parse(signature, bytesOf(json.signature)),
});

/** `request`: the certificate request, in which the key goes. */
export const finishJson = (message: Omit<FinishMessage, 'requestKey'>, request: Uint8Array): FinishJson => ({
  enrolment: message.enrolment,
  secret: base64Of(message.secret),
  certify: attestationJson(message.certify),
  ...(message.quote !== undefined && { quote: attestationJson(message.quote) }),
  request: base64Of(request),
});

/** Throws GTX-TPM-003 for a signature that is none, GTX-PRV-005 for a certificate request that does not hold. */
export const finishOf = async (json: FinishJson): Promise<FinishMessage> => ({
  enrolment: json.enrolment,
  secret: bytesOf(json.secret),
  certify: attestationOf(json.certify),
  ...(json.quote !== undefined && { quote: attestationOf(json.quote) }),
  requestKey: await publicKeyOfRequest(bytesOf(json.request)),
});
