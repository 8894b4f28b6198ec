import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { certificateRequest } from './certificate-request.ts';
import {
  challengeJson,
  challengeOf,
  ChallengeSchema,
  checkedMessage,
  finishJson,
  finishOf,
  FinishSchema,
  startJson,
  startOf,
  StartSchema,
} from './message-json.ts';

const plain = { noNullPrototype: true } as const;
const octets = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength }).map((bytes) => Buffer.from(bytes));
const name = fc.string({ minLength: 1, maxLength: 64 });
const start = fc.record(
  {
    serial: name,
    building: name,
    role: fc.constantFrom('birth' as const, 'operational' as const),
    endorsementCertificate: octets(2000),
    attestationKey: octets(500),
    deviceKey: octets(500),
  },
  plain,
);
const challenge = fc.record(
  {
    enrolment: name,
    credential: fc.record({ credential: octets(200), encryptedSecret: octets(400) }, plain),
    nonce: octets(64),
    pcrs: fc.array(fc.integer({ min: 0, max: 23 }), { maxLength: 24 }),
  },
  plain,
);
const attestation = fc.record(
  {
    attested: octets(500),
    signature: fc.record(
      {
        scheme: fc.constant('ecdsa' as const),
        hash: fc.constant('sha256' as const),
        r: octets(32),
        s: octets(32),
      },
      plain,
    ),
  },
  plain,
);
const finish = fc.record(
  { enrolment: name, secret: octets(64), certify: attestation, quote: attestation },
  { ...plain, requiredKeys: ['enrolment', 'secret', 'certify'] },
);
/** As it goes over the wire. */
const overWire = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

test('every message comes out of JSON as it went in, and holds against its schema', async () => {
  fc.assert(
    fc.property(start, (message) => {
      assert.deepEqual(startOf(checkedMessage(StartSchema, overWire(startJson(message)))), message);
    }),
  );
  fc.assert(
    fc.property(challenge, (message) => {
      assert.deepEqual(challengeOf(checkedMessage(ChallengeSchema, overWire(challengeJson(message)))), message);
    }),
  );
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const request = await certificateRequest({
    publicKey,
    sign: (message) => Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  });
  await fc.assert(
    fc.asyncProperty(finish, async (message) => {
      const json = checkedMessage(FinishSchema, overWire(finishJson(message, request)));
      const { requestKey, ...rest } = await finishOf(json);
      assert.deepEqual(rest, message);
      assert.ok(requestKey.equals(publicKey));
    }),
  );
});

test('whatever is sent instead of a message is refused with a code, and nothing else happens', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.jsonValue(),
        fc.record(Object.fromEntries(Object.keys(FinishSchema.properties).map((key) => [key, fc.jsonValue()]))),
      ),
      async (message) => {
        try {
          await finishOf(checkedMessage(FinishSchema, message));
        } catch (error) {
          assert.ok(error instanceof GridError, String(error));
          assert.match(error.code, /^GTX-(ENR-008|TPM-003|PRV-005)$/);
        }
      },
    ),
  );
});

test('a message that does not hold is refused by the place of its fault', () => {
  const good = {
    serial: 'GTX-1',
    building: 'B_001',
    role: 'birth',
    endorsementCertificate: 'AA==',
    attestationKey: 'AA==',
    deviceKey: 'AA==',
  };
  const faults: readonly (readonly [object, RegExp])[] = [
    [{ deviceKey: 'AA' }, /\/deviceKey /],
    [{ deviceKey: '#' }, /\/deviceKey /],
    [{ deviceKey: 'A'.repeat(4000) }, /\/deviceKey /],
    [{ serial: '' }, /\/serial /],
    [{ role: 'owner' }, /\/role /],
    [{ more: 1 }, /hold: /],
  ];
  assert.ok(checkedMessage(StartSchema, good));
  for (const [fault, message] of faults) {
    assert.throws(() => checkedMessage(StartSchema, { ...good, ...fault }), { code: 'GTX-ENR-008', message });
  }
});
