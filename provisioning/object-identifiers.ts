/** The HardwareModuleName of a subjectAltName's otherName (RFC 4108 §5). */
export const hardwareModuleName = '1.3.6.1.5.5.7.8.4';

/**
 * Our own arc, below the enterprise number that RFC 5612 keeps for examples: the project has none of its own yet.
 * An arc from a UUID (2.25.…) is no way out: RFC 5280 §B asks peers for arcs below 2^28 only, and GnuTLS fails on it.
 */
const gridTokenX = '1.3.6.1.4.1.32473.2030';

/** The hardware's type (hwType): a GridTokenX board or head-end. */
export const hardwareType = `${gridTokenX}.1`;

/** Certificate policies. */
export const policies = {
  any: '2.5.29.32.0',
  /** IEEE 2030.5: a generic device. */
  genericDevice: '1.3.6.1.4.1.40732.1.1',
  /** IEEE 2030.5: a mobile device. */
  mobileDevice: '1.3.6.1.4.1.40732.1.2',
  /** IEEE 2030.5: a device certified after it was made. */
  postManufacture: '1.3.6.1.4.1.40732.1.3',
  /** IEEE 2030.5: issued below a root for tests and campuses of one's own, not by the commercial authority. */
  testCertificate: '1.3.6.1.4.1.40732.2.1',
  /** IEEE 2030.5: signed by itself. */
  selfSigned: '1.3.6.1.4.1.40732.2.2',
  /** IEEE 2030.5: below the commercial authority. */
  commercial: '1.3.6.1.4.1.40732.2.3',
  /** Ours: the private key lies in a file; whoever can read the file can pose as the device. */
  softwareKey: `${gridTokenX}.2.1`,
  /** Ours: a birth certificate (IDevID), for ever, of the board itself. */
  birth: `${gridTokenX}.2.2`,
  /** Ours: an operational certificate (LDevID), renewed before it expires. */
  operational: `${gridTokenX}.2.3`,
} as const;

/** Policies by which any of IEEE 2030.5's devices is known. */
export const devicePolicies: readonly string[] = [
  policies.genericDevice,
  policies.mobileDevice,
  policies.postManufacture,
];

/** Certificate and revocation list extensions (RFC 5280 §4.2, §5.2) and OCSP's nonce (RFC 8954). */
export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  authorityInformationAccess: '1.3.6.1.5.5.7.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
} as const;

/** Extended key usages (RFC 5280 §4.2.1.12). */
export const extendedKeyUsages = {
  any: '2.5.29.37.0',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
} as const;

/** What an authorityInfoAccess leads to (RFC 5280 §4.2.2.1). */
export const accessMethods = { ocsp: '1.3.6.1.5.5.7.48.1' } as const;

/** Attributes of a distinguished name. */
export const nameAttributes = { CN: '2.5.4.3', O: '2.5.4.10' } as const;
