import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GridError } from './errors.ts';
import { ChildLink, reportProgress } from './process-link.ts';

interface Child {
  readonly echo: (value: unknown) => unknown;
  readonly fail: (how: 'input' | 'runtime' | 'error' | 'text') => never;
  readonly work: (steps: number) => number;
  /** Never answers. */
  readonly hang: (nothing: null) => null;
  readonly die: (how: 'exit' | 'kill') => never;
}

const child = `
  import { GridError } from '${import.meta.resolve('./errors.ts')}';
  import { reportProgress, serveParent } from '${import.meta.resolve('./process-link.ts')}';
  serveParent(
    {
      echo: async (value) => value,
      fail: async (how) => {
        if (how === 'error') throw new TypeError('not ours');
        if (how === 'text') throw 'a text';
        throw new GridError('GTX-TST-042', 'it failed', { kind: how, ...(how === 'input' && { hint: 'do it right' }) });
      },
      work: async (steps) => {
        for (let n = 1; n <= steps; n++) reportProgress('step ' + n);
        return steps;
      },
      hang: () => new Promise(() => {}),
      die: async (how) => (how === 'exit' ? process.exit(3) : process.kill(process.pid, 'SIGKILL')),
    },
    async () => {
      if (process.argv[2] === 'stuck') throw new GridError('GTX-TST-043', 'cannot stop');
    },
  );
`;

/** A child that ends with the test, whatever happens. */
function started(
  t: TestContext,
  onProgress: (text: string) => void = () => undefined,
  args: readonly string[] = [],
): ChildLink<Child> {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-link-'));
  writeFileSync(join(folder, 'child.mjs'), child);
  const process = fork(join(folder, 'child.mjs'), args, { serialization: 'advanced', stdio: 'ignore' });
  const link = new ChildLink<Child>('the child', process, onProgress);
  t.after(async () => {
    process.kill('SIGKILL');
    await link.ended;
    rmSync(folder, { recursive: true });
  });
  return link;
}

test('calls are answered each with its own, and values cross as they are', async (t) => {
  const link = started(t);
  const values = [1n, undefined, Number.NaN, new Map([['a', new Uint8Array([1, 2])]]), { deep: [null] }];
  assert.deepEqual(await Promise.all(values.map((value) => link.call('echo', value))), values);
});

test('a failure crosses with its code, message, hint and kind', async (t) => {
  const link = started(t);
  await assert.rejects(link.call('fail', 'input'), (error) => {
    assert.ok(error instanceof GridError);
    const { code, message, hint, kind } = error;
    assert.deepEqual([code, message, hint, kind], ['GTX-TST-042', 'it failed', 'do it right', 'input']);
    return true;
  });
  await assert.rejects(link.call('fail', 'runtime'), { code: 'GTX-TST-042', kind: 'runtime', hint: undefined });
});

test('a failure that is not ours crosses with its stack, and the child lives on', async (t) => {
  const link = started(t);
  await assert.rejects(link.call('fail', 'error'), {
    code: 'GTX-LNK-002',
    message: /TypeError: not ours\n.*child\.mjs/,
  });
  await assert.rejects(link.call('fail', 'text'), { code: 'GTX-LNK-002', message: 'a text' });
  assert.equal(await link.call('echo', 1), 1);
});

test('a method that the child does not have is a failure of the call', async (t) => {
  const link = started(t) as unknown as ChildLink<{ nothing: (argument: null) => null }>;
  await assert.rejects(link.call('nothing', null), { code: 'GTX-LNK-001' });
});

test('progress arrives in order, before the answer', async (t) => {
  const steps: string[] = [];
  const link = started(t, (text) => steps.push(text));
  assert.equal(await link.call('work', 3), 3);
  assert.deepEqual(steps, ['step 1', 'step 2', 'step 3']);
});

test('when the child dies every call that waits fails and says how, and so does every later one', async (t) => {
  for (const [how, said] of [
    ['exit', /the child ended unexpectedly \(exit code 3\)/],
    ['kill', /the child ended unexpectedly \(SIGKILL\)/],
  ] as const) {
    const link = started(t);
    await link.call('echo', 0);
    const calls = [link.call('hang', null), link.call('die', how)];
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      assert.equal(status, 'rejected');
      assert.match(String(reason), said);
      assert.equal((reason as GridError).code, 'GTX-LNK-004');
    }
    await link.ended;
    await assert.rejects(link.call('echo', 1), { code: 'GTX-LNK-004', message: said });
  }
});

test('a child without its parent stops in order and ends; its exit code says when it could not', async (t) => {
  for (const [args, exitCode] of [
    [[], 0],
    [['stuck'], 1],
  ] as const) {
    const link = started(t, undefined, args);
    await link.call('echo', 0);
    link.child.disconnect();
    await link.ended;
    assert.equal(link.child.exitCode, exitCode);
    await assert.rejects(link.call('echo', 1), { code: 'GTX-LNK-004' });
  }
});

test('a program that cannot be started fails its calls, and does not crash its parent', async () => {
  const process = fork('nothing.mjs', [], { execPath: join(tmpdir(), 'no-such-program'), stdio: 'ignore' });
  const link = new ChildLink<Child>('the child', process, () => undefined);
  await link.ended;
  await assert.rejects(link.call('echo', 1), { code: 'GTX-LNK-003', message: /Cannot start the child: .*ENOENT/ });
});

test('progress without a parent goes nowhere', () => {
  assert.notEqual(process.connected, true);
  reportProgress('nobody hears it');
});
