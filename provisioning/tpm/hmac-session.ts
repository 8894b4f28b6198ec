import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import { kdfA } from './key-derivation.ts';
import { u8, u32 } from './wire.ts';

/** TPMA_SESSION (TPM 2.0 part 2 §8.4). */
const continueSession = 0x01;
const decryptCommand = 0x20;
const encryptResponse = 0x40;

const hash = 'sha256';
const keyBits = 128;
const blockBits = 128;

export const sessionKeyOf = (salt: Uint8Array, nonceTpm: Uint8Array, nonceCaller: Uint8Array): Buffer =>
  kdfA(salt, { hash, label: 'ATH', contextU: nonceTpm, contextV: nonceCaller, bits: 256 });

/** What a session adds to a command, or says of a response. */
export interface SessionPart {
  readonly nonce: Uint8Array;
  readonly attributes: number;
  readonly hmac: Uint8Array;
}

/** A command on its way to the TPM: its first parameter may be encrypted in it. */
export interface OutgoingCommand {
  readonly code: number;
  readonly names: readonly Uint8Array[];
  readonly parameters: Uint8Array;
  readonly encryptable: { readonly command: boolean; readonly response: boolean };
}

/** The command in the form in which it goes out, and how to read what comes back. */
export interface ProtectedCommand {
  readonly parameters: Uint8Array;
  readonly part: SessionPart;
  /** The response's parameters, decrypted. Throws GTX-TPM-006 where it does not come from this session's TPM. */
  open(parameters: Uint8Array, part: SessionPart): Uint8Array;
}

/** The response has been changed on its way, or another TPM gave it (GTX-TPM-006). */
export const forged = (reason: string): GridError =>
  new GridError('GTX-TPM-006', `The TPM's answer cannot be trusted: ${reason}`, {
    hint: 'Something between the program and the TPM changes what passes: look at the SPI wiring for what is not ours.',
  });

/**
 * A salted HMAC session (TPM 2.0 part 1 §19 and §21): who listens on the bus sees the first parameter of commands and
 * responses encrypted, and who changes a bit is found out. It authorises keys and hierarchies without a password.
 * One command at a time.
 */
export class HmacSession {
  readonly handle: number;
  readonly #key: Buffer;
  #nonceTpm: Uint8Array;

  constructor(handle: number, key: Buffer, nonceTpm: Uint8Array) {
    this.handle = handle;
    this.#key = key;
    this.#nonceTpm = nonceTpm;
  }

  protect(command: OutgoingCommand): ProtectedCommand {
    const { code, encryptable, names } = command;
    const nonceCaller = randomBytes(32);
    const attributes =
      continueSession | (encryptable.command ? decryptCommand : 0) | (encryptable.response ? encryptResponse : 0);
    const parameters = encryptable.command
      ? this.#encrypt(command.parameters, nonceCaller, this.#nonceTpm)
      : command.parameters;
    const cpHash = createHash(hash)
      .update(Buffer.concat([u32.write(code), ...names, parameters]))
      .digest();
    const hmac = this.#hmac(cpHash, nonceCaller, this.#nonceTpm, attributes);
    return {
      parameters,
      part: { nonce: nonceCaller, attributes, hmac },
      open: (answered, part) => {
        const rpHash = createHash(hash)
          .update(Buffer.concat([u32.write(0), u32.write(code), answered]))
          .digest();
        const expected = this.#hmac(rpHash, part.nonce, nonceCaller, part.attributes);
        if (part.hmac.length !== expected.length || !timingSafeEqual(part.hmac, expected)) {
          throw forged("its session's HMAC does not hold");
        }
        this.#nonceTpm = part.nonce;
        return encryptable.response ? this.#decrypt(answered, part.nonce, nonceCaller) : answered;
      },
    };
  }

  #hmac(pHash: Uint8Array, newer: Uint8Array, older: Uint8Array, attributes: number): Buffer {
    return createHmac(hash, this.#key)
      .update(Buffer.concat([pHash, newer, older, u8.write(attributes)]))
      .digest();
  }

  #cipher(newer: Uint8Array, older: Uint8Array): { key: Buffer; iv: Buffer } {
    const bits = keyBits + blockBits;
    const bytes = kdfA(this.#key, { hash, label: 'CFB', contextU: newer, contextV: older, bits });
    return { key: bytes.subarray(0, keyBits / 8), iv: bytes.subarray(keyBits / 8) };
  }

  #encrypt(parameters: Uint8Array, newer: Uint8Array, older: Uint8Array): Uint8Array {
    const { key, iv } = this.#cipher(newer, older);
    return changeFirst(parameters, (content) => createCipheriv('aes-128-cfb', key, iv).update(content));
  }

  #decrypt(parameters: Uint8Array, newer: Uint8Array, older: Uint8Array): Uint8Array {
    const { key, iv } = this.#cipher(newer, older);
    return changeFirst(parameters, (content) => createDecipheriv('aes-128-cfb', key, iv).update(content));
  }
}

/** Replaces the content of the first, sized parameter; its length stays in the clear. */
function changeFirst(parameters: Uint8Array, change: (content: Uint8Array) => Uint8Array): Uint8Array {
  const end = 2 + Buffer.from(parameters).readUInt16BE(0);
  return Buffer.concat([parameters.subarray(0, 2), change(parameters.subarray(2, end)), parameters.subarray(end)]);
}
