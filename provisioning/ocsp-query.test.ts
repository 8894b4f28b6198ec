import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { assert as check, nat, property, uint8Array } from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { CertificateAuthority } from './ca.ts';
import { checkOcspResponse, ocspRequest } from './ocsp-query.ts';
import { RevocationResponder } from './responder.ts';

async function stand(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const [, issuer] = ca.intermediates;
  const onError = (error: unknown): void => t.diagnostic(String(error));
  const responder = new RevocationResponder(ca, { host: '127.0.0.1', port: 0, onError });
  const issue = async (): Promise<Uint8Array> => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return (await ca.issueDevice({ serial: 'A', publicKey, keyIn: 'elsewhere' })).der;
  };
  const answer = async (certificate: Uint8Array): Promise<Uint8Array> =>
    (await responder.answer(ocspRequest(certificate, issuer!)))!;
  return { ca, issuer: issuer!, issue, answer };
}

const reasonOf = (...[response, about]: Parameters<typeof checkOcspResponse>): string => {
  const verdict = checkOcspResponse(response, about);
  return verdict.ok ? 'good' : verdict.reason;
};

test('a certificate is good as long as its issuer says so, and only it, of it, and now', async (t) => {
  const { ca, issuer, issue, answer } = await stand(t);
  const [certificate, other] = [await issue(), await issue()];
  const now = wallSeconds();
  const response = await answer(certificate);
  assert.equal(reasonOf(response, { certificate, issuer, now }), 'good');
  assert.match(reasonOf(response, { certificate: other, issuer, now }), /another certificate/);
  assert.match(reasonOf(response, { certificate, issuer, now: UnixSeconds(now + 3600) }), /too old/);
  assert.match(reasonOf(response, { certificate, issuer, now: UnixSeconds(now - 60) }), /it is from/);
  const stranger = await stand(t);
  assert.match(reasonOf(response, { certificate, issuer: stranger.issuer, now }), /not signed it/);
  await ca.revoke({ certificate }, 'keyCompromise');
  const revoked = await answer(certificate);
  assert.match(reasonOf(revoked, { certificate, issuer, now: UnixSeconds(now + 7200) }), /revoked/);
});

test('no octet of a response can be changed, and nothing else is taken for one', async (t) => {
  const { issuer, issue, answer } = await stand(t);
  const certificate = await issue();
  const now = wallSeconds();
  const response = await answer(certificate);
  check(
    property(nat({ max: response.length - 1 }), nat({ max: 254 }), (at, change) => {
      const changed = Buffer.from(response);
      changed[at]! ^= 1 + change;
      assert.notEqual(reasonOf(changed, { certificate, issuer, now }), 'good');
    }),
    { numRuns: 400 },
  );
  check(
    property(uint8Array({ maxLength: 64 }), (octets) => {
      assert.notEqual(reasonOf(octets, { certificate, issuer, now }), 'good');
    }),
  );
});
