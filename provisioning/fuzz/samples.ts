import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import type { UnixSeconds } from '#hal/units.ts';
import { publicKeyBits, readCertificate } from '../certificate-fields.ts';
import { extension } from '../certificates.ts';
import { bitString, integer, objectIdentifier, octetString, sequence, tlv } from '../der.ts';
import { contentOf, elementOf, within } from '../der-reader.ts';
import { encryptedKeyPem } from '../key-encryption.ts';
import { policies } from '../object-identifiers.ts';
import { ocspResponse, readOcspRequest } from '../ocsp.ts';
import { certificatePem, pemOf, privateKeyPem } from '../pem.ts';
import { issueRevocationList } from '../revocation-list.ts';
import { type TestCertificate, testCertificate, testNow } from '../test-chain.ts';
import { attestationKey } from '../tpm/templates.ts';
import type { EccPublicArea } from '../tpm/structures.ts';

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
/** Of TPMs' makers: the use of an endorsement key (TCG EK Credential Profile §3.2.16). */
const endorsementUsage = extension('extendedKeyUsage', sequence(objectIdentifier('2.23.133.8.1')));

export const passphrase = 'four words that belong';

/** Real ones of everything that comes from outside, and the keys by which changed ones are signed again. */
export interface Samples {
  readonly root: TestCertificate;
  readonly issuing: TestCertificate;
  readonly device: TestCertificate;
  readonly list: Uint8Array;
  readonly request: Uint8Array;
  readonly ocspRequest: Uint8Array;
  /** What the issuing authority says of the device: that it is good. */
  readonly ocspResponse: Uint8Array;
  readonly endorsement: Uint8Array;
  /** A key in a file, open and encrypted, PEM. */
  readonly keys: readonly string[];
  /** What stands for a TPM that lies: an attestation key outside of one. */
  readonly attester: { readonly key: KeyObject; readonly area: EccPublicArea };
}

export async function madeSamples(): Promise<Samples> {
  const root = await testCertificate({ name: 'root', pathLength: 2 });
  const issuing = await testCertificate({ name: 'issuing', pathLength: 0 }, root);
  const device = await testCertificate({ policies: [policies.genericDevice, policies.operational] }, issuing);
  const endorsement = await testCertificate({ serial: null, keyUsage: 0x08, more: [endorsementUsage] }, root);
  const revoked = [{ number: '4101', at: testNow, reason: 'keyCompromise' }] as const;
  const list = await issueRevocationList(
    { number: 7, thisUpdate: testNow, nextUpdate: (testNow + 3600) as UnixSeconds, revoked },
    issuing,
  );
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const request = signedAgain(sequence(integer(0), sequence(), spki, tlv(0xa0)), privateKey);
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const unique = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  const ocspRequest = ocspRequestOf(issuing.certificate, device.certificate);
  const answers = readOcspRequest(ocspRequest)!.questions.map((question) => ({ question, status: 'good' }) as const);
  const times = { thisUpdate: testNow, nextUpdate: (testNow + 3600) as UnixSeconds };
  return {
    root,
    issuing,
    device,
    list,
    request,
    ocspRequest,
    ocspResponse: await ocspResponse(answers, issuing, times),
    endorsement: endorsement.certificate,
    keys: [privateKeyPem(privateKey), await encryptedKeyPem(privateKey, passphrase)],
    attester: { key: privateKey, area: { ...attestationKey, unique } },
  };
}

/** What is signed of a certificate, a list or a request. */
export const signedPart = (encoded: Uint8Array): Uint8Array => within(elementOf(encoded))[0]!.encoded;

/** The part of an OCSP response that is signed, and one made of any octets with a signature that holds. */
export const signedOcspPart = (response: Uint8Array): Uint8Array =>
  signedPart(contentOf(within(within(within(elementOf(response))[1], 0xa0)[0])[1], 0x04));
export const ocspSignedAgain = (toBeSigned: Uint8Array, key: KeyObject): Uint8Array => {
  const body = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octetString(signedAgain(toBeSigned, key)));
  return sequence(tlv(0x0a, Uint8Array.of(0)), tlv(0xa0, body));
};

/** Any octets as if they were what is signed, with a signature that holds. */
export const signedAgain = (toBeSigned: Uint8Array, key: KeyObject): Uint8Array =>
  sequence(toBeSigned, sequence(objectIdentifier(ecdsaWithSha256)), bitString(sign('sha256', toBeSigned, key)));

const sha1 = (octets: Uint8Array): Buffer => createHash('sha1').update(octets).digest();

function ocspRequestOf(issuer: Uint8Array, certificate: Uint8Array): Uint8Array {
  const { subject, spki } = readCertificate(issuer);
  const id = sequence(
    sequence(objectIdentifier('1.3.14.3.2.26'), tlv(0x05)),
    octetString(sha1(subject)),
    octetString(sha1(publicKeyBits(spki))),
    integer(Buffer.from(readCertificate(certificate).number, 'hex')),
  );
  const nonce = extension('ocspNonce', octetString(Buffer.alloc(16, 7)));
  return sequence(sequence(sequence(sequence(id)), tlv(0xa2, sequence(nonce))));
}

/** The samples as files that a person may have, PEM and DER. */
export const filesOf = ({ root, issuing, device, list, request, keys }: Samples): Uint8Array[] =>
  [
    [device, issuing, root].map(({ certificate }) => certificatePem(certificate)).join(''),
    pemOf('X509 CRL', list),
    pemOf('CERTIFICATE REQUEST', request),
    pemOf('TPM KEY', Buffer.from('tcp|81000001')),
    ...keys,
  ].map((text): Uint8Array => Buffer.from(text));

export const x509Of = ({ certificate }: TestCertificate): X509Certificate => new X509Certificate(certificate);
