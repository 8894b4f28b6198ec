import type { UnixSeconds } from '#hal/units.ts';
import {
  alternativeNames,
  basicConstraints,
  type CertificateFields,
  certificatePolicies,
  keyUsage,
  keyUsageBits,
} from './certificate-fields.ts';
import { never } from './certificates.ts';
import { devicePolicies, extensionIds, policies } from './object-identifiers.ts';

interface Rule {
  readonly of: 'device' | 'authority' | 'both';
  readonly isKept: (certificate: CertificateFields) => boolean;
  readonly problem: string;
}

const isCritical = ({ extensions }: CertificateFields, id: string): boolean => extensions.get(id)?.critical === true;
const lacks =
  (id: string) =>
  (certificate: CertificateFields): boolean =>
    !certificate.extensions.has(id);
const uses = ({ extensions }: CertificateFields, ...bits: (keyof typeof keyUsageBits)[]): boolean =>
  bits.every((bit) => ((keyUsage(extensions) ?? 0) & keyUsageBits[bit]) !== 0);

/** IEEE 2030.5-2018 §8.11: certificates of devices, and of the authorities above them. */
const rules: readonly Rule[] = [
  {
    of: 'both',
    isKept: ({ signatureAlgorithm }) => signatureAlgorithm === '1.2.840.10045.4.3.2',
    problem: 'it is not signed with ecdsa-with-SHA256',
  },
  {
    of: 'device',
    isKept: ({ subject }) => subject.length === 2,
    problem: 'its subject is not empty: a device is known by its hardware, not by a name',
  },
  {
    of: 'device',
    isKept: ({ extensions, notAfter }) =>
      notAfter >= never || certificatePolicies(extensions).includes(policies.operational),
    problem: 'it expires: device certificates of IEEE 2030.5 end at 9999-12-31',
  },
  {
    of: 'both',
    isKept: (one) => isCritical(one, extensionIds.keyUsage),
    problem: 'its keyUsage is absent or not critical',
  },
  {
    of: 'device',
    isKept: (one) => uses(one, 'digitalSignature', 'keyAgreement'),
    problem: 'its keyUsage is not digitalSignature and keyAgreement',
  },
  {
    of: 'authority',
    isKept: (one) => uses(one, 'keyCertSign', 'cRLSign'),
    problem: 'its keyUsage is not keyCertSign and cRLSign',
  },
  {
    of: 'device',
    isKept: (one) => isCritical(one, extensionIds.subjectAlternativeName),
    problem: 'its subjectAltName is absent or not critical',
  },
  {
    of: 'device',
    isKept: ({ extensions }) => alternativeNames(extensions).hardware !== undefined,
    problem: 'its subjectAltName has no HardwareModuleName',
  },
  {
    of: 'device',
    isKept: (one) => isCritical(one, extensionIds.certificatePolicies),
    problem: 'its certificatePolicies are absent or not critical',
  },
  {
    of: 'device',
    isKept: ({ extensions }) => certificatePolicies(extensions).some((policy) => devicePolicies.includes(policy)),
    problem: 'none of its policies is one of a device of IEEE 2030.5 (1.3.6.1.4.1.40732.1.1 to .3)',
  },
  {
    of: 'device',
    isKept: ({ extensions }) => extensions.has(extensionIds.authorityKeyIdentifier),
    problem: 'it has no authorityKeyIdentifier',
  },
  {
    of: 'authority',
    isKept: (one) => isCritical(one, extensionIds.basicConstraints),
    problem: 'its basicConstraints are not critical',
  },
  {
    of: 'authority',
    isKept: ({ extensions }) => extensions.has(extensionIds.subjectKeyIdentifier),
    problem: 'it has no subjectKeyIdentifier',
  },
  { of: 'both', isKept: lacks(extensionIds.extendedKeyUsage), problem: 'it has an extendedKeyUsage' },
  { of: 'both', isKept: lacks(extensionIds.nameConstraints), problem: 'it has nameConstraints' },
  { of: 'both', isKept: lacks(extensionIds.policyMappings), problem: 'it has policyMappings' },
];

/** What is wrong with a certificate against the profile of IEEE 2030.5, and with its time. `key` names its kind. */
export function problemsOf(certificate: CertificateFields, key: string, now: UnixSeconds): string[] {
  const kind = basicConstraints(certificate.extensions)?.ca === true ? 'authority' : 'device';
  const broken = rules.filter((rule) => (rule.of === 'both' || rule.of === kind) && !rule.isKept(certificate));
  return [
    ...(key === 'P-256' ? [] : [`its key is ${key}: IEEE 2030.5 has P-256 only`]),
    ...broken.map(({ problem }) => problem),
    ...(now < certificate.notBefore ? ['it is not valid yet'] : []),
    ...(now > certificate.notAfter ? ['it has expired'] : []),
  ];
}
