import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost, isOwnWrite } from './guard.ts';

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

test('a write is taken from our own page or from no page, and from no other one', () => {
  const host = '127.0.0.1:8080';
  const own = { host, origin: 'http://127.0.0.1:8080' };
  for (const headers of [
    { host },
    own,
    { ...own, 'sec-fetch-site': 'same-origin' },
    { host, 'sec-fetch-site': 'none' },
  ]) {
    assert.ok(isOwnWrite(headers), JSON.stringify(headers));
  }
  for (const headers of [
    { ...own, 'sec-fetch-site': 'cross-site' },
    { host, 'sec-fetch-site': 'same-site' },
    { host, origin: 'http://127.0.0.1:3000' },
    { host, origin: 'https://127.0.0.1:8080' },
    { host, origin: 'http://localhost:8080' },
    { host, origin: 'null' },
    { origin: 'http://127.0.0.1:8080' },
  ]) {
    assert.ok(!isOwnWrite(headers), JSON.stringify(headers));
  }
});
