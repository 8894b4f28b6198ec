import { ask } from './ask.js';

/** Why a passkey cannot be used here; undefined where it can. */
export function noPasskeys() {
  if (typeof PublicKeyCredential === 'undefined') return 'This browser has no passkeys.';
  if (/^[\d.]+$|^\[/.test(location.hostname)) {
    const port = location.port === '' ? '' : `:${location.port}`;
    return `Passkeys need a name: open this page as ${location.protocol}//localhost${port}`;
  }
  return undefined;
}

/**
 * What the person cancelled, or the device refused, in words.
 * @param {unknown} error
 */
function inWords(error) {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError') return new Error('Nothing was done: it was cancelled, or took too long');
  if (name === 'InvalidStateError') return new Error('This device has a passkey of yours already');
  return error;
}

/** Signs in with any passkey that the device has for this site. */
export async function signInByPasskey() {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await ask('POST', '/access/passkey-request'));
  const credential = await navigator.credentials.get({ publicKey }).catch((error) => {
    throw inWords(error);
  });
  if (!(credential instanceof PublicKeyCredential)) throw new Error('The browser gave no passkey');
  return ask('POST', '/access/passkey-sign-in', { answer: credential.toJSON() });
}

/**
 * Makes a passkey for the person who is signed in.
 * @param {string} name
 */
export async function makePasskey(name) {
  const options = await ask('POST', '/access/account/passkey-creation');
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey }).catch((error) => {
    throw inWords(error);
  });
  if (!(credential instanceof PublicKeyCredential)) throw new Error('The browser made no passkey');
  return ask('POST', '/access/account/passkeys', { name, answer: credential.toJSON() });
}
