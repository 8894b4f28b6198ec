import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotificationStatus } from '#ieee2030_5/enumerations.ts';
import { endingOf } from './teller.ts';

const origin = 'https://192.0.2.7:8443';

test('a subscription ends by what has become of its resource', () => {
  const { cancelled, definitionChanged, resourceDeleted, resourceMoved } = NotificationStatus;
  assert.deepEqual(endingOf({ at: 'gone' }, undefined, origin), { status: resourceDeleted });
  assert.deepEqual(endingOf({ at: 'withheld' }, 'known', origin), { status: cancelled });
  assert.deepEqual(endingOf({ at: 'redefined' }, 'known', origin), { status: definitionChanged });
  const newResourceURI = `${origin}/derp/9`;
  assert.deepEqual(endingOf({ at: 'moved', to: '/derp/9' }, 'known', origin), {
    status: resourceMoved,
    newResourceURI,
  });
});

test('what was subscribed to before it was there is deleted only after it was', () => {
  assert.equal(endingOf({ at: 'empty' }, undefined, origin), undefined);
  assert.equal(endingOf({ at: 'empty' }, 'empty', origin), undefined);
  assert.deepEqual(endingOf({ at: 'empty' }, 'known', origin), { status: NotificationStatus.resourceDeleted });
});
