import {
  capability,
  capabilityData,
  digest,
  digests,
  limits,
  name,
  nonce,
  nvPublic,
  pcrSelection,
  publicArea,
  qualifyingData,
  sensitiveCreate,
  sha256Values,
  signature,
  signatureScheme,
  symmetric,
  ticket,
} from './structures.ts';
import { buffer, type Codec, type Fields, named, type Struct, sized, struct, u8, u16, u32 } from './wire.ts';

/** A command of TPM 2.0 part 3: what goes in and what comes out. */
export interface Command<P, R> {
  readonly name: string;
  readonly code: number;
  /** How many handles it acts on, and how many of them, the first ones, need an authorization. */
  readonly handles: number;
  readonly authorized: number;
  readonly parameters: Codec<P>;
  readonly response: Codec<R>;
  /** Its response begins with the handle of something new. */
  readonly makesHandle: boolean;
  /** The first parameter of command and response may be encrypted by a session: it is a sized one. */
  readonly encryptable: { readonly command: boolean; readonly response: boolean };
}

interface Shape<P, R> {
  readonly handles?: number;
  readonly authorized?: number;
  readonly parameters: P;
  readonly response: R;
  readonly makesHandle?: true;
}

const firstIsSized = (fields: Fields): boolean => Object.values(fields)[0]?.sized === true;

const command = <const P extends Fields, const R extends Fields>(
  called: string,
  code: number,
  { handles = 0, authorized = 0, parameters, response, makesHandle }: Shape<P, R>,
): Command<Struct<P>, Struct<R>> => ({
  name: called,
  code,
  handles,
  authorized,
  parameters: struct(parameters),
  response: struct(response),
  makesHandle: makesHandle === true,
  encryptable: { command: firstIsSized(parameters), response: firstIsSized(response) },
});

/** An opaque structure that only this TPM reads again. */
const opaque = buffer(2048);
const encryptedSecret = buffer(limits.rsa);
const newKey = {
  sensitive: sized(sensitiveCreate),
  template: sized(publicArea),
  outsideInfo: qualifyingData,
  creationPcrs: pcrSelection,
} as const;
const creation = { creationData: opaque, creationHash: digest, creationTicket: ticket } as const;
const attested = { attested: opaque, signature } as const;

export const startup = command('Startup', 0x144, {
  parameters: { type: named('startup type', u16, { clear: 0, state: 1 }) },
  response: {},
});

export const getRandom = command('GetRandom', 0x17b, {
  parameters: { count: u16 },
  response: { octets: digest },
});

export const getCapability = command('GetCapability', 0x17a, {
  parameters: { capability, first: u32, count: u32 },
  response: { moreData: u8, data: capabilityData },
});

/** Handles: the hierarchy. */
export const createPrimary = command('CreatePrimary', 0x131, {
  handles: 1,
  authorized: 1,
  parameters: newKey,
  response: { area: sized(publicArea), ...creation, name },
  makesHandle: true,
});

/** Handles: the parent. */
export const create = command('Create', 0x153, {
  handles: 1,
  authorized: 1,
  parameters: newKey,
  response: { privatePart: opaque, area: sized(publicArea), ...creation },
});

/** Handles: the parent. */
export const load = command('Load', 0x157, {
  handles: 1,
  authorized: 1,
  parameters: { privatePart: opaque, area: sized(publicArea) },
  response: { name },
  makesHandle: true,
});

/** Handles: the owner's hierarchy; the object. Makes it persistent there, or removes it where it is so already. */
export const evictControl = command('EvictControl', 0x120, {
  handles: 2,
  authorized: 1,
  parameters: { persistentHandle: u32 },
  response: {},
});

/** Handles: the object. */
export const readPublic = command('ReadPublic', 0x173, {
  handles: 1,
  parameters: {},
  response: { area: sized(publicArea), name, qualifiedName: name },
});

export const flushContext = command('FlushContext', 0x165, { parameters: { handle: u32 }, response: {} });

/** Handles: the key. */
export const sign = command('Sign', 0x15d, {
  handles: 1,
  authorized: 1,
  parameters: { digest, scheme: signatureScheme, validation: ticket },
  response: { signature },
});

export const pcrRead = command('PCR_Read', 0x17e, {
  parameters: { selection: pcrSelection },
  response: { updateCounter: u32, selection: pcrSelection, values: digests },
});

/** Handles: the register. */
export const pcrExtend = command('PCR_Extend', 0x182, {
  handles: 1,
  authorized: 1,
  parameters: { values: sha256Values },
  response: {},
});

/** Handles: the attestation key. */
export const quote = command('Quote', 0x158, {
  handles: 1,
  authorized: 1,
  parameters: { qualifyingData, scheme: signatureScheme, selection: pcrSelection },
  response: attested,
});

/** Handles: the key to be certified; the attestation key. */
export const certify = command('Certify', 0x148, {
  handles: 2,
  authorized: 2,
  parameters: { qualifyingData, scheme: signatureScheme },
  response: attested,
});

/** Handles: the endorsement key. */
export const makeCredential = command('MakeCredential', 0x168, {
  handles: 1,
  parameters: { secret: digest, name },
  response: { credential: opaque, encryptedSecret },
});

/** Handles: the attestation key; the endorsement key. */
export const activateCredential = command('ActivateCredential', 0x147, {
  handles: 2,
  authorized: 2,
  parameters: { credential: opaque, encryptedSecret },
  response: { secret: digest },
});

/** Handles: the index. */
export const nvReadPublic = command('NV_ReadPublic', 0x169, {
  handles: 1,
  parameters: {},
  response: { area: sized(nvPublic), name },
});

/** Handles: who may read (the owner's hierarchy, or the index itself); the index. */
export const nvRead = command('NV_Read', 0x14e, {
  handles: 2,
  authorized: 1,
  parameters: { size: u16, offset: u16 },
  response: { data: buffer(limits.nvBuffer) },
});

/** Handles: the key to which the salt is encrypted; the entity to bind to. */
export const startAuthSession = command('StartAuthSession', 0x176, {
  handles: 2,
  parameters: {
    nonceCaller: nonce,
    encryptedSalt: encryptedSecret,
    type: named('kind of session', u8, { hmac: 0, policy: 1 }),
    symmetric,
    hash: named('hash algorithm', u16, { sha256: 0x000b }),
  },
  response: { nonceTpm: nonce },
  makesHandle: true,
});

/** Handles: the entity whose password counts; the policy session. */
export const policySecret = command('PolicySecret', 0x151, {
  handles: 2,
  authorized: 1,
  parameters: { nonceTpm: nonce, cpHash: digest, policyRef: nonce, expiration: u32 },
  response: { timeout: buffer(8), ticket },
});

/** All that is known here, for tests that go over them. */
export const commands = [
  startup,
  getRandom,
  getCapability,
  createPrimary,
  create,
  load,
  evictControl,
  readPublic,
  flushContext,
  sign,
  pcrRead,
  pcrExtend,
  quote,
  certify,
  makeCredential,
  activateCredential,
  nvReadPublic,
  nvRead,
  startAuthSession,
  policySecret,
] as const;
