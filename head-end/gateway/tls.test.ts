import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { TestAccess } from '../access/test-access.ts';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { Gateway } from './gateway.ts';
import { SampleSource, sampleSnapshot } from './sample-campus.ts';

type Request = Omit<https.RequestOptions, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

suite('REST beyond loopback', { concurrency: false }, () => {
  let database: Database;
  let gateway: Gateway;
  let firstLink: string | undefined;
  let ca: string;
  let port: number;

  before(async () => {
    database = await startTestDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-rest-'));
    const authority = await CertificateAuthority.create(join(folder, 'ca'));
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const hosts = ['grid.example'];
    const { chainPem } = await authority.issueDevice({ serial: 'rest', publicKey, keyIn: 'file', hosts });
    await rm(folder, { recursive: true });
    ca = authority.rootPem;
    const { access } = new TestAccess(database.pool);
    ({ firstLink } = await access.start());
    gateway = new Gateway({
      port: 0,
      host: '0.0.0.0',
      tls: { cert: chainPem, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) },
      source: new SampleSource(sampleSnapshot()),
      access: () => access,
      log: createLog('t', 'silent'),
    });
    let origin: string;
    ({ port, origin } = await gateway.start());
    assert.equal(origin, `https://grid.example:${port}`);
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const ask = async (path: string, more: Request = {}, body = '') => {
    const headers = { host: `grid.example:${port}`, ...more.headers };
    const options = { host: '127.0.0.1', port, path, ca, servername: 'grid.example', agent: false, ...more, headers };
    const request = https.request(options);
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
    return { status: answer.statusCode, headers: answer.headers, text };
  };

  test('the page is served, and what it shows takes a sign-in', async () => {
    const page = await ask('/sign-in.html');
    assert.equal(page.status, 200);
    assert.match(String(page.headers['strict-transport-security']), /^max-age=31536000/);
    for (const path of ['snapshot', 'events', 'health', 'devices']) {
      const answer = await ask(`/api/v1/${path}`);
      assert.deepEqual([answer.status, /GTX-ACC-001/.test(answer.text)], [401, true], path);
    }
    assert.match((await ask('/api/v1/access/me')).text, /"dashboard":"closed","takesPasskeys":true/);
  });

  test('the cookie of a session is for this host and TLS alone', async () => {
    const headers = { 'content-type': 'application/json', origin: `https://grid.example:${port}` };
    const body = JSON.stringify({ link: firstLink });
    const answer = await ask('/api/v1/access/link-sign-in', { method: 'POST', headers }, body);
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    assert.match(cookie, /^__Host-gridtokenx=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    const [pair = ''] = cookie.split(';');
    assert.equal((await ask('/api/v1/snapshot', { headers: { cookie: pair } })).status, 200);
  });

  test('another name, another page’s write and plain HTTP are refused', async () => {
    assert.equal((await ask('/', { headers: { host: 'evil.example' } })).status, 421);
    const headers = { origin: `http://grid.example:${port}` };
    assert.equal((await ask('/api/v1/access/passkey-request', { method: 'POST', headers })).status, 403);
    const plain = http.get({ host: '127.0.0.1', port, agent: false });
    await assert.rejects(once(plain, 'response'));
  });

  test('TLS below 1.2 and ciphers without forward secrecy are refused', async () => {
    await assert.rejects(ask('/', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
    await assert.rejects(ask('/', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }));
    await assert.rejects(ask('/', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }));
    assert.equal((await ask('/', { maxVersion: 'TLSv1.2' })).status, 200);
  });
});
