import { createPublicKey, type KeyObject } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { alternativeNames, certificatePolicies, readCertificate } from './certificate-fields.ts';
import { policies } from './object-identifiers.ts';
import { isProfile, type Profile, profiles } from './validity.ts';

export interface DeviceOrder {
  /** The hardware's serial number, 1 to 64 bytes of UTF-8. */
  readonly serial: string;
  /** The device's public key, on P-256. */
  readonly publicKey: KeyObject;
  /** Where its private key lives; a software key is marked in the certificate's policies. */
  readonly keyIn: 'file' | 'elsewhere';
  /** DNS names and IP addresses, for a server. */
  readonly hosts?: readonly string[];
  /** `device` (IEEE 2030.5's own, for ever) unless told. */
  readonly profile?: Profile;
  /** Of an operational certificate, 1 to 3650; 90 unless told. */
  readonly days?: number;
}

/** A certificate that nothing can take the place of. */
export const notRenewable = (reason: string): GridError =>
  new GridError('GTX-PRV-025', `The certificate cannot be renewed: ${reason}`, {
    kind: 'input',
    hint: '`gridtokenx provision issue` makes a new identity.',
  });

/** The order that a certificate was issued by. */
export function orderOf(certificate: Uint8Array): DeviceOrder {
  const { spki, extensions } = readCertificate(certificate);
  const { hardware, hosts } = alternativeNames(extensions);
  if (hardware === undefined) throw notRenewable('it names no hardware: it is no certificate of IEEE 2030.5');
  const issuedUnder = certificatePolicies(extensions);
  const has = (names: readonly string[]): boolean => names.every((name) => issuedUnder.includes(name));
  const profile = Object.keys(profiles)
    .filter(isProfile)
    .findLast((name) => has(profiles[name].policies));
  return {
    serial: hardware.serial,
    publicKey: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
    keyIn: has([policies.softwareKey]) ? 'file' : 'elsewhere',
    ...(hosts.length > 0 && { hosts }),
    ...(profile !== undefined && { profile }),
  };
}

/** Throws GTX-PRV-004 for a serial number, key or number of days that cannot be. */
export function checkOrder({ serial, publicKey, days }: DeviceOrder): void {
  const length = Buffer.byteLength(serial);
  if (length < 1 || length > 64) {
    throw new GridError('GTX-PRV-004', `A device's serial number has 1 to 64 bytes, not ${length}`, { kind: 'input' });
  }
  if (publicKey.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new GridError('GTX-PRV-004', 'IEEE 2030.5 allows keys on the curve P-256 only', {
      kind: 'input',
      hint: '`openssl ecparam -name prime256v1 -genkey -noout -out device.key` makes one.',
    });
  }
  if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= 3650)) {
    throw new GridError('GTX-PRV-004', `An operational certificate lasts 1 to 3650 days, not ${days}`, {
      kind: 'input',
    });
  }
}
