import { createCipheriv, createPrivateKey, type KeyObject, randomBytes, type ScryptOptions, scrypt } from 'node:crypto';
import { GridError, reasonOf } from '#hal/errors.ts';
import { integer, objectIdentifier, octetString, sequence } from './der.ts';
import { elementOf, smallInteger, within } from './der-reader.ts';
import { pemOf } from './pem.ts';

/** Asked only when an encrypted key is met. */
export type PassphraseSource = () => Promise<string>;

const pbes2 = objectIdentifier('1.2.840.113549.1.5.13');
const scryptFunction = objectIdentifier('1.3.6.1.4.1.11591.4.11');
const aes256Cbc = objectIdentifier('2.16.840.1.101.3.4.1.42');
/** What OpenSSL takes for scrypt; with twice the cost it refuses to read (32 MiB is its limit). */
const cost = { N: 16_384, r: 8, p: 1 } as const;
const encryptedLabel = 'ENCRYPTED PRIVATE KEY';

export const isEncrypted = (pem: string): boolean => pem.includes(`-----BEGIN ${encryptedLabel}-----`);

/** A private key in PEM, encrypted: PKCS#8 with PBES2, scrypt (RFC 7914 §7) and AES-256-CBC. */
export async function encryptedKeyPem(key: KeyObject, passphrase: string): Promise<string> {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const secret = await derived(passphrase, salt);
  const cipher = createCipheriv('aes-256-cbc', secret, iv);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  secret.fill(0);
  const derivation = sequence(
    scryptFunction,
    sequence(octetString(salt), integer(cost.N), integer(cost.r), integer(cost.p)),
  );
  const scheme = sequence(pbes2, sequence(derivation, sequence(aes256Cbc, octetString(iv))));
  return pemOf(encryptedLabel, sequence(scheme, octetString(encrypted)));
}

const derived = (passphrase: string, salt: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options: ScryptOptions = { ...cost, maxmem: 64 * 1024 * 1024 };
    scrypt(Buffer.from(passphrase, 'utf8'), salt, 32, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });

/** Eight times what `encryptedKeyPem` asks for, hundreds of times what openssl does, and still about a second. */
const mostWork = { scrypt: 1 << 20, iterations: 1_000_000 } as const;

const noKey = (name: string, reason: string, cause?: unknown): GridError =>
  new GridError('GTX-PRV-034', `${name} holds no private key: ${reason}`, {
    kind: 'input',
    hint: 'It may be cut off: bring it back from a backup.',
    cause,
  });

/** A file says itself how much work opens it, and a damaged one may ask for years. Throws GTX-PRV-034. */
function checkWork(pem: string, name: string): void {
  try {
    const body = new RegExp(`-----BEGIN ${encryptedLabel}-----([^-]*)-----END`).exec(pem)?.[1] ?? '';
    const [scheme] = within(elementOf(Buffer.from(body, 'base64')));
    const [id, parameters] = within(scheme);
    const isPbes2 = Buffer.compare(id!.encoded, pbes2) === 0;
    // Older schemes are their own derivation.
    const [derivation, costs] = within(isPbes2 ? within(parameters)[0] : scheme);
    const [, first, second, third] = within(costs);
    const isScrypt = Buffer.compare(derivation!.encoded, scryptFunction) === 0;
    const work = isScrypt ? smallInteger(first) * smallInteger(second) * smallInteger(third) : smallInteger(first);
    if (work <= (isScrypt ? mostWork.scrypt : mostWork.iterations)) return;
  } catch (cause) {
    throw noKey(name, reasonOf(cause), cause);
  }
  throw noKey(name, 'it asks for too much work to be opened');
}

/** A private key that is not encrypted, in PEM. Throws GTX-PRV-034 for what is none. */
function plainKey(pem: string, name: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw noKey(name, reasonOf(cause), cause);
  }
}

/**
 * The private key of a PEM text, encrypted or not. Throws GTX-PRV-020 for a wrong passphrase, GTX-PRV-021 where one is
 * needed and there is none, GTX-PRV-034 for what is no key.
 */
export async function openKeyPem(pem: string, name: string, passphrase?: PassphraseSource): Promise<KeyObject> {
  if (!isEncrypted(pem)) return plainKey(pem, name);
  if (passphrase === undefined) {
    throw new GridError('GTX-PRV-021', `${name} is encrypted and no passphrase was given`, {
      kind: 'input',
      hint: 'Give it with --passphrase-file FILE or in GRIDTOKENX_CA_PASSPHRASE.',
    });
  }
  checkWork(pem, name);
  const text = await passphrase();
  try {
    return createPrivateKey({ key: pem, passphrase: text });
  } catch (cause) {
    // A wrong passphrase shows as wrong padding, or, one time in 256, as a content that is no key.
    throw new GridError('GTX-PRV-020', `The passphrase does not open ${name}`, {
      kind: 'input',
      hint: `Check it, and that the file is whole (${reasonOf(cause)}).`,
      cause,
    });
  }
}
