import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { wallSeconds } from '#hal/wall.ts';
import { loadBoardFile } from '#edge/board-file.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
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

test('a board that was enrolled by its TPM runs with it, and with nothing else in its place, by the certificate that was chosen', async (t) => {
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
  const [early, absent, wrong, none] = await Promise.all([
    fails({ tpm }),
    fails({ tpm: '/dev/no-tpm' }),
    fails({ tpm: 'software' }),
    fails({ certificate: 'birth' }),
  ]);
  assert.match(early, /^GTX-ENC-005 .*is not enrolled.*\n {2}hint: .*provision enrol/);
  assert.match(absent, /^GTX-TPM-\d+ .*\/dev\/no-tpm/);
  assert.match(wrong, /^GTX-TPM-014 /);
  assert.match(none, /^GTX-CLI-005 /);
  await list.allow({ endorsementHash: await hashOf(first.board), serial: meterId, building: meterId }, wallSeconds());
  await first.board.enrol(client, { serial: meterId, building: meterId }, authority.rootPem);
  const known = Object.fromEntries(
    await Promise.all(roles.map(async (role) => [role, (await first.board.load(role))!.lfdi] as const)),
  );
  await Promise.all(
    [{}, { certificate: 'birth' }].map(async (flags, at) => {
      const { origin, peer } = await utility(t, server);
      const { child, ended, told } = edge(t, { server: `${origin}/dcap`, identity, tpm, 'status-port': '0', ...flags });
      assert.equal(await Promise.race([peer, ended.then(() => told())]), known[roles[at]!]);
      const [, page = ''] = /status at (\S+)/.exec(told()) ?? [];
      const metrics = await (await fetch(`${page}metrics`)).text();
      assert.match(metrics, new RegExp(`^gridtokenx_board_tpm_signatures_total\\{meter="${meterId}"\\} [1-9]`, 'm'));
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null], told());
    }),
  );
});

const roles = ['operational', 'birth'] as const;

/** A server that lets in only who has a certificate of the authority, and proves to have its key; by whom it was asked. */
async function utility(t: TestContext, { certificatePem, keyPem, caPem }: DeviceIdentity) {
  const asked = Promise.withResolvers<string>();
  const server = createServer(serverTls({ cert: certificatePem, key: keyPem, ca: caPem }), (request, response) => {
    response.writeHead(404).end();
    asked.resolve(lfdiOf((request.socket as TLSSocket).getPeerX509Certificate()!.raw));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, peer: asked.promise };
}
