import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restConfig } from './rest.ts';

test('plain HTTP on loopback takes no configuration, and beyond it is refused before anything is made', async () => {
  assert.equal(await restConfig({ httpHost: '127.0.0.1' }), undefined);
  assert.deepEqual(await restConfig({ httpHost: '::1' }), { host: '::1' });
  await assert.rejects(restConfig({ httpHost: '0.0.0.0' }), { code: 'GTX-GTW-002', kind: 'input' });
});

test('one TLS file without the other, or one that cannot be read, is named with its flag', async () => {
  await assert.rejects(restConfig({ httpHost: '0.0.0.0', tlsCert: 'a' }), { code: 'GTX-CLI-003', kind: 'input' });
  const absent = { httpHost: '0.0.0.0', tlsCert: '/nowhere/cert.pem', tlsKey: '/nowhere/key.pem' };
  await assert.rejects(restConfig(absent), { code: 'GTX-CLI-004', kind: 'input', hint: /--tls-cert/ });
});
