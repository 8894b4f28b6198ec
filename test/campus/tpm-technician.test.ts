import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SwtpmFactory } from '#hal/emulated/swtpm-factory.ts';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { sha256, Tpm } from '#provisioning/tpm/tpm.ts';
import { debianPackage } from '../debian-packages.ts';
import { programEnvironment } from '../program-environment.ts';
import { temporaryFolder } from './campus-process.ts';

const launcher = fileURLToPath(new URL('../../cli/gridtokenx.js', import.meta.url));
const own = { serial: 'GTX-0007', building: 'AMI_METER_STANFORD_ENG_001' };

const start = (args: readonly string[], signal: AbortSignal) =>
  spawn(process.execPath, [launcher, ...args], {
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: programEnvironment(),
  });

async function gridtokenx(t: TestContext, ...args: readonly string[]) {
  const child = start(args, t.signal);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (text) => (said[stream] += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

/** A register into which nothing was measured since the start. */
const unmeasured = '0'.repeat(64);

async function startTpm(t: TestContext, folder: string): Promise<Swtpm> {
  const emulator = new Swtpm(folder);
  await emulator.start();
  t.after(() => emulator[Symbol.asyncDispose]());
  return emulator;
}

/** As a boot loader measures what it starts. */
async function startOtherSoftware(emulator: Swtpm): Promise<void> {
  await using tpm = new Tpm(emulator);
  await tpm.start();
  await tpm.pcrExtend(7, sha256(Buffer.from('other software')));
}

interface Enrolling {
  readonly ca: string;
  readonly server: string;
  readonly tpm: string;
  readonly board: typeof own;
  readonly out: string;
}

const enrolBoard = (t: TestContext, { board: { serial, building }, ...flags }: Enrolling) => {
  const words = Object.entries({ ...flags, serial, building }).flatMap(([name, value]) => [`--${name}`, value]);
  return gridtokenx(t, 'provision', 'enrol', '--json', ...words);
};

/** A head-end as an operator starts it; answers where its enrolment service is. */
async function startHeadEnd(t: TestContext, args: readonly string[]): Promise<string> {
  const free = ['sep', 'http', 'revocation', 'enrolment'].flatMap((name) => [`--${name}-port`, '0']);
  const child = start(['head-end', ...args, ...free], t.signal);
  // It ends by the signal of the test, too, and then there is nobody to tell.
  child.on('error', () => undefined);
  const ended = once(child, 'close');
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += String(text)));
  for (;;) {
    const [, url] = /enrolment at (https:\/\/[\d.:]+)\//.exec(stderr) ?? [];
    if (url !== undefined) return url;
    if (child.exitCode !== null) throw new Error(stderr);
    await Promise.race([once(child.stderr, 'data'), ended]);
  }
}

test('a technician flashes a board, an operator allows it, and it enrols at a head-end of its own', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools') || !debianPackage(t, 'gcc')) return;
  const folder = temporaryFolder(t, 'technician');
  const at = (name: string): string => join(folder, name);
  const factory = new SwtpmFactory(at('maker'));
  await factory.make([at('tpm')]);
  await writeFile(at('makers.pem'), await factory.certificates());
  let emulator = await startTpm(t, at('tpm'));
  assert.equal((await gridtokenx(t, 'provision', 'ca', 'init', '--out', at('ca'))).code, 0);
  const data = ['--data', at('data')];
  const url = await startHeadEnd(t, [
    '--ca',
    at('ca'),
    ...data,
    '--tpm-makers',
    at('makers.pem'),
    '--pcr',
    `7=${unmeasured}`,
  ]);

  const tpm = (): string => `swtpm:localhost:${emulator.port}`;
  const enrol = (building = own.building) =>
    enrolBoard(t, { ca: at('ca/root.pem'), server: url, tpm: tpm(), board: { ...own, building }, out: at('board') });
  const { stdout } = await gridtokenx(t, 'provision', 'endorsement', '--tpm', tpm(), '--json');
  const { endorsementHash } = JSON.parse(stdout) as { endorsementHash: string };
  const early = await enrol();
  assert.equal(early.code, 1);
  assert.match(early.stderr, new RegExp(`^GTX-ENR-001 .*\n  hint: .*${endorsementHash}`));
  const allow = ['allow', endorsementHash, '--serial', own.serial, '--building', own.building, ...data];
  assert.equal((await gridtokenx(t, 'provision', ...allow)).code, 0);
  assert.match((await enrol('AMI_METER_STANFORD_ENG_002')).stderr, /^GTX-ENR-002 /);

  await startOtherSoftware(emulator);
  assert.match((await enrol()).stderr, /^GTX-TPM-030 The registers 7 do not hold what is expected/);
  await emulator[Symbol.asyncDispose]();
  emulator = await startTpm(t, at('tpm'));

  const first = await enrol();
  assert.deepEqual([first.code, first.stderr], [0, `Enrolled ${own.serial}.\n`]);
  const { operational } = JSON.parse(first.stdout) as { operational: { lfdi: string } };
  const allowed = await gridtokenx(t, 'provision', 'allowed', ...data);
  assert.equal(allowed.stdout, `${own.serial}  ${own.building}  ${operational.lfdi}  ${endorsementHash}\n`);
  const second = await enrol();
  assert.match(second.stderr, /is enrolled already: nothing was changed/);
  assert.equal(second.stdout, first.stdout);
  const log = await gridtokenx(t, 'verify', 'security-log', at('data/head-end/security-log'));
  assert.equal(log.code, 0, log.stderr);
});

test('what is no TPM, no head-end and no root is refused before anything is done', async (t) => {
  const folder = temporaryFolder(t, 'technician');
  const root = join(folder, 'root.pem');
  await writeFile(root, 'no certificate');
  const enrol = (server: string, tpm: string) =>
    enrolBoard(t, { ca: root, server, tpm, board: own, out: join(folder, 'board') });
  for (const [server, tpm, code] of [
    ['https://127.0.0.1:1', 'swtpm:nowhere', 'GTX-TPM-014'],
    ['https://127.0.0.1:1', '/dev/no-tpm', 'GTX-PRV-014'],
  ] as const) {
    const { code: exit, stderr } = await enrol(server, tpm);
    assert.deepEqual([exit, stderr.slice(0, code.length)], [2, code]);
  }
});
