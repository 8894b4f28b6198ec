import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wallSeconds } from '#hal/wall.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { startTestServer } from '#edge/client/test-server.ts';
import { debianPackage } from '../debian-packages.ts';
import { programEnvironment } from '../program-environment.ts';
import { temporaryFolder } from './campus-process.ts';
import { enrolmentGround, hashOf } from './tpm-ground.ts';

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const board = fileURLToPath(new URL('../../boards/stanford/lab-001.yaml', import.meta.url));
const { meterId } = loadBoardFile(board);

function edge(t: TestContext, flags: Readonly<Record<string, string>>) {
  const words = Object.entries({ board, data: temporaryFolder(t, 'edge'), ...flags });
  const args = ['edge', ...words.flatMap(([name, value]) => [`--${name}`, value])];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    env: programEnvironment({ GRIDTOKENX_LOG: 'silent' }),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.on('data', (text) => (told += String(text)));
  return { child, ended: once(child, 'close') as Promise<[number | null]>, told: () => told };
}

test('a board that was enrolled by its TPM runs with it, and with nothing else in its place', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools') || !debianPackage(t, 'gcc')) return;
  const { first, list, client, authority, server, folder } = await enrolmentGround(t);
  const identity = join(folder, 'identities', 'board-1');
  const tpm = `swtpm:127.0.0.1:${first.emulator.port}`;
  const fails = async (flags: Readonly<Record<string, string>>): Promise<string> => {
    const { ended, told } = edge(t, { server: 'https://127.0.0.1:1', identity, ...flags });
    const [code] = await ended;
    assert.notEqual(code, 0);
    return told();
  };
  const [early, absent, wrong] = await Promise.all([
    fails({ tpm }),
    fails({ tpm: '/dev/no-tpm' }),
    fails({ tpm: 'software' }),
  ]);
  assert.match(early, /^GTX-ENC-005 .*is not enrolled.*\n {2}hint: .*provision enrol/);
  assert.match(absent, /^GTX-TPM-\d+ .*\/dev\/no-tpm/);
  assert.match(wrong, /^GTX-TPM-014 /);
  await list.allow({ endorsementHash: await hashOf(first.board), serial: meterId, building: meterId }, wallSeconds());
  await first.board.enrol(client, { serial: meterId, building: meterId }, authority.rootPem);
  const asked = Promise.withResolvers<string>();
  // It lets in only who has a certificate of the authority, and proves to have its key.
  const origin = await startTestServer(t, server, (method, url) => {
    asked.resolve(`${method} ${url}`);
    return { status: 404 };
  });
  const { child, ended, told } = edge(t, { server: `${origin}/dcap`, identity, tpm });
  const request = await Promise.race([asked.promise, ended.then(() => told())]);
  assert.equal(request, 'GET /dcap');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null], told());
});
