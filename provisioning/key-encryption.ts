import { createCipheriv, createPrivateKey, type KeyObject, randomBytes, type ScryptOptions, scrypt } from 'node:crypto';
import { GridError, reasonOf } from '#hal/errors.ts';
import { integer, objectIdentifier, octetString, sequence } from './der.ts';
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

/**
 * The private key of a PEM text, encrypted or not. Throws GTX-PRV-020 for a wrong passphrase, GTX-PRV-021 where one is
 * needed and there is none, and OpenSSL's errors for what is no key.
 */
export async function openKeyPem(pem: string, name: string, passphrase?: PassphraseSource): Promise<KeyObject> {
  if (!isEncrypted(pem)) return createPrivateKey(pem);
  if (passphrase === undefined) {
    throw new GridError('GTX-PRV-021', `${name} is encrypted and no passphrase was given`, {
      kind: 'input',
      hint: 'Give it with --passphrase-file FILE or in GRIDTOKENX_CA_PASSPHRASE.',
    });
  }
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
