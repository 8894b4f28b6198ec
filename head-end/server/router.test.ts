import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router } from './router.ts';

const router = new Router<string>();
router.add('/edev', 'list');
router.add('/edev/{id1}', 'device');
router.add('/edev/{id1}/frq', 'requests');
router.add('/edev/{id1}/der/{id2}/derp', 'programs');
router.add('/gtx/offers', 'offers');

test('a path finds what stands for it, with its variable parts in order', () => {
  assert.deepEqual(router.find('/edev'), { value: 'list', ids: [] });
  assert.deepEqual(router.find('/edev/7'), { value: 'device', ids: ['7'] });
  assert.deepEqual(router.find('/edev/7/frq'), { value: 'requests', ids: ['7'] });
  assert.deepEqual(router.find('/edev/7/der/1/derp'), { value: 'programs', ids: ['7', '1'] });
  assert.deepEqual(router.find('/gtx/offers'), { value: 'offers', ids: [] });
});

test('a path that nothing stands for finds nothing', () => {
  const paths = [
    '/',
    '',
    'edev',
    '/nothing',
    '/edev/',
    '/edev/7/',
    '/edev/7/frq/1',
    '/edev/7/der/1',
    '/EDEV',
    '//edev',
  ];
  for (const path of [...paths, '/edev//frq', '/gtx', '/constructor', '/edev/7/__proto__']) {
    assert.equal(router.find(path), undefined, path);
  }
});
