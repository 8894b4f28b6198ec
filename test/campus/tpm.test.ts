import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadBoardFiles } from '#edge/board-file.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { loadTpmProvider } from '#provisioning/tpm/provider/provider.ts';
import { debianPackage } from '../debian-packages.ts';
import { CampusProcess, runningProcesses, runToEnd, shortCampus, stanford, temporaryFolder } from './campus-process.ts';

const boards = 25;
const withTpms = ['--tpm', 'swtpm', '--enrolment-port', '0', '--speed', 'max', '--sample', '15', '--seed', '7'];

/** The LFDI of each board's operational certificate. */
const identitiesIn = (data: string): string[] =>
  loadBoardFiles(stanford).map(({ meterId }) =>
    lfdiOf(readFileSync(join(data, 'identities', 'tpm-boards', meterId, 'operational', 'device.der'))),
  );

test('25 boards enrol by their TPMs, which then sign their handshakes; the next start finds them enrolled', async (t) => {
  if (!['swtpm', 'swtpm-tools', 'gcc'].every((name) => debianPackage(t, name as 'swtpm' | 'swtpm-tools' | 'gcc')))
    return;
  const data = temporaryFolder(t, 'tpm');
  const run = (start: string) => runToEnd(shortCampus(data, [...withTpms, '--start', start, '--hours', '0.2']));
  const first = await run('2026-06-22T11:00:00-07:00');
  assert.equal(first.readings.lost, 0);
  assert.ok(first.windows >= 1);
  assert.deepEqual(first.tls.keys, { tpm: boards, software: 0 });
  assert.equal(first.tls.handshakes, boards);
  // One a full handshake: a connection that is kept alive needs no more.
  assert.equal(first.tls.tpmSignatures, boards);
  const identities = identitiesIn(data);
  assert.equal(new Set(identities).size, boards);

  const second = await run('2026-06-22T12:00:00-07:00');
  assert.deepEqual(second.tls.keys, { tpm: boards, software: 0 });
  assert.equal(second.tls.tpmSignatures, boards);
  assert.deepEqual([second.readings.lost, second.readings.stored], [0, first.readings.stored]);
  assert.deepEqual(identitiesIn(data), identities);
});

test('a campus that is told to stop while its TPMs are made ends soon, and leaves none of them running', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools') || !debianPackage(t, 'gcc')) return;
  const data = temporaryFolder(t, 'tpm-stop');
  const campus = new CampusProcess(shortCampus(data, withTpms));
  await campus.says(/emulated TPMs/);
  campus.child.kill('SIGINT');
  const { code, stderr } = await campus.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /stopped before it had started/);
  assert.deepEqual(
    runningProcesses().filter(({ command }) => command.includes(data)),
    [],
  );
});

test('a campus that is to use TPMs fails where that cannot be, and does not fall back to keys in files', async (t) => {
  if (!debianPackage(t, 'gcc')) return;
  const folder = temporaryFolder(t, 'no-tpm');
  const fails = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const data = join(folder, 'data');
    const args = shortCampus(data, [...withTpms, '--hours', '0.1', '--json', '-']);
    const { code, stderr, stdout } = await new CampusProcess(args, { env: { PATH: folder, ...env } }).ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.ok(!existsSync(join(data, 'identities', 'boards')), 'no keys in files were made');
    return stderr;
  };
  assert.match(
    await fails({ HOME: folder }),
    /^GTX-TPM-091 Keys in a TPM need the C compiler.*\n {2}hint: .*apt-get install .*gcc.*--tpm none/m,
  );
  await loadTpmProvider();
  assert.match(
    await fails({}),
    /^GTX-TPM-012 There is no `swtpm_setup`.*\n {2}hint: .*apt-get install .*swtpm-tools.*--tpm none/m,
  );
});
