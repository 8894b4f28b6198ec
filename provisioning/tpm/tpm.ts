import { createHash, randomBytes } from 'node:crypto';
import { GridError } from '#hal/errors.ts';
import type { TpmPort } from '#hal/key-store.ts';
import { malformed } from '#hal/tpm-response.ts';
import * as commands from './commands.ts';
import { Dispatcher } from './dispatcher.ts';
import { type Authorization, type Entity, permanent } from './exchange.ts';
import { forged, HmacSession, sessionKeyOf } from './hmac-session.ts';
import { sealSeed } from './key-derivation.ts';
import type { Attestation, Credential, OpenSession, TpmKey, TransientKey, WrappedKey } from './objects.ts';
import { nameOf, p1363Of } from './public-key.ts';
import { lastPcr, type PublicArea, sha256Pcrs } from './structures.ts';
import { usableByPassword } from './templates.ts';
import { unfit } from './wire.ts';

/** The hierarchies, and the absence of a handle (TPM 2.0 part 2 §7.4). */
const hierarchies = { owner: permanent(0x40000001), endorsement: permanent(0x4000000b) } as const;
export type Hierarchy = keyof typeof hierarchies;
const noHandle = permanent(0x40000007);

/** Ranges of handles (TPM 2.0 part 2 §7.2): the most significant octet tells what a handle is. */
const handleRanges = {
  nv: 0x01000000,
  hmacSession: 0x02000000,
  policySession: 0x03000000,
  transient: 0x80000000,
  persistent: 0x81000000,
} as const;
export type HandleRange = keyof typeof handleRanges;

/** A TPM has three slots for objects at the least, and using a persistent one takes one of them. */
const mostTransient = 2;
/** Handles asked for at once, and lists of them until a TPM that never ends is given up. */
const handlesAtOnce = 64;
const mostHandles = 1024;
/** What chips read at once at the least, and the largest index that is read. */
const nvChunk = 512;
const mostNvOctets = 8192;
/** PCR_Read gives eight digests at a time. */
const pcrsAtOnce = 8;

const none = new Uint8Array();
const ownScheme = { scheme: 'null' } as const;
const noTicket = { tag: 0x8024, hierarchy: noHandle.handle, digest: none };
const keyRequest = (template: PublicArea) => ({
  sensitive: { userAuth: none, data: none },
  template,
  outsideInfo: none,
  creationPcrs: [],
});

/**
 * A TPM 2.0 by its commands. Everything may throw GTX-TPM-002 (no answer), 003 (no response), 004 (refused, with the
 * reason in words). It holds at most two objects in the TPM's slots. Where there is no resource manager (an emulator)
 * it must be the only program that loads objects: others may use persistent keys meanwhile. `session` protects a
 * command and its response on the bus.
 */
export class Tpm implements AsyncDisposable {
  readonly #dispatcher: Dispatcher;
  #transient = 0;

  constructor(port: TpmPort) {
    this.#dispatcher = new Dispatcher(port);
  }

  get name(): string {
    return this.#dispatcher.name;
  }

  /** Opens the TPM and frees the slots and sessions of a program that died. Throws GTX-TPM-001 where it cannot. */
  async start(): Promise<void> {
    try {
      await this.#dispatcher.start();
      for (const range of ['transient', 'hmacSession', 'policySession'] as const) {
        for (const handle of await this.handles(range)) await this.#flush(handle);
      }
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher[Symbol.asyncDispose]();
  }

  /** `count` octets, 1 to 32, of the TPM's randomness. */
  async random(count: number, session?: HmacSession): Promise<Uint8Array> {
    const { response } = await this.#dispatcher.run(commands.getRandom, { parameters: { count }, session });
    if (response.octets.length !== count)
      throw malformed(`${response.octets.length} random octets instead of ${count}`);
    return response.octets;
  }

  /** The handles in use of one kind. */
  async handles(range: HandleRange): Promise<number[]> {
    const handles: number[] = [];
    let first: number = handleRanges[range];
    while (handles.length < mostHandles) {
      const parameters = { capability: 'handles', first, count: handlesAtOnce } as const;
      const { data, moreData } = (await this.#dispatcher.run(commands.getCapability, { parameters })).response;
      handles.push(...data.handles);
      const last = data.handles.at(-1);
      if (moreData === 0 || last === undefined) return handles;
      first = last + 1;
    }
    throw malformed(`more than ${mostHandles} handles`);
  }

  /** Makes a hierarchy's key, always the same for one template, in a slot. Throws GTX-TPM-005 where both are taken. */
  async createPrimary(hierarchy: Hierarchy, template: PublicArea, session?: HmacSession): Promise<TransientKey> {
    return this.#inSlot(async () => {
      const { handle, response } = await this.#dispatcher.run(commands.createPrimary, {
        handles: [hierarchies[hierarchy]],
        parameters: keyRequest(template),
        session,
      });
      return { handle, area: response.area, name: response.name };
    });
  }

  /** Makes a key below a storage key; it is not in the TPM until it is loaded. */
  async create(parent: Entity, template: PublicArea, session?: HmacSession): Promise<WrappedKey> {
    const parameters = keyRequest(template);
    const { response } = await this.#dispatcher.run(commands.create, { handles: [parent], parameters, session });
    return { privatePart: response.privatePart, area: response.area };
  }

  /** Loads a key into a slot. Throws GTX-TPM-005 where both are taken. */
  async load(parent: Entity, { privatePart, area }: WrappedKey, session?: HmacSession): Promise<TransientKey> {
    return this.#inSlot(async () => {
      const parameters = { privatePart, area };
      const loaded = await this.#dispatcher.run(commands.load, { handles: [parent], parameters, session });
      return { handle: loaded.handle, area, name: loaded.response.name };
    });
  }

  /** Keeps a key under a handle (0x81000000 to 0x817fffff) through power cuts. */
  async persist(key: TpmKey, persistentHandle: number): Promise<TpmKey> {
    const handles = [hierarchies.owner, key];
    await this.#dispatcher.run(commands.evictControl, { handles, parameters: { persistentHandle } });
    return { handle: persistentHandle, area: key.area, name: key.name };
  }

  /** Removes a persistent key for ever. */
  async evict(key: TpmKey): Promise<void> {
    const parameters = { persistentHandle: key.handle };
    await this.#dispatcher.run(commands.evictControl, { handles: [hierarchies.owner, key], parameters });
  }

  async readPublic(handle: number): Promise<TpmKey> {
    const handles = [permanent(handle)];
    const { area, name } = (await this.#dispatcher.run(commands.readPublic, { handles, parameters: {} })).response;
    return named({ handle, area, name });
  }

  /** ECDSA over a SHA-256 digest with a key on P-256: r ‖ s, 32 octets each. */
  async sign(key: Entity, digest: Uint8Array, session?: HmacSession): Promise<Uint8Array> {
    const parameters = { digest, scheme: ownScheme, validation: noTicket };
    const { response } = await this.#dispatcher.run(commands.sign, { handles: [key], parameters, session });
    return p1363Of(response.signature);
  }

  /** The SHA-256 bank's registers `indices` (0 to 23), in ascending order as they are quoted. */
  async pcrRead(indices: readonly number[]): Promise<Uint8Array[]> {
    const ascending = indices.toSorted((a, b) => a - b);
    const values: Uint8Array[] = [];
    for (let from = 0; from < ascending.length; from += pcrsAtOnce) {
      const wanted = ascending.slice(from, from + pcrsAtOnce);
      const parameters = { selection: sha256Pcrs(wanted) };
      const { response } = await this.#dispatcher.run(commands.pcrRead, { parameters });
      // A TPM without this bank gives nothing and calls it a success.
      if (response.values.length !== wanted.length) throw malformed(`${response.values.length} registers of SHA-256`);
      values.push(...response.values);
    }
    return values;
  }

  /** Extends a register of the SHA-256 bank (0 to 23) by a digest. */
  async pcrExtend(index: number, digest: Uint8Array): Promise<void> {
    if (index > lastPcr) throw unfit(`register ${index}, of which there are ${lastPcr + 1}`);
    const parameters = { values: [{ hash: 'sha256', digest }] } as const;
    await this.#dispatcher.run(commands.pcrExtend, { handles: [permanent(index)], parameters });
  }

  /** The registers' digest and a nonce (up to 64 octets), signed by an attestation key. */
  async quote(key: Entity, nonce: Uint8Array, indices: readonly number[], session?: HmacSession): Promise<Attestation> {
    const parameters = { qualifyingData: nonce, scheme: ownScheme, selection: sha256Pcrs(indices) };
    return (await this.#dispatcher.run(commands.quote, { handles: [key], parameters, session })).response;
  }

  /** That a key lies in this TPM, with a nonce (up to 64 octets), signed by an attestation key. */
  async certify(certified: Entity, by: Entity, nonce: Uint8Array, session?: HmacSession): Promise<Attestation> {
    const parameters = { qualifyingData: nonce, scheme: ownScheme };
    return (await this.#dispatcher.run(commands.certify, { handles: [certified, by], parameters, session })).response;
  }

  /** Seals a secret to an endorsement key in this TPM and a Name; `credential.ts` does it without a TPM. */
  async makeCredential(endorsementKey: Entity, name: Uint8Array, secret: Uint8Array): Promise<Credential> {
    const parameters = { secret, name };
    return (await this.#dispatcher.run(commands.makeCredential, { handles: [endorsementKey], parameters })).response;
  }

  /** The secret of a credential, given out only where both keys are in this TPM. */
  async activateCredential(
    key: TpmKey,
    endorsementKey: TpmKey,
    credential: Credential,
    session?: HmacSession,
  ): Promise<Uint8Array> {
    const activate = async (authorization: Authorization): Promise<Uint8Array> => {
      const call = { handles: [key, endorsementKey], parameters: credential, session };
      const authorizations = ['empty password', authorization] as const;
      return (await this.#dispatcher.run(commands.activateCredential, { ...call, authorizations })).response.secret;
    };
    if (usableByPassword(endorsementKey.area)) return activate('empty password');
    const policy = await this.#startSession('policy', noHandle, none);
    await using _ended = this.#ending(policy.handle);
    await this.#dispatcher.run(commands.policySecret, {
      handles: [hierarchies.endorsement, permanent(policy.handle)],
      parameters: { nonceTpm: none, cpHash: none, policyRef: none, expiration: 0 },
    });
    return await activate({ policySession: policy.handle });
  }

  /** The content of an NV index that may be read with an empty password; up to 8192 octets. */
  async nvRead(index: number, session?: HmacSession): Promise<Uint8Array> {
    const handles = [permanent(index)];
    const { area, name } = (await this.#dispatcher.run(commands.nvReadPublic, { handles, parameters: {} })).response;
    if (area.dataSize > mostNvOctets) throw malformed(`NV index 0x${index.toString(16)} has ${area.dataSize} octets`);
    const entity = { handle: index, name };
    const chunks: Uint8Array[] = [];
    for (let offset = 0; offset < area.dataSize; offset += nvChunk) {
      const parameters = { size: Math.min(nvChunk, area.dataSize - offset), offset };
      const call = { handles: [entity, entity], parameters, session };
      const { data } = (await this.#dispatcher.run(commands.nvRead, call)).response;
      if (data.length !== parameters.size) throw malformed(`${data.length} octets of NV instead of ${parameters.size}`);
      chunks.push(data);
    }
    return Buffer.concat(chunks);
  }

  /**
   * A session whose secrets only the TPM that holds `key` can know: a storage or endorsement key, which the caller
   * knows to be genuine. `await using` ends it.
   */
  async startSession(key: TpmKey): Promise<OpenSession> {
    const { seed, sealed } = sealSeed(key.area, 'SECRET');
    const session = await this.#startSession('hmac', key, sealed);
    const hmac = new HmacSession(
      session.handle,
      sessionKeyOf(seed, session.nonceTpm, session.nonceCaller),
      session.nonceTpm,
    );
    return Object.assign(this.#ending(session.handle), { hmac });
  }

  async #startSession(type: 'hmac' | 'policy', key: Entity, encryptedSalt: Uint8Array) {
    const nonceCaller = randomBytes(32);
    const cipher = { algorithm: 'aes', keyBits: 128, mode: 'cfb' } as const;
    const symmetric = type === 'hmac' ? cipher : ({ algorithm: 'null' } as const);
    const { handle, response } = await this.#dispatcher.run(commands.startAuthSession, {
      handles: [key, noHandle],
      parameters: { nonceCaller, encryptedSalt, type, symmetric, hash: 'sha256' },
    });
    return { handle, nonceCaller, nonceTpm: response.nonceTpm };
  }

  #ending(handle: number): AsyncDisposable {
    return { [Symbol.asyncDispose]: () => this.#flush(handle) };
  }

  async #flush(handle: number): Promise<void> {
    await this.#dispatcher.run(commands.flushContext, { parameters: { handle } });
  }

  async #inSlot(fill: () => Promise<TpmKey>): Promise<TransientKey> {
    if (this.#transient >= mostTransient) {
      throw new GridError('GTX-TPM-005', `${this.name} holds ${mostTransient} objects for this program already`, {
        hint: 'This is a mistake in the program: it must flush one before it loads another.',
      });
    }
    this.#transient++;
    try {
      const key = await fill();
      const flush = async (): Promise<void> => {
        this.#transient--;
        await this.#flush(key.handle);
      };
      return { ...named(key), [Symbol.asyncDispose]: flush };
    } catch (error) {
      this.#transient--;
      throw error;
    }
  }
}

/** A key whose Name is that of its public area: a TPM, or someone between, that says otherwise is not believed. */
function named(key: TpmKey): TpmKey {
  if (!Buffer.from(nameOf(key.area)).equals(key.name)) throw forged("a key's Name is not that of its public area");
  return key;
}

/** The digest that Sign takes. */
export const sha256 = (message: Uint8Array): Uint8Array => createHash('sha256').update(message).digest();
