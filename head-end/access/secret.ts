import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, 43 characters. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** SHA-256: what is kept of a secret that is random already, so that a stolen database opens nothing. */
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** An API key as a program shows it: the id tells which, the secret proves it. */
export interface KeyText {
  readonly id: string;
  readonly secret: string;
}

export const newKeyId = (): string => randomBytes(6).toString('hex');
export const keyText = ({ id, secret }: KeyText): string => `gtx_${id}_${secret}`;

/** Undefined for what is no API key. */
export function readKey(text: string): KeyText | undefined {
  const [, id, secret] = /^gtx_([0-9a-f]{12})_([\w-]{43})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}
