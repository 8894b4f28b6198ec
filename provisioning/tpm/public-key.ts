import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { GridError, reasonOf } from '#hal/errors.ts';
import { type Curve, hashAlgorithm, type PublicArea, publicArea, type Signature } from './structures.ts';

/** Octets of a coordinate. */
const coordinateSize: Readonly<Record<Curve, number>> = { 'P-256': 32, 'P-384': 48 };

/** An exponent of 0 in a public area means this one. */
const usualExponent = 65537;

/** A key that the TPM's format allows and we cannot use (GTX-TPM-008). */
export const unsupported = (reason: string, cause?: unknown): GridError =>
  new GridError('GTX-TPM-008', `The key cannot be used: ${reason}`, { cause });

/** The Name of a key: its name algorithm and the hash of its public area (TPM 2.0 part 1 §16). */
export function nameOf(area: PublicArea): Uint8Array {
  const hash = createHash(area.nameAlgorithm).update(publicArea.write(area)).digest();
  return Buffer.concat([hashAlgorithm.write(area.nameAlgorithm), hash]);
}

/** Some TPMs leave out leading zeros; elsewhere a coordinate has its whole size. */
function padded(coordinate: Uint8Array, size: number): Buffer {
  if (coordinate.length > size) throw unsupported(`a coordinate has ${coordinate.length} octets where ${size} belong`);
  return Buffer.concat([Buffer.alloc(size - coordinate.length), coordinate]);
}

/** An EC key's coordinates, in full length. */
export function pointOf(area: Extract<PublicArea, { type: 'ecc' }>): { readonly x: Buffer; readonly y: Buffer } {
  const size = coordinateSize[area.curve];
  return { x: padded(area.unique.x, size), y: padded(area.unique.y, size) };
}

function jwkOf(area: PublicArea): JsonWebKey {
  if (area.type === 'ecc') {
    const { x, y } = pointOf(area);
    return { kty: 'EC', crv: area.curve, x: x.toString('base64url'), y: y.toString('base64url') };
  }
  const exponent = Buffer.alloc(4);
  exponent.writeUInt32BE(area.exponent === 0 ? usualExponent : area.exponent);
  return { kty: 'RSA', n: Buffer.from(area.unique).toString('base64url'), e: exponent.toString('base64url') };
}

/** The key of a public area. Throws GTX-TPM-008 where its numbers are no key (a point off the curve). */
export function publicKeyOf(area: PublicArea): KeyObject {
  const key = jwkOf(area);
  try {
    return createPublicKey({ format: 'jwk', key });
  } catch (error) {
    throw unsupported(reasonOf(error), error);
  }
}

/** An ECDSA signature on P-256 as r ‖ s, 32 octets each (IEEE P1363). Throws GTX-TPM-008 for another kind. */
export function p1363Of(signature: Signature): Uint8Array {
  if (signature.scheme !== 'ecdsa') throw unsupported(`it signs with ${signature.scheme} instead of ECDSA`);
  return Buffer.concat([padded(signature.r, 32), padded(signature.s, 32)]);
}
