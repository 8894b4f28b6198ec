import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { type Command, commands, getRandom, pcrExtend, policySecret, startAuthSession } from './commands.ts';
import { exchangeOf, permanent } from './exchange.ts';
import { HmacSession } from './hmac-session.ts';
import { endorsementKeys } from './templates.ts';

const none = new Uint8Array();
/** Octets from hex digits, with spaces between the fields. */
const octets = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const digest = new Uint8Array(32).fill(0xab);

/** Parameters for every command, so that each can be put together and its response be read. */
const parameters: Readonly<Record<string, unknown>> = {
  Startup: { type: 'clear' },
  GetRandom: { count: 8 },
  GetCapability: { capability: 'handles', first: 0, count: 1 },
  ...Object.fromEntries(
    ['CreatePrimary', 'Create'].map((name) => [
      name,
      {
        sensitive: { userAuth: none, data: none },
        template: endorsementKeys.p256.template,
        outsideInfo: none,
        creationPcrs: [],
      },
    ]),
  ),
  Load: { privatePart: none, area: endorsementKeys.p256.template },
  EvictControl: { persistentHandle: 0x81000001 },
  ReadPublic: {},
  FlushContext: { handle: 0x80000000 },
  Sign: { digest, scheme: { scheme: 'null' }, validation: { tag: 0x8024, hierarchy: 0x40000007, digest: none } },
  PCR_Read: { selection: [] },
  PCR_Extend: { values: [{ hash: 'sha256', digest }] },
  Quote: { qualifyingData: none, scheme: { scheme: 'null' }, selection: [] },
  Certify: { qualifyingData: none, scheme: { scheme: 'null' } },
  MakeCredential: { secret: none, name: none },
  ActivateCredential: { credential: none, encryptedSecret: none },
  NV_ReadPublic: {},
  NV_Read: { size: 1, offset: 0 },
  StartAuthSession: {
    nonceCaller: digest,
    encryptedSalt: none,
    type: 'policy',
    symmetric: { algorithm: 'null' },
    hash: 'sha256',
  },
  PolicySecret: { nonceTpm: none, cpHash: none, policyRef: none, expiration: 0 },
};
const begin = (command: Command<unknown, unknown>, session?: HmacSession) => {
  const handles = Array.from({ length: command.handles }, (_, index) => permanent(index + 1));
  return exchangeOf(command, { handles, parameters: parameters[command.name], session });
};

/** A response with a header that fits its size. */
function responseOf(tag: number, code: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt16BE(tag);
  header.writeUInt32BE(10 + body.length, 2);
  header.writeUInt32BE(code, 6);
  return Buffer.concat([header, body]);
}

test('commands look on the wire as TPM 2.0 part 3 draws them', () => {
  assert.equal(hex(exchangeOf(getRandom, { parameters: { count: 8 } }).command), '80010000000c0000017b0008');
  const extend = exchangeOf(pcrExtend, {
    handles: [permanent(16)],
    parameters: { values: [{ hash: 'sha256', digest }] },
  });
  const password = '00000009 40000009 0000 01 0000';
  const expected = `8002 00000041 00000182 00000010 ${password} 00000001 000b ${'ab'.repeat(32)}`;
  assert.equal(hex(extend.command), hex(octets(expected)));
});

test('a policy session authorises where a password does not', () => {
  const handles = [permanent(0x4000000b), permanent(0x03000000)];
  const call = { handles, parameters: { nonceTpm: none, cpHash: none, policyRef: none, expiration: 0 } };
  const command = hex(exchangeOf(policySecret, { ...call, authorizations: [{ policySession: 0x03000001 }] }).command);
  assert.ok(command.includes(hex(octets('00000009 03000001 0000 01 0000'))));
});

test('a command with too few handles is not sent', () => {
  const call = { handles: [], parameters: { values: [] } };
  assert.throws(() => exchangeOf(pcrExtend, call), { code: 'GTX-TPM-007', message: /acts on 1 handles/ });
});

test('a refusal names the command and says in words what is wrong', () => {
  const { read } = exchangeOf(getRandom, { parameters: { count: 8 } });
  assert.throws(() => read(responseOf(0x8001, 0x922, none)), {
    code: 'GTX-TPM-004',
    message: 'The TPM refuses GetRandom: 0x922: the TPM was busy (RETRY)',
  });
});

test('a response must be of the size, the tag and the contents that its command asks for', () => {
  const { read } = exchangeOf(getRandom, { parameters: { count: 2 } });
  const good = responseOf(0x8001, 0, octets('00020102'));
  assert.deepEqual(Buffer.from(read(good).response.octets), Buffer.of(1, 2));
  for (const wrong of [
    good.subarray(0, 12),
    Buffer.concat([good, Buffer.of(0)]),
    responseOf(0x8002, 0, octets('00020102')),
    responseOf(0x8001, 0, octets('00030102')),
    responseOf(0x8001, 0, octets('0002010203')),
    responseOf(0x8001, 0, none),
    none,
  ]) {
    assert.throws(() => read(wrong), { code: 'GTX-TPM-003' });
  }
});

test('whatever a TPM answers to whatever command, nothing but GTX-TPM errors comes of it', () => {
  const session = (): HmacSession => new HmacSession(0x02000000, Buffer.alloc(32), Buffer.alloc(32));
  const code = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffffffff }));
  const tag = fc.constantFrom(0x8001, 0x8002, 0xc4);
  // Small lengths lead deeper than evenly drawn octets.
  const octet = fc.oneof(fc.constant(0), fc.nat(4), fc.nat(255));
  const body = fc.array(octet, { maxLength: 200 }).map((drawn) => Uint8Array.from(drawn));
  const response = fc.oneof(
    fc.record({ tag, code, body }).map((parts) => responseOf(parts.tag, parts.code, parts.body)),
    fc.uint8Array({ maxLength: 40 }),
  );
  assert.deepEqual(
    commands.map(({ name }) => name).toSorted(),
    Object.keys(parameters).toSorted(),
    'every command is tried',
  );
  fc.assert(
    fc.property(fc.constantFrom(...commands), response, fc.boolean(), (command, bytes, guarded) => {
      const exchange = begin(command, guarded ? session() : undefined);
      try {
        exchange.read(bytes);
      } catch (error) {
        assert.ok(error instanceof GridError && /^GTX-TPM-00[346]$/.test(error.code), String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('under a session no answer is believed that does not bear its proof', () => {
  const session = new HmacSession(0x02000000, Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  const { read } = exchangeOf(getRandom, { parameters: { count: 2 }, session });
  const forged = Buffer.concat([octets('00000004 00020102 0020'), digest, Buffer.of(1, 0, 32), digest]);
  assert.throws(() => read(responseOf(0x8002, 0, forged)), { code: 'GTX-TPM-006' });
  const bare = octets('00000004 00020102 0000 01 0000');
  assert.throws(() => read(responseOf(0x8002, 0, bare)), { code: 'GTX-TPM-006' });
  assert.throws(() => read(responseOf(0x8001, 0, octets('00020102'))), { code: 'GTX-TPM-003' });
});

test('what a command makes is known by the handle in front of its answer', () => {
  const { read } = exchangeOf(startAuthSession, {
    handles: [permanent(0x40000007), permanent(0x40000007)],
    parameters: {
      nonceCaller: digest,
      encryptedSalt: none,
      type: 'policy',
      symmetric: { algorithm: 'null' },
      hash: 'sha256',
    },
  });
  const { handle, response } = read(responseOf(0x8001, 0, octets('03000000 0002beef')));
  assert.equal(handle, 0x03000000);
  assert.equal(hex(response.nonceTpm), 'beef');
});
