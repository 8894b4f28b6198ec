import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { Listener, type ListenerTls } from './listener.ts';

const plain = new Listener('127.0.0.1', undefined);
let tls: ListenerTls;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-listener-'));
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const hosts = ['grid.example', '192.0.2.7'];
  const { chainPem } = await ca.issueDevice({ serial: 'rest', publicKey, keyIn: 'file', hosts });
  tls = { cert: chainPem, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
  await rm(folder, { recursive: true });
});

test('plain HTTP answers to the loopback names, with or without a port', () => {
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:65535']) {
    assert.equal(plain.site(host)?.origin, `http://${host.toLowerCase()}`, host);
  }
});

test('plain HTTP answers to no other name, however much it looks like one', () => {
  const names = [
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.localhost',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '::1',
  ];
  for (const host of [...names, 'localhost:8080:1', 'localhost ', 'user@localhost', '[::1', '0.0.0.0', undefined]) {
    assert.equal(plain.site(host), undefined, host);
  }
});

test('beyond loopback there is no plain HTTP', () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.10', 'campus.example']) {
    assert.throws(() => new Listener(host, undefined), { code: 'GTX-GTW-002', kind: 'input' });
  }
});

test('with TLS it answers to the names and addresses of its certificate, and to no other', () => {
  const listener = new Listener('0.0.0.0', tls);
  const { origin, host, port } = listener.site('Grid.Example:8443') ?? {};
  assert.deepEqual([origin, host, port], ['https://grid.example:8443', 'grid.example', ':8443']);
  assert.equal(listener.site('192.0.2.7')?.host, '192.0.2.7');
  for (const other of ['evil.example', 'sub.grid.example', '192.0.2.8', undefined]) {
    assert.equal(listener.site(other), undefined, other);
  }
});

test('a key of another certificate, or none, is told before anything listens', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  for (const files of [
    { ...tls, key: other },
    { ...tls, key: 'nonsense' },
    { ...tls, cert: 'nonsense' },
  ]) {
    assert.throws(() => new Listener('0.0.0.0', files), { code: 'GTX-GTW-012', kind: 'input' });
  }
});
