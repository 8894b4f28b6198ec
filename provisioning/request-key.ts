import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { GridError, reasonOf } from '#hal/errors.ts';
import { bitsOf, elementOf, identifierOf, within } from './der-reader.ts';

/** Hashes of the signature algorithms that a request may be signed with. */
const hashes: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
};

const refused = (reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-005', `The certificate request is refused: ${reason}`, {
    kind: 'input',
    hint: 'Give a PKCS#10 request with a P-256 key: `openssl req -new -key device.key -subj / -out device.csr`.',
    cause,
  });

/** The public key of a certificate request (PKCS#10, PEM or DER). Throws GTX-PRV-005 for one that does not hold. */
export async function publicKeyOfRequest(csr: Uint8Array): Promise<KeyObject> {
  try {
    return keyOf(derOf(csr));
  } catch (error) {
    throw error instanceof GridError && error.code === 'GTX-PRV-005' ? error : refused(reasonOf(error), error);
  }
}

function derOf(csr: Uint8Array): Uint8Array {
  const text = Buffer.from(csr).toString('latin1');
  if (!text.includes('-----BEGIN')) return csr;
  const [, body] = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]*)-----END/.exec(text) ?? [];
  if (body === undefined) throw refused('its PEM holds something else');
  return Buffer.from(body, 'base64');
}

/** RFC 2986 §4: what is signed, the algorithm, the signature; the key is the third part of what is signed. */
function keyOf(der: Uint8Array): KeyObject {
  const [info, algorithm, signature] = within(elementOf(der));
  const spki = within(info)[2];
  if (info === undefined || spki === undefined) throw refused('it has no key');
  const hash = hashes[identifierOf(within(algorithm)[0])];
  if (hash === undefined) throw refused('it is signed with an algorithm that is not known here');
  const key = createPublicKey({ key: Buffer.from(spki.encoded), format: 'der', type: 'spki' });
  if (!verify(hash, info.encoded, key, bitsOf(signature))) throw refused('its signature does not match its key');
  return key;
}
