import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { writeLocalAccess } from '#head-end/access/local-access.ts';
import { TestOperator } from '#head-end/gateway/operator/test-operator.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { accessCommand } from './access.ts';
import { askHeadEnd } from './operator.ts';

const variable = 'GRIDTOKENX_API_KEY';

async function dataFolder(t: TestContext, access: { url: string; key: string; ca?: string }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-access-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'head-end'));
  await writeLocalAccess(join(folder, 'head-end'), { ...access, since: UnixSeconds(1) });
  return folder;
}

/** A server that answers with the credential that it was shown. */
async function echo(t: TestContext): Promise<string> {
  const server = http.createServer((request, response) => {
    response.end(request.headers.authorization ?? 'none');
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a command goes with the key to the head-end of its data folder, and takes the key nowhere else', async (t) => {
  const [url, other] = [await echo(t), await echo(t)];
  const data = await dataFolder(t, { url: url.replace('127.0.0.1', 'localhost'), key: 'local' });
  assert.equal((await stat(join(data, 'head-end', 'local-access.json'))).mode & 0o777, 0o600);
  const shown = async (flags: { url?: string; data?: string }) => (await askHeadEnd(flags, '/')).text();
  assert.equal(await shown({ data }), 'Bearer local');
  assert.equal(await shown({ data, url }), 'Bearer local');
  assert.equal(await shown({ data, url: other }), 'none');
  process.env[variable] = 'given';
  t.after(() => {
    delete process.env[variable];
  });
  assert.equal(await shown({ data, url: other }), 'Bearer given');
  assert.equal(await shown({ data }), 'Bearer given');
});

test('over TLS a command trusts the head-end of its data folder, or what --ca names, and nobody else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-access-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const order = { serial: 'rest', publicKey, keyIn: 'file', hosts: ['localhost'] } as const;
  const { chainPem } = await authority.issueDevice(order);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const server = https.createServer({ cert: chainPem, key }, (request, response) => {
    response.statusCode = request.method === 'POST' ? 201 : request.method === 'DELETE' ? 204 : 200;
    if (response.statusCode === 204) response.end();
    else request.pipe(response);
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `https://localhost:${port}`;
  const data = await dataFolder(t, { url, key: 'local', ca: chainPem });
  const sent = await askHeadEnd({ data }, '/', { method: 'POST', body: 'ä body' });
  assert.deepEqual([sent.status, await sent.text()], [201, 'ä body']);
  assert.equal((await askHeadEnd({ data }, '/', { method: 'DELETE' })).status, 204);
  const ca = join(authority.folder, 'root.pem');
  assert.equal((await askHeadEnd({ url, ca }, '/')).status, 200);
  const strange = await CertificateAuthority.create(join(folder, 'strange'));
  const refused = { code: 'GTX-ASK-001', hint: /--ca/ };
  await assert.rejects(askHeadEnd({ url, data, ca: join(strange.folder, 'root.pem') }, '/'), refused);
  await assert.rejects(askHeadEnd({ url }, '/'), refused);
  const byAddress = await dataFolder(t, { url: `https://127.0.0.1:${port}`, key: 'local', ca: chainPem });
  await assert.rejects(askHeadEnd({ data: byAddress }, '/'), refused, 'the name has to fit');
  await assert.rejects(askHeadEnd({ url, ca: join(folder, 'nothing') }, '/'), { code: 'GTX-CLI-004', kind: 'input' });
});

test('a folder without a head-end, and a refusal, say what to do', async (t) => {
  const empty = await mkdtemp(join(tmpdir(), 'gridtokenx-access-'));
  t.after(() => rm(empty, { recursive: true }));
  await assert.rejects(askHeadEnd({ data: empty }, '/'), { code: 'GTX-ASK-006', kind: 'input' });
});

test('people and keys are added, changed and removed by the command', async (t) => {
  await using operator = await TestOperator.start();
  const data = await dataFolder(t, { url: `http://127.0.0.1:${operator.port}`, key: operator.key });
  let printed = '';
  const run = async (...args: string[]): Promise<string> => {
    printed = '';
    const write = t.mock.method(process.stdout, 'write', (text: string) => {
      printed += text;
      return true;
    });
    try {
      await accessCommand().parseAsync([...args, '--data', data], { from: 'user' });
    } finally {
      write.mock.restore();
    }
    return printed;
  };
  assert.match(await run('add-user', 'ada', '--role', 'operator'), /^http:\/\/\S+\/sign-in\.html#link=[\w-]{43}\n$/);
  await run('change-user', 'ada', '--role', 'auditor');
  assert.match(await run('users'), /^ada +auditor$/m);
  assert.match(await run('link', 'ada'), /#link=/);
  const key = (await run('add-key', 'billing', '--role', 'viewer', '--days', '30')).trim();
  const asked = await operator.ask('GET', '/meters', undefined, { authorization: `Bearer ${key}` });
  assert.equal(asked.status, 200);
  const id = /^([0-9a-f]{12}) +billing +viewer$/m.exec(await run('keys'))?.[1];
  await run('revoke-key', id ?? '');
  assert.equal(await run('keys'), '');
  await run('remove-user', 'ada');
  assert.doesNotMatch(await run('users'), /ada/);
  await assert.rejects(run('remove-user', 'ada'), { code: 'GTX-ASK-002', kind: 'input' });
  await assert.rejects(askHeadEnd({ url: `http://127.0.0.1:${operator.port}` }, '/api/v1/devices'), {
    code: 'GTX-ASK-002',
    hint: /GRIDTOKENX_API_KEY/,
  });
});
