/**
 * What a TPM's response code says, in words (TPM 2.0 part 2 §6.6.3). Format-1 codes (bit 7) tell which parameter,
 * handle or session is at fault; the others are warnings (bit 11) or plain errors.
 */

/** RC_FMT1: a parameter, a handle or a session is at fault. */
const faults: Readonly<Record<number, string>> = {
  0x01: 'asymmetric algorithm not supported or not correct (ASYMMETRIC)',
  0x02: 'inconsistent attributes (ATTRIBUTES)',
  0x03: 'hash algorithm not supported or not appropriate (HASH)',
  0x04: 'value out of range or not correct for the context (VALUE)',
  0x05: 'hierarchy not enabled or not correct for the use (HIERARCHY)',
  0x07: 'key size not supported (KEY_SIZE)',
  0x08: 'mask generation function not supported (MGF)',
  0x09: 'mode of operation not supported (MODE)',
  0x0a: 'type of the value not appropriate (TYPE)',
  0x0b: 'handle not correct for the use (HANDLE)',
  0x0c: 'unsupported key derivation function (KDF)',
  0x0d: 'value out of the allowed range (RANGE)',
  0x0e: 'authorization failed, and the failure was counted (AUTH_FAIL)',
  0x0f: 'invalid nonce size or nonce value (NONCE)',
  0x10: 'physical presence is needed (PP)',
  0x12: 'unsupported or incompatible scheme (SCHEME)',
  0x15: 'structure of the wrong size (SIZE)',
  0x16: 'unsupported symmetric algorithm or key size (SYMMETRIC)',
  0x17: 'incorrect structure tag (TAG)',
  0x18: 'unknown selector of a union (SELECTOR)',
  0x1a: 'too few octets to read a value (INSUFFICIENT)',
  0x1b: 'the signature does not hold (SIGNATURE)',
  0x1c: 'key fields are not compatible with the use (KEY)',
  0x1d: 'a policy check failed (POLICY_FAIL)',
  0x1f: 'integrity check failed: it was made for another key, name or TPM (INTEGRITY)',
  0x20: 'invalid ticket (TICKET)',
  0x21: 'reserved bits are not zero (RESERVED_BITS)',
  0x22: 'authorization failed (BAD_AUTH)',
  0x23: 'the policy has expired (EXPIRED)',
  0x24: 'the policy is for another command (POLICY_CC)',
  0x25: 'public and sensitive part do not belong together (BINDING)',
  0x26: 'curve not supported (CURVE)',
  0x27: 'the point is not on the curve (ECC_POINT)',
};

/** RC_VER1: an error that no parameter is to blame for. */
const errors: Readonly<Record<number, string>> = {
  0x00: 'the TPM is not started (INITIALIZE)',
  0x01: 'the TPM is in failure mode: power it off and on (FAILURE)',
  0x03: 'improper use of a sequence (SEQUENCE)',
  0x19: 'disabled in this TPM (DISABLED)',
  0x20: 'command refused: audit must be exclusive (EXCLUSIVE)',
  0x24: 'wrong type of authorization for this handle (AUTH_TYPE)',
  0x25: 'an authorization is missing (AUTH_MISSING)',
  0x26: 'a policy is wrong (POLICY)',
  0x27: 'a PCR is at fault (PCR)',
  0x28: 'PCRs have changed meanwhile (PCR_CHANGED)',
  0x2d: 'the TPM is in the middle of a firmware upgrade (UPGRADE)',
  0x2e: 'the counter of contexts is at its end: restart the TPM (TOO_MANY_CONTEXTS)',
  0x2f: 'no password or policy is set for this entity (AUTH_UNAVAILABLE)',
  0x30: 'the TPM must be restarted (REBOOT)',
  0x42: "the command's size does not match (COMMAND_SIZE)",
  0x43: 'the TPM does not know this command (COMMAND_CODE)',
  0x44: 'the size of the authorizations does not match (AUTHSIZE)',
  0x45: 'this command takes no authorization (AUTH_CONTEXT)',
  0x46: 'NV offset and size are out of range (NV_RANGE)',
  0x47: 'the NV value is too large (NV_SIZE)',
  0x48: 'the NV index is locked (NV_LOCKED)',
  0x49: 'no access to the NV index (NV_AUTHORIZATION)',
  0x4a: 'the NV index has not been written (NV_UNINITIALIZED)',
  0x4b: 'no room in NV memory, or the index exists (NV_SPACE)',
  0x4c: 'already there (NV_DEFINED)',
  0x50: 'the context is not valid (BAD_CONTEXT)',
  0x51: 'the session is bound to another command (CPHASH)',
  0x52: 'the parent key is not correct (PARENT)',
  0x53: 'a function must be self-tested first (NEEDS_TEST)',
  0x54: 'no result: a value was not what it should be (NO_RESULT)',
};

/** RC_WARN: try again, or make room first. */
const warnings: Readonly<Record<number, string>> = {
  0x01: 'no room for another context (CONTEXT_GAP)',
  0x02: 'no room for another object: flush one (OBJECT_MEMORY)',
  0x03: 'no room for another session: flush one (SESSION_MEMORY)',
  0x04: 'out of memory (MEMORY)',
  0x05: 'no free session handle: flush one (SESSION_HANDLES)',
  0x06: 'no free object handle: flush one (OBJECT_HANDLES)',
  0x07: 'not from this locality (LOCALITY)',
  0x08: 'the command has been interrupted (YIELDED)',
  0x09: 'the command was cancelled (CANCELED)',
  0x0a: 'self-tests are running (TESTING)',
  0x10: 'the first handle is not there (REFERENCE_H0)',
  0x11: 'the second handle is not there (REFERENCE_H1)',
  0x12: 'the third handle is not there (REFERENCE_H2)',
  0x18: 'the first session is not there (REFERENCE_S0)',
  0x19: 'the second session is not there (REFERENCE_S1)',
  0x20: 'the TPM slows down to protect its NV memory (NV_RATE)',
  0x21: 'locked out after too many failed authorizations (LOCKOUT)',
  0x22: 'the TPM was busy (RETRY)',
  0x23: 'the NV memory is not ready (NV_UNAVAILABLE)',
};

export const success = 0;
/** Startup is not due: it has been done. */
export const alreadyStarted = 0x100;

/** Codes after which the same command may be sent again (part 3 §5.4): YIELDED, TESTING, RETRY, NV_RATE. */
export const isBusy = (code: number): boolean => [0x908, 0x90a, 0x920, 0x922].includes(code);

/** The code in words: `0x1df: parameter 1: integrity check failed …`. */
export function explain(code: number): string {
  const hex = `0x${code.toString(16)}`;
  if ((code & 0x80) !== 0) {
    const number = (code >> 8) & 0xf;
    const place = `${placeOf(code, number)}: `;
    return `${hex}: ${place}${faults[code & 0x3f] ?? 'an error without a name here'}`;
  }
  if (code >>> 12 !== 0) return `${hex}: an error of the software between here and the TPM`;
  if ((code & 0x100) === 0) return `${hex}: a TPM 1.2 answered, or none`;
  if ((code & 0x400) !== 0) return `${hex}: an error of the maker's own`;
  const table = (code & 0x800) === 0 ? errors : warnings;
  return `${hex}: ${table[code & 0x7f] ?? 'an error without a name here'}`;
}

/** Bit 6: a parameter, up to 15. Else bits 8 to 10 count handles, or sessions where bit 11 is set. */
function placeOf(code: number, number: number): string {
  if ((code & 0x40) !== 0) return number === 0 ? 'a parameter' : `parameter ${number}`;
  const kind = (code & 0x800) === 0 ? 'handle' : 'session';
  return (number & 7) === 0 ? `a ${kind}` : `${kind} ${number & 7}`;
}
