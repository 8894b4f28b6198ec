import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { hasValidCheckDigit, lfdiOf, parseLfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { loadIdentity } from '#provisioning/identity-files.ts';

const main = join(import.meta.dirname, 'main.ts');

interface Issued {
  readonly lfdi: string;
  readonly sfdi: string;
  readonly pin: string;
  readonly serial: string;
  readonly files: readonly string[];
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function provision(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, 'provision', ...args], { encoding: 'utf8' });
}

test('an authority issues an identity whose LFDI, SFDI and PIN are printed as JSON', async (t) => {
  const folder = await temporaryFolder(t);
  const [ca, out] = [join(folder, 'ca'), join(folder, 'device')];
  const init = provision('ca', 'init', '--out', ca);
  assert.deepEqual([init.status, init.stdout], [0, '']);
  assert.match(init.stderr, /its keys are encrypted/);
  const issue = provision('issue', '--ca', ca, '--out', out, '--serial', 'bench-7', '--json');
  assert.deepEqual([issue.status, issue.stderr], [0, '']);
  const told = JSON.parse(issue.stdout) as Issued;
  const identity = await loadIdentity(out);
  assert.equal(told.lfdi, identity.lfdi);
  assert.equal(told.lfdi, lfdiOf(await readFile(join(out, 'device.der'))));
  assert.equal(told.sfdi, String(sfdiOf(parseLfdi(told.lfdi))));
  assert.match(told.pin, /^\d{6}$/);
  assert.ok(hasValidCheckDigit(Number(told.pin)));
  assert.equal(told.serial, 'bench-7');
  assert.deepEqual(told.files.toSorted(), (await readdir(out)).map((name) => join(out, name)).toSorted());

  const before = await readFile(join(out, 'device.key'));
  const again = provision('issue', '--ca', ca, '--out', out);
  assert.equal(again.status, 2);
  assert.match(again.stderr, /^GTX-PRV-012 .*device\.key is there already\n {2}hint: /);
  assert.deepEqual(await readFile(join(out, 'device.key')), before);
});

test('what is given wrongly exits with 2, a code and a hint, and writes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const out = join(folder, 'device');
  await writeFile(join(folder, 'bad.csr'), 'nonsense');
  const cases: [string[], RegExp][] = [
    [['issue', '--ca', join(folder, 'none'), '--out', out], /^GTX-PRV-001 .*\n {2}hint: /],
    [['issue', '--out', out], /^GTX-CLI-002 required option '--ca <dir>' not specified\n {2}hint: /],
    [
      ['ca', 'init', '--out', out, '--force'],
      /^GTX-CLI-002 unknown option '--force'\n {2}hint: `gridtokenx provision ca init --help`/,
    ],
  ];
  for (const [args, expected] of cases) {
    const { status, stdout, stderr } = provision(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, expected);
  }
  const ca = join(folder, 'ca');
  provision('ca', 'init', '--out', ca);
  for (const csr of ['absent.csr', 'bad.csr']) {
    const { status, stderr } = provision('issue', '--ca', ca, '--out', out, '--csr', join(folder, csr));
    assert.equal(status, 2);
    assert.match(stderr, /^GTX-PRV-005 /);
  }
  assert.deepEqual((await readdir(folder)).toSorted(), ['bad.csr', 'ca', 'ca.passphrase']);
});
