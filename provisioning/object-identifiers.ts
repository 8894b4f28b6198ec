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
  /** IEEE 2030.5: issued below a root for tests and campuses of one's own, not by the commercial authority. */
  testCertificate: '1.3.6.1.4.1.40732.2.1',
  /** Ours: the private key lies in a file; whoever can read the file can pose as the device. */
  softwareKey: `${gridTokenX}.2.1`,
} as const;
