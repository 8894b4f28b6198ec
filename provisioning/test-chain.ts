import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { UnixSeconds } from '#hal/units.ts';
import { readCertificate } from './certificate-fields.ts';
import { extension, type Issuer } from './certificates.ts';
import {
  bitString,
  boolean,
  type Der,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  tlv,
  utf8String,
} from './der.ts';
import { hardwareModuleName, hardwareType, nameAttributes, policies } from './object-identifiers.ts';
import { algorithmOf, keySigner, signed } from './signer.ts';
import { authorityAmong, type TrustedAuthority } from './trusted-authority.ts';

/** The time of the chains that are made here. */
export const testNow = 1_790_000_000 as UnixSeconds;

/** A certificate with its private key in PEM. */
export interface TestCertificate extends Issuer {
  readonly keyPem: string;
}

export interface TestRequest {
  readonly name?: string;
  /** Of an authority: how many may stand below it. */
  readonly pathLength?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly policies?: readonly string[];
  /** First octet of keyUsage. */
  readonly keyUsage?: number;
  readonly more?: readonly Der[];
  readonly serial?: string | null;
  /** Of its key; P-256 unless told. */
  readonly curve?: 'P-384';
  /** The issuer's name as the certificate has it, encoded; the issuer's own subject unless told. */
  readonly issuerName?: Der;
}

/** Extensions that IEEE 2030.5 does not allow. */
export const badExtensions = {
  serverOnly: extension('extendedKeyUsage', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
  clientOnly: extension('extendedKeyUsage', sequence(objectIdentifier('1.3.6.1.5.5.7.3.2'))),
  codeSigning: extension('extendedKeyUsage', sequence(objectIdentifier('1.3.6.1.5.5.7.3.3')), true),
  nameConstraints: extension(
    'nameConstraints',
    sequence(tlv(0xa0, sequence(tlv(0x82, Buffer.from('x.example'))))),
    true,
  ),
  policyMappings: extension(
    'policyMappings',
    sequence(sequence(objectIdentifier(policies.genericDevice), objectIdentifier('1.2.3.4'))),
    true,
  ),
  unknown: sequence(objectIdentifier('1.2.3.4.5'), boolean(true), octetString(sequence())),
} as const;

/** A certificate of any kind, good or bad; signed by itself without an issuer. */
export async function testCertificate(request: TestRequest, issuer?: Issuer): Promise<TestCertificate> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: request.curve ?? 'P-256' });
  const signer = keySigner(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const subject =
    request.name === undefined
      ? sequence()
      : sequence(setOf(sequence(objectIdentifier(nameAttributes.CN), utf8String(request.name))));
  const isAuthority = request.pathLength !== undefined;
  const module = sequence(objectIdentifier(hardwareType), octetString(Buffer.from(request.serial ?? 'AMI-1')));
  const names = sequence(tlv(0xa0, objectIdentifier(hardwareModuleName), tlv(0xa0, module)));
  const issuedUnder = request.policies ?? [isAuthority ? policies.any : policies.genericDevice];
  const extensions = [
    ...(isAuthority
      ? [extension('basicConstraints', sequence(boolean(true), integer(request.pathLength ?? 0)), true)]
      : []),
    extension('keyUsage', bitString(Uint8Array.of(request.keyUsage ?? (isAuthority ? 0x06 : 0x88))), true),
    ...(isAuthority || request.serial === null ? [] : [extension('subjectAlternativeName', names, true)]),
    extension('certificatePolicies', sequence(...issuedUnder.map((id) => sequence(objectIdentifier(id)))), true),
    ...(isAuthority ? [extension('subjectKeyIdentifier', octetString(randomBytes(20)))] : []),
    ...(request.more ?? []),
  ];
  const by = issuer?.signer ?? signer;
  const toBeSigned = sequence(
    tlv(0xa0, integer(2)),
    integer(Buffer.concat([Uint8Array.of(0x41), randomBytes(8)])),
    algorithmOf(by),
    request.issuerName ?? (issuer === undefined ? subject : readCertificate(issuer.certificate).subject),
    sequence(time(request.notBefore ?? testNow - 3600), time(request.notAfter ?? testNow + 86_400)),
    subject,
    signer.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate: await signed(toBeSigned, by), signer, keyPem };
}

/** An authority below a trusted one that issued it. */
export function trustedBelow(certificate: Uint8Array, issuer: TrustedAuthority): TrustedAuthority {
  const authority = authorityAmong([issuer], readCertificate(certificate));
  if (authority === undefined) throw new TypeError('the other one did not issue it');
  return authority;
}
