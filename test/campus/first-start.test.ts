import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CampusProcess, shortCampus, temporaryFolder, twoBoards } from './campus-process.ts';

/** Tells what ran and whether it had to compile code: a process at its end; a thread, which is ended, at every module. */
const witness = (file: string): string =>
  `data:text/javascript,
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  import { isMainThread } from 'node:worker_threads';
  const tell = () => appendFileSync(${JSON.stringify(file)}, JSON.stringify([
    isMainThread ? process.argv[1] : 'thread',
    process.moduleLoadList.includes('NativeModule internal/deps/amaro/dist/index'),
  ]) + '\\n');
  if (isMainThread) process.on('exit', tell);
  else registerHooks({ load: (url, context, next) => (tell(), next(url, context)) });`.replaceAll('\n', ' ');

test('no process of a campus holds the compiler that a first start needs', async (t) => {
  const folder = temporaryFolder(t, 'first');
  const boards = twoBoards(t);
  for (const start of ['first', 'second']) {
    const told = join(folder, start);
    const env = { NODE_COMPILE_CACHE: join(folder, 'cache'), NODE_OPTIONS: `--import ${encodeURI(witness(told))}` };
    const options = shortCampus(join(folder, `data-${start}`), [...boards, '--hours', '0.01', '--speed', 'max']);
    const campus = new CampusProcess(options, { env });
    const { code, stderr } = await campus.ended;
    assert.equal(code, 0, stderr);
    const lines = readFileSync(told, 'utf8').trim().split('\n');
    const ran = lines.map((line) => JSON.parse(line) as readonly [program: string, hasCompiled: boolean]);
    const lasting = (program: string): readonly boolean[] =>
      ran.filter(([name]) => name.endsWith(program)).map(([, hasCompiled]) => hasCompiled);
    // In the first start those that compile ahead come before them, and end at once.
    const ahead = start === 'first' ? [true] : [];
    assert.deepEqual(lasting('head-end/main.ts'), [...ahead, false], start);
    assert.deepEqual(lasting('fleet/main.ts'), [...ahead, false], start);
    assert.deepEqual(new Set(lasting('thread')), new Set([false]), start);
  }
});
