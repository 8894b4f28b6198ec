import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device } from '../registry/devices.ts';
import type { SepRequest } from './exchange.ts';
import { Router } from './router.ts';

const request = (path: string): Omit<SepRequest, 'params'> => ({
  device: { meterId: 'A' } as Device,
  path,
  query: new URLSearchParams(),
  body: new Uint8Array(),
});

/** Answers with the parts of the path, so that a test sees where it came out. */
const echo =
  (name: string) =>
  ({ params }: SepRequest) => ({ status: 200, body: `${name} ${JSON.stringify(params)}` });

const router = new Router();
router.add('/edev', { GET: echo('list') });
router.add('/edev/:device', { GET: echo('device'), PUT: echo('replace') });
router.add('/edev/:device/frq', { GET: echo('requests'), POST: echo('ask') });
router.add('/gtx/offers', { POST: echo('offers') });

const bodyOf = async (method: string, path: string): Promise<string | undefined> =>
  (await router.handle(method, request(path))).body;

test('a path finds its resource and names its variable parts', async () => {
  assert.equal(await bodyOf('GET', '/edev'), 'list {}');
  assert.equal(await bodyOf('GET', '/edev/7'), 'device {"device":"7"}');
  assert.equal(await bodyOf('POST', '/edev/7/frq'), 'ask {"device":"7"}');
});

test('a path that nothing answers for is 404', async () => {
  for (const path of ['/', '', '/nothing', '/edev/', '/edev/7/', '/edev/7/frq/1', '/EDEV', '//edev']) {
    const { status } = await router.handle('GET', request(path));
    // A trailing slash is a variable part that is empty; its resource says that there is no such device.
    assert.equal(status, path === '/edev/' ? 200 : 404, path);
  }
});

test('a method that a resource does not have is 405 with those that it has', async () => {
  assert.deepEqual(await router.handle('DELETE', request('/edev')), { status: 405, allow: 'GET, HEAD' });
  assert.deepEqual(await router.handle('DELETE', request('/edev/7')), { status: 405, allow: 'GET, PUT, HEAD' });
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH']) {
    assert.deepEqual(await router.handle(method, request('/gtx/offers')), { status: 405, allow: 'POST' });
  }
});

test('HEAD is answered as GET is', async () => {
  assert.deepEqual(await router.handle('HEAD', request('/edev/7')), await router.handle('GET', request('/edev/7')));
});
