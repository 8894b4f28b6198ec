import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { asyncProperty, assert as check, uint8Array } from 'fast-check';
import { numberOf } from './authority-folder.ts';
import { CertificateAuthority } from './ca.ts';
import { publicKeyBits, readCertificate } from './certificate-fields.ts';
import { extension } from './certificates.ts';
import { integer, nothing, objectIdentifier, octetString, sequence, tlv } from './der.ts';
import { elementOf, elementsOf, within } from './der-reader.ts';
import { RevocationResponder } from './responder.ts';
import { readRevocationList } from './revocation-list.ts';

async function responder(t: TestContext): Promise<{ ca: CertificateAuthority; address: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const onError = (error: unknown): void => t.diagnostic(String(error));
  const server = new RevocationResponder(ca, { host: '127.0.0.1', port: 0, onError });
  const port = await server.start();
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  return { ca, address: `http://127.0.0.1:${port}` };
}

const issue = (ca: CertificateAuthority) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return ca.issueDevice({ serial: 'A', publicKey, keyIn: 'elsewhere' });
};

/** A request for one certificate (RFC 6960 §4.1). */
function question(number: string, issuer: Uint8Array, nonce?: Uint8Array): Uint8Array {
  const { subject, spki } = readCertificate(issuer);
  const [name, key] = [subject, publicKeyBits(spki)].map((octets) =>
    octetString(createHash('sha1').update(octets).digest()),
  );
  const algorithm = sequence(objectIdentifier('1.3.14.3.2.26'), nothing);
  const id = sequence(algorithm, name!, key!, integer(Buffer.from(number, 'hex')));
  const extensions = nonce === undefined ? [] : [tlv(0xa2, sequence(extension('ocspNonce', octetString(nonce))))];
  return sequence(sequence(sequence(sequence(id)), ...extensions));
}

/** The response's status, and of its first answer the tag: 0x80 good, 0xa1 revoked, 0x82 unknown. */
function answerOf(response: Uint8Array): { status: number; tag?: number } {
  const [status, bytes] = within(elementOf(response));
  if (bytes === undefined) return { status: status!.content[0]! };
  const basic = elementsOf(within(within(bytes, 0xa0)[0])[1]!.content)[0];
  const responses = within(within(basic)[0])[2];
  return { status: status!.content[0]!, tag: within(within(responses)[0])[1]!.tag };
}

async function ask(address: string, body: Uint8Array): Promise<{ status: number; tag?: number }> {
  const response = await fetch(`${address}/ocsp`, { method: 'POST', body: Buffer.from(body) });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/ocsp-response');
  return answerOf(await response.bytes());
}

test('OCSP tells good, revoked and unknown by POST and by GET', async (t) => {
  const { ca, address } = await responder(t);
  const issuer = ca.authority('issuing').certificate.raw;
  const number = numberOf(new X509Certificate((await issue(ca)).der));
  const revoked = await issue(ca);
  await ca.revoke({ certificate: revoked.der }, 'keyCompromise');
  const numbers = [number, numberOf(new X509Certificate(revoked.der)), '7f'.repeat(16)];
  for (const [i, tag] of [0x80, 0xa1, 0x82].entries()) {
    const request = question(numbers[i]!, issuer);
    assert.deepEqual(await ask(address, request), { status: 0, tag });
    const path = encodeURIComponent(Buffer.from(request).toString('base64'));
    const response = await fetch(`${address}/ocsp/${path}`);
    assert.deepEqual(answerOf(await response.bytes()), { status: 0, tag });
    assert.match(response.headers.get('cache-control') ?? '', /^max-age=3600, public, no-transform, must-revalidate$/);
  }
});

test('a nonce is repeated in an answer that nobody may keep', async (t) => {
  const { ca, address } = await responder(t);
  const nonce = randomBytes(16);
  const body = question('01', ca.authority('issuing').certificate.raw, nonce);
  const response = await fetch(`${address}/ocsp`, { method: 'POST', body: Buffer.from(body) });
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.ok(Buffer.from(await response.bytes()).includes(nonce));
});

test('what is no request, and certificates of others, get a refusal that is not signed', async (t) => {
  const { ca, address } = await responder(t);
  const stranger = ca.authority('policy').certificate.raw;
  assert.deepEqual(await ask(address, question('01', stranger)), { status: 6 });
  assert.deepEqual(await ask(address, new Uint8Array(0)), { status: 1 });
  assert.deepEqual(await ask(address, question('01', stranger, randomBytes(33))), { status: 1 });
  const request = question('01', ca.authority('issuing').certificate.raw);
  await check(
    asyncProperty(uint8Array({ maxLength: 80 }), async (noise) => {
      const changed = Uint8Array.from(request);
      changed.set(noise.subarray(0, request.length), 0);
      const { status } = await ask(address, changed);
      assert.ok([0, 1, 6].includes(status), `status ${status}`);
    }),
    { numRuns: 60 },
  );
});

test('a revocation list is served with how long it may be kept, others are not found', async (t) => {
  const { ca, address } = await responder(t);
  for (const name of ca.listNames()) {
    const response = await fetch(`${address}/crl/${name}.crl`);
    assert.equal(response.headers.get('content-type'), 'application/pkix-crl');
    assert.match(response.headers.get('cache-control') ?? '', /^max-age=300,/);
    const list = readRevocationList(await response.bytes(), ca.authority(name).certificate.raw);
    assert.equal(list.revoked.size, 0);
  }
  const issued = await issue(ca);
  await ca.revoke({ certificate: issued.der }, 'keyCompromise');
  const after = await fetch(`${address}/crl/issuing.crl`);
  const list = readRevocationList(await after.bytes(), ca.authority('issuing').certificate.raw);
  assert.deepEqual([...list.revoked.keys()], [numberOf(new X509Certificate(issued.der))]);
  const statuses = await Promise.all(
    ['/crl/other.crl', '/crl/../root.key', '/', '/ocsp'].map(async (path) => (await fetch(address + path)).status),
  );
  assert.deepEqual(statuses, [404, 404, 404, 405]);
});

test('many who ask for a list at once get the same', async (t) => {
  const { address } = await responder(t);
  const fetched = await Promise.all(
    Array.from({ length: 20 }, async () => Buffer.from(await (await fetch(`${address}/crl/issuing.crl`)).bytes())),
  );
  assert.equal(new Set(fetched.map((one) => one.toString('hex'))).size, 1);
});

test('a port that is taken is told with a hint', async (t) => {
  const { ca, address } = await responder(t);
  const port = Number(new URL(address).port);
  const second = new RevocationResponder(ca, { host: '127.0.0.1', port, onError: () => undefined });
  await assert.rejects(second.start(), { code: 'GTX-PRV-040', hint: /--port/ });
});
