import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { TaskHealth } from './task-health.ts';

test('a task that fails or is too slow is not well until it ends well, and the log tells of each change once', () => {
  const told: string[] = [];
  const tell = (_facts: unknown, what: string) => void told.push(what);
  const tasks = new TaskHealth({ info: tell, error: tell } as unknown as Log);
  const state = () => tasks.parts.map(({ isWell, since, fault }) => [isWell, since, fault?.slice(0, 11)]);
  tasks.ended('post', UnixSeconds(1), undefined);
  assert.deepEqual(state(), [[true, 1, undefined]]);
  tasks.ended('post', UnixSeconds(2), new GridError('GTX-OUT-002', 'Cannot write'));
  tasks.ended('post', UnixSeconds(3), new GridError('GTX-OUT-002', 'Cannot write'));
  assert.deepEqual(state(), [[false, 2, 'GTX-OUT-002']]);
  tasks.ended('post', UnixSeconds(4), undefined);
  tasks.skipped('post', UnixSeconds(5));
  assert.deepEqual(state(), [[false, 5, 'GTX-EDG-031']]);
  assert.deepEqual(told, ['a task failed; it is tried again when it is due', 'a task runs again']);
});
