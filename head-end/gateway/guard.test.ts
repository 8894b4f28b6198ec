import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnWrite } from './guard.ts';

test('a write is taken from our own page or from no page, and from no other one', () => {
  const host = '127.0.0.1:8080';
  const site = { origin: 'http://127.0.0.1:8080', host: '127.0.0.1', port: ':8080' };
  const own = { host, origin: 'http://127.0.0.1:8080' };
  for (const headers of [
    { host },
    own,
    { ...own, 'sec-fetch-site': 'same-origin' },
    { host, 'sec-fetch-site': 'none' },
  ]) {
    assert.ok(isOwnWrite(headers, site), JSON.stringify(headers));
  }
  for (const headers of [
    { ...own, 'sec-fetch-site': 'cross-site' },
    { host, 'sec-fetch-site': 'same-site' },
    { host, origin: 'http://127.0.0.1:3000' },
    { host, origin: 'https://127.0.0.1:8080' },
    { host, origin: 'http://localhost:8080' },
    { host, origin: 'null' },
  ]) {
    assert.ok(!isOwnWrite(headers, site), JSON.stringify(headers));
  }
});
