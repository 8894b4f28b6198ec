import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uncoveredRules } from './coverage.ts';
import { installLine, isInstalled } from './debian-packages.ts';
import { packagesAskedBy } from './install-packages.ts';

type Summary = Parameters<typeof uncoveredRules>[0];
const covered = (path: string, count: number) => ({ path, branches: [{ line: 7, count }] });

/** Runs test files with these sources, in one process if there are several, and returns what the report prints. */
async function reportOf(...sources: readonly string[]): Promise<{ text: string; success: boolean }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'gridtokenx-')));
  const names = ['one.test.mjs', 'two.test.mjs', 'three.test.mjs'].slice(0, sources.length);
  try {
    for (const [index, name] of names.entries()) await writeFile(join(folder, name), sources[index] ?? '');
    const program = `
      import { run } from 'node:test';
      import { writeGroup } from ${JSON.stringify(join(import.meta.dirname, 'groups.ts'))};
      import { Report } from ${JSON.stringify(join(import.meta.dirname, 'report.ts'))};
      const paths = ${JSON.stringify(names.map((name) => join(folder, name)))};
      const groups = new Map(paths.length > 1 ? [[writeGroup(process.cwd() + '/group.mjs', paths, 10_000), paths]] : []);
      const report = new Report(process.cwd(), (text) => process.stdout.write(text), false, groups);
      const preloads = ['--import', ${JSON.stringify(join(import.meta.dirname, 'untracked-promises.ts'))}];
      await report.follow(run({ files: groups.size > 0 ? [...groups.keys()] : paths, execArgv: preloads }));
      report.finish();
      process.exitCode = report.success ? 0 : 1;
    `;
    // What runs inside a test of the runner's own would otherwise report to it.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    await writeFile(join(folder, 'program.mjs'), program);
    const { stdout, status } = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, env, encoding: 'utf8' });
    return { text: stdout, success: status === 0 };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('the summary names every skipped test with its reason and ends with the counts of the runner', async () => {
  const { text, success } = await reportOf(`
    import { describe, test } from 'node:test';
    test('holds', () => {});
    describe('a group', () => { test('is left out', (t) => t.skip('needs a moon')); });
  `);
  assert.equal(success, true);
  assert.match(text, /Skipped \(1\):\n {2}one\.test\.mjs › a group › is left out: needs a moon\n/);
  assert.match(text, /# tests 2\n(# .*\n)*# pass 1\n# fail 0\n(# .*\n)*# skipped 1\n/);
});

test('a failed test is told with its error and the output of its file', async () => {
  const { text, success } = await reportOf(`
    import { test } from 'node:test';
    import assert from 'node:assert/strict';
    test('counts', () => { console.log('seen on the way'); assert.equal(1, 2); });
  `);
  assert.equal(success, false);
  assert.match(text, /✖ one\.test\.mjs › counts\n[^]*Expected values to be strictly equal/);
  assert.match(text, /seen on the way/);
  assert.match(text, /Failed \(1\):\n {2}one\.test\.mjs › counts: AssertionError.*\n$/);
});

test('a file that cannot be loaded is a failure', async () => {
  const { text, success } = await reportOf(`import './absent.mjs';`);
  assert.equal(success, false);
  assert.match(text, /Cannot find module/);
});

test('an error that nobody catches fails the test in which it arose, though promises are not tracked', async () => {
  const { text, success } = await reportOf(`
    import { test } from 'node:test';
    test('holds', () => {});
    test('throws later', async () => {
      await null;
      setTimeout(() => { throw new Error('too late'); }, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    test('rejects later', async () => {
      await null;
      Promise.resolve().then(() => { throw new Error('unheard'); });
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
  `);
  assert.equal(success, false);
  assert.match(text, /✔ holds/);
  assert.match(text, /✖ one\.test\.mjs › throws later\n.*too late/);
  assert.match(text, /✖ one\.test\.mjs › rejects later\n.*unheard/);
});

test('files that share a process are told each by itself, and the hooks of one are not those of the next', async () => {
  const { text, success } = await reportOf(
    `import { beforeEach, describe, test } from 'node:test';
     beforeEach(() => (globalThis.hooked = (globalThis.hooked ?? 0) + 1));
     test('alone', () => {});
     describe('below', () => { test('deeper', (t) => t.skip('needs a moon')); });`,
    `import { test } from 'node:test';
     import assert from 'node:assert/strict';
     test('after it', () => assert.equal(globalThis.hooked, 2));
     test('fails', () => { console.log('seen on the way'); assert.equal(1, 2); });`,
    `import './absent.mjs';`,
  );
  assert.equal(success, false);
  const lines = text
    .replaceAll(/\(.* ms\)/g, '')
    .split('\n')
    .map((line) => line.trimEnd());
  assert.deepEqual(lines.slice(0, lines.indexOf('')), [
    '✔ one.test.mjs',
    '  ✔ alone',
    '  ✔ below',
    '    ﹣ deeper (skipped)',
    '✖ two.test.mjs',
    '  ✔ after it',
    '  ✖ fails',
    '✖ three.test.mjs',
  ]);
  assert.match(
    text,
    /✖ two\.test\.mjs › fails\n[^]*output of one\.test\.mjs, two\.test\.mjs, three\.test\.mjs:\n +seen/,
  );
  assert.match(text, /✖ three\.test\.mjs\n.*Cannot find module/);
  assert.match(text, /# tests 4\n(# .*\n)*# pass 2\n# fail 1\n/);
});

test('a process that ends too early fails the files that it has not finished, by name', async () => {
  const { text, success } = await reportOf(
    `import { test } from 'node:test'; test('holds', () => {});`,
    `import { test } from 'node:test';
     test('holds too', () => {});
     test('ends it all', () => new Promise(() => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100)));`,
    `import { test } from 'node:test'; test('is never asked', () => {});`,
  );
  assert.equal(success, false);
  assert.match(text, /✔ one\.test\.mjs/);
  assert.match(text, /✖ two\.test\.mjs.*\n {2}✔ holds too.*\n✖ three\.test\.mjs/);
  assert.match(text, /✖ two\.test\.mjs, three\.test\.mjs\n[^]*SIGKILL/);
});

test('what a test file needs is read from its source', () => {
  assert.deepEqual(packagesAskedBy(`if (!debianPackage(t, 'mbpoll')) return; debianPackage(t, 'openssl')`), [
    'mbpoll',
    'openssl',
  ]);
  assert.equal(installLine(['mbpoll']), 'apt-get install -y --no-install-recommends mbpoll');
});

test('a package is recognised by its command on the PATH', (t) => {
  const path = process.env['PATH'];
  t.after(() => (process.env['PATH'] = path));
  process.env['PATH'] = '/nowhere';
  assert.equal(isInstalled('openssl'), false);
});

test('a pure rule is uncovered when a branch is never taken or no test loads it', () => {
  const summary = { files: [covered('/r/a.ts', 1), covered('/r/b.ts', 0)] } as unknown as Summary;
  assert.deepEqual(uncoveredRules(summary, '/r', ['a.ts', 'b.ts', 'c.ts']), [
    'b.ts: no test takes the branches at line 7',
    'c.ts: no test loads it',
  ]);
});
