import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { GridError } from './errors.ts';
import { ThreadLink } from './thread-link.ts';

interface Other {
  readonly echo: (value: unknown) => unknown;
  readonly fail: (nothing: null) => never;
  /** Never answers. */
  readonly hang: (nothing: null) => null;
  readonly die: (how: 'exit' | 'throw') => null;
}

const thread = `
  import { GridError } from '${import.meta.resolve('./errors.ts')}';
  import { serveThread } from '${import.meta.resolve('./thread-link.ts')}';
  serveThread({
    echo: async (value) => value,
    fail: async () => {
      throw new GridError('GTX-TST-042', 'it failed', { kind: 'input', hint: 'do it right' });
    },
    hang: () => new Promise(() => {}),
    die: async (how) => {
      if (how === 'exit') process.exit(3);
      setImmediate(() => {
        throw new TypeError('not ours');
      });
      return await new Promise(() => {});
    },
  });
`;

function started(t: TestContext): ThreadLink<Other> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(thread)}`), { stderr: true });
  const link = new ThreadLink<Other>('the thread', worker);
  t.after(() => link[Symbol.asyncDispose]());
  return link;
}

test('calls to a thread are answered each with its own, and failures cross with all that they say', async (t) => {
  const link = started(t);
  const values = [1n, undefined, Number.NaN, new Map([['a', new Uint8Array([1, 2])]]), { deep: [null] }];
  assert.deepEqual(await Promise.all(values.map((value) => link.call('echo', value))), values);
  await assert.rejects(link.call('fail', null), (error) => {
    assert.ok(error instanceof GridError);
    const { code, message, hint, kind } = error;
    assert.deepEqual([code, message, hint, kind], ['GTX-TST-042', 'it failed', 'do it right', 'input']);
    return true;
  });
});

test('when a thread dies every call that waits fails and says of what, and so does every later one', async (t) => {
  for (const [how, said] of [
    ['exit', /the thread ended unexpectedly \(exit code 3\)/],
    ['throw', /the thread ended unexpectedly: TypeError: not ours/],
  ] as const) {
    const link = started(t);
    const calls = [link.call('hang', null), link.call('die', how)];
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      assert.equal(status, 'rejected');
      assert.match(String(reason), said);
      assert.equal((reason as GridError).code, 'GTX-LNK-004');
    }
    await assert.rejects(link.call('echo', 1), { code: 'GTX-LNK-004', message: said });
  }
});

test('a thread that is let go of ends, whatever it does', async (t) => {
  const link = started(t);
  const hanging = assert.rejects(link.call('hang', null), { code: 'GTX-LNK-004' });
  await link[Symbol.asyncDispose]();
  await hanging;
});
