import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { delay } from '#hal/wall.ts';
import { Bursts } from './bursts.ts';

/** What waits, and the sizes of the commits that took it. */
function gathering(whileCommitting: () => Promise<void> = async () => undefined) {
  let waiting = 0;
  const commits: number[] = [];
  const bursts = new Bursts(
    () => waiting,
    async () => {
      commits.push(waiting);
      waiting = 0;
      await whileCommitting();
    },
  );
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) {
      waiting++;
      bursts.add();
    }
  };
  return { bursts, commits, add };
}

suite('bursts', () => {
  test('what comes at once shares a commit', async () => {
    const { bursts, commits, add } = gathering();
    add(25);
    await bursts.settled();
    assert.deepEqual(commits, [25]);
  });

  test('the next burst is waited for until it is as great as the last', async () => {
    const { bursts, commits, add } = gathering();
    add(25);
    await bursts.settled();
    add(10);
    await Promise.resolve();
    assert.deepEqual(commits, [25]);
    add(15);
    await bursts.settled();
    assert.deepEqual(commits, [25, 25]);
  });

  test('but not for long where it stays smaller', async () => {
    const { bursts, commits, add } = gathering();
    add(25);
    await bursts.settled();
    add(3);
    await bursts.settled();
    assert.deepEqual(commits, [25, 3]);
  });

  test('what comes while a commit is under way goes into the next, and counts as of the same burst', async () => {
    let late = 4;
    const { bursts, commits, add } = gathering(async () => {
      if (late > 0) add(late);
      late = 0;
    });
    add(2);
    await bursts.settled();
    assert.deepEqual(commits, [2, 4]);
    add(5);
    await Promise.resolve();
    assert.deepEqual(commits, [2, 4]);
    add(1);
    await bursts.settled();
    assert.deepEqual(commits, [2, 4, 6]);
  });

  test('one that never ends is committed all the same', async () => {
    const { bursts, commits, add } = gathering();
    add(1_000_000);
    await bursts.settled();
    add(1);
    for (let i = 0; i < 40 && commits.length < 2; i++) {
      await delay(1);
      add(1);
    }
    assert.equal(commits.length, 2);
    await bursts.settled();
  });
});
