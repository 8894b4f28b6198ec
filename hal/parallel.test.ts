import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { inParallel } from './parallel.ts';

test('every item is worked on once, never more of them at a time, and answers keep their order', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 5 }), async (items, most) => {
      let running = 0;
      let highest = 0;
      const answers = await inParallel(items, most, async (item) => {
        highest = Math.max(highest, ++running);
        await Promise.resolve();
        running--;
        return item * 2;
      });
      assert.deepEqual(
        answers,
        items.map((item) => item * 2),
      );
      assert.equal(highest, Math.min(most, items.length));
    }),
  ));

test('the first failure is told when what was under way has ended, and nothing is begun after it', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    await Promise.resolve();
    if (item === 1) throw new Error('one');
    await Promise.resolve();
    ended.push(item);
  };
  await assert.rejects(inParallel([0, 1, 2, 3, 4, 5], 2, work), { message: 'one' });
  assert.deepEqual(new Set(begun), new Set([...ended, 1]));
  assert.ok(begun.length < 6);
});
