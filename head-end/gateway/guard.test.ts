import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost } from './guard.ts';

test('only the loopback names pass, with or without a port', () => {
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:65535']) {
    assert.equal(isLoopbackHost(host), true, host);
  }
});

test('no other name passes, however much it looks like one', () => {
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
    assert.equal(isLoopbackHost(host), false, host);
  }
});
