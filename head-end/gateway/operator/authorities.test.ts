import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { certificatePem } from '#provisioning/pem.ts';
import { badExtensions, type TestCertificate, testCertificate, type TestRequest } from '#provisioning/test-chain.ts';
import { KnownAuthorities } from '../../server/known-authorities.ts';
import { TestOperator } from './test-operator.ts';

/** Valid now by the wall, as handshakes are checked. */
const issue = (request: TestRequest, issuer?: TestCertificate): Promise<TestCertificate> => {
  const now = wallSeconds();
  return testCertificate({ notBefore: now - 3600, notAfter: now + 3600, ...request }, issuer);
};

const pem = ({ certificate }: TestCertificate): string => certificatePem(certificate);

suite('authorities of devices', () => {
  let operator: TestOperator;
  let root: TestCertificate;
  let policy: TestCertificate;
  let identity: { readonly ca: string; readonly cert: string };

  before(async () => {
    root = await issue({ name: 'root', pathLength: 2 });
    policy = await issue({ name: 'policy', pathLength: 1 }, root);
    const issuing = await issue({ name: 'issuing', pathLength: 0 }, policy);
    const server = await issue({ serial: 'head-end' }, issuing);
    identity = { ca: pem(root), cert: [server, issuing, policy].map(pem).join('') };
    operator = await TestOperator.start(identity);
  });
  after(() => operator[Symbol.asyncDispose]());

  const verdictOf = ({ certificate }: TestCertificate, authorities = operator.authorities): string => {
    const answer = authorities.check(certificate);
    return answer.ok ? 'let in' : answer.reason;
  };
  const add = (certificate: string) => operator.ask('POST', '/authorities', { certificate });

  test('those of the head-end’s own identity are known, and stay', async () => {
    const own = (await operator.ask('GET', '/authorities')).json.items.filter(({ isOwn }) => isOwn);
    assert.deepEqual(
      own.map(({ subject }) => subject),
      ['CN=root', 'CN=issuing', 'CN=policy'],
    );
    const { status, json } = await operator.ask('DELETE', `/authorities/${own[1]?.id}`);
    assert.deepEqual([status, json.code], [409, 'GTX-OPR-003']);
    for (const by of [root, policy]) assert.equal(verdictOf(await issue({}, by)), 'let in');
  });

  test('a device of another authority is let in from when that one is added until it is removed', async () => {
    const other = await issue({ name: 'other', pathLength: 0 }, policy);
    const device = await issue({}, other);
    assert.equal(verdictOf(device), 'unknown-issuer');
    const { status, headers, json } = await add(pem(other));
    const path = `/authorities/${json.id}`;
    assert.deepEqual([status, headers.get('location')], [201, `/api/v1${path}`]);
    assert.deepEqual(
      [json['subject'], json['issuer'], json['isOwn'], json['fault']],
      ['CN=other', 'CN=policy', false, undefined],
    );
    assert.equal(json['certificate'], pem(other));
    assert.deepEqual((await operator.ask('GET', path)).json, json);
    assert.equal(verdictOf(device), 'let in');
    assert.equal((await add(pem(other))).status, 409);
    assert.equal((await operator.ask('DELETE', path)).status, 204);
    assert.equal(verdictOf(device), 'unknown-issuer');
    assert.equal((await operator.ask('GET', path)).status, 404);
    assert.equal((await operator.ask('DELETE', path)).status, 404);
  });

  test('who is below a removed authority is refused too, and what is kept holds after a restart', async () => {
    const upper = await issue({ name: 'upper', pathLength: 1 }, root);
    const lower = await issue({ name: 'lower', pathLength: 0 }, upper);
    const device = await issue({}, lower);
    assert.equal((await add(pem(lower))).status, 422);
    const { id } = (await add(pem(upper))).json;
    const below = (await add(pem(lower))).json;
    assert.equal(verdictOf(device), 'let in');
    await operator.server.restart();
    const again = new KnownAuthorities(identity, operator.server.sep.records);
    assert.equal(verdictOf(device, again), 'let in');
    assert.equal(
      verdictOf(device, new KnownAuthorities({ ca: '', cert: '' }, operator.server.sep.records)),
      'unknown-issuer',
    );
    assert.equal(await again.remove(id), true);
    assert.equal(verdictOf(device, again), 'unknown-issuer');
    assert.match(again.get(below.id)?.fault ?? '', /^unknown-issuer/);
  });

  const refused: readonly (readonly [what: string, reason: RegExp, request: TestRequest])[] = [
    ['with name constraints', /name-constraints/, { more: [badExtensions.nameConstraints] }],
    ['with policy mappings', /policy-mappings/, { more: [badExtensions.policyMappings] }],
    ['with an extended key usage', /extended-key-usage/, { more: [badExtensions.clientOnly] }],
    ['that has expired', /expired/, { notAfter: wallSeconds() - 60 }],
  ];
  for (const [what, reason, request] of refused) {
    test(`an authority ${what} cannot be added, and its devices are refused`, async () => {
      const bad = await issue({ name: 'bad', pathLength: 0, ...request }, policy);
      const { status, json } = await add(pem(bad));
      assert.deepEqual([status, json.code], [422, 'GTX-OPR-002']);
      assert.match(json.detail, reason);
      assert.equal(verdictOf(await issue({}, bad)), 'unknown-issuer');
    });
  }

  test('no device, no stranger’s root and no other text is an authority', async () => {
    const texts: readonly (readonly [string, RegExp])[] = [
      [pem(await issue({}, policy)), /not-an-authority/],
      [pem(await issue({ name: 'stranger', pathLength: 2 })), /unknown-issuer/],
      ['hello', /there are 0 certificates/],
      [pem(root).repeat(2), /there are 2 certificates/],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /no certificate/],
    ];
    for (const [certificate, reason] of texts) {
      const { status, json } = await add(certificate);
      assert.deepEqual([status, json.code], [422, 'GTX-OPR-002'], certificate);
      assert.match(json.detail, reason);
    }
  });
});
