import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uncoveredRules } from './coverage.ts';
import { installLine, isInstalled } from './debian-packages.ts';
import { packagesAskedBy } from './install-packages.ts';

type Summary = Parameters<typeof uncoveredRules>[0];
const covered = (path: string, count: number) => ({ path, branches: [{ line: 7, count }] });

/** Runs one test file with this source and returns what the report prints and whether it was content. */
async function reportOf(source: string): Promise<{ text: string; success: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  try {
    await writeFile(join(folder, 'one.test.mjs'), source);
    const program = `
      import { run } from 'node:test';
      import { Report } from ${JSON.stringify(join(import.meta.dirname, 'report.ts'))};
      const report = new Report(process.cwd(), (text) => process.stdout.write(text), false);
      await report.follow(run({ files: [process.cwd() + '/one.test.mjs'] }));
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
});

test('a file that cannot be loaded is a failure', async () => {
  const { text, success } = await reportOf(`import './absent.mjs';`);
  assert.equal(success, false);
  assert.match(text, /Cannot find module/);
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
