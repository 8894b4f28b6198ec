import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { listenTcp } from '#hal/linux/tcp.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { testBoardFile } from '#edge/test-board-file.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { identityFiles, writeIdentity } from '#provisioning/identity-files.ts';
import { privateKeyPem } from '#provisioning/pem.ts';
import { checkIdentity, checkTpm } from './identity-checks.ts';
import { checkNode, judgeClock, judgeDisk, judgeTemperature, judgeWrites } from './machine-checks.ts';
import { checkHeadEnd, checkPorts } from './site-checks.ts';
import { type Finding, textOf } from './finding.ts';

const states = (findings: readonly Finding[]): readonly (readonly [string, string])[] =>
  findings.map(({ check, state }) => [check, state]);
const day = 86_400;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-doctor-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('what is too little, too hot or too much is told by how bad it is', () => {
  assert.equal(checkNode('v24.21.0').state, 'ok');
  assert.equal(checkNode('v20.1.0').state, 'fault');
  const [mb, gb] = [1e6, 1e9];
  assert.deepEqual(
    [50 * mb, 500 * mb, 5 * gb].map((free) => judgeDisk('/', free, 32 * gb).state),
    ['fault', 'warning', 'ok'],
  );
  assert.deepEqual(
    [45, 78, 85].map((celsius) => judgeTemperature(celsius).state),
    ['ok', 'warning', 'fault'],
  );
  // 512 bytes a sector: 20 GB in two days, and in one.
  assert.equal(judgeWrites(20e9 / 512, 2 * day).state, 'ok');
  assert.equal(judgeWrites(20e9 / 512, day).state, 'warning');
});

test('a clock that was never set is a fault, one that nobody keeps right a warning', () => {
  const now = UnixSeconds(1_790_000_000);
  assert.deepEqual(states(judgeClock(UnixSeconds(1000), true, true)), [['clock', 'fault']]);
  assert.deepEqual(states(judgeClock(now, true, true)), [['clock', 'ok']]);
  assert.deepEqual(states(judgeClock(now, false, false)), [
    ['clock', 'warning'],
    ['clock battery', 'warning'],
  ]);
  assert.match(judgeClock(now, undefined, true)[0]!.text, /nothing here says/);
});

test('a certificate is warned of a week before its end; a key that others may read is a fault', async (t) => {
  const folder = folderOf(t);
  const now = wallSeconds();
  assert.deepEqual(states(checkIdentity(join(folder, 'none'), now)), [['identity', 'warning']]);
  const ca = await CertificateAuthority.create(join(folder, 'ca'));
  const own = join(folder, 'board');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = await ca.issueDevice({ serial: 'B', publicKey, keyIn: 'file', profile: 'operational' });
  await writeIdentity(own, { issued, caPem: issued.chainPem });
  writeFileSync(join(own, identityFiles.key), privateKeyPem(privateKey), { mode: 0o600 });
  assert.deepEqual(states(checkIdentity(own, now)), [
    ['key file', 'ok'],
    ['certificate', 'ok'],
  ]);
  chmodSync(join(own, identityFiles.key), 0o644);
  const [key] = checkIdentity(own, now);
  assert.deepEqual([key?.state, key?.hint?.includes(`chmod 600 ${join(own, identityFiles.key)}`)], ['fault', true]);
  const left = Number(/(\d+) days are left/.exec(checkIdentity(own, now)[1]!.text)?.[1]);
  const stateWith = (days: number): string | undefined =>
    checkIdentity(own, UnixSeconds(now + (left - days) * day))[1]?.state;
  assert.deepEqual([20, 5, 0, -3].map(stateWith), ['ok', 'warning', 'fault', 'fault']);
  mkdirSync(join(folder, 'bad'));
  writeFileSync(join(folder, 'bad', identityFiles.chain), 'no certificate');
  assert.deepEqual(states(checkIdentity(join(folder, 'bad'), now)), [['certificate', 'fault']]);
});

test('a TPM that is named must answer', async () => {
  const silent = (): Promise<string> => Promise.reject(new GridError('GTX-TPM-001', 'no', { hint: 'wire it' }));
  assert.deepEqual(await checkTpm('/dev/tpmrm0', silent), {
    check: 'TPM',
    state: 'fault',
    text: 'GTX-TPM-001 no',
    hint: 'wire it',
  });
  assert.equal((await checkTpm('/dev/tpmrm0', () => Promise.resolve('tpm answers'))).state, 'ok');
});

test('each port is looked at once: there, missing, refused', async (t) => {
  const listener = await listenTcp(0, () => undefined);
  t.after(() => listener[Symbol.asyncDispose]());
  const tcp = { tcp: `127.0.0.1:${listener.port}` };
  const file = testBoardFile({
    hal: 'real',
    ports: { bus: tcp, line: { serial: '/dev/gtx-none', baud: 9600 } },
    devices: {
      inverter: { driver: 'sunspec-inverter', unit: 1, ratedW: 1, port: 'bus' },
      battery: { driver: 'sunspec-battery', unit: 2, ratedW: 1, capacityWh: 1, reservePercent: 0, port: 'bus' },
      clamps: { driver: 'sdm630', unit: 3, gridChannel: 1, port: 'line' },
    },
  });
  const findings = await checkPorts(file);
  assert.deepEqual(Object.fromEntries(states(findings)), {
    'port serial /dev/gtx-none': 'fault',
    [`port tcp ${tcp.tcp}`]: 'ok',
  });
  assert.match(findings.map(textOf).join(''), /FAULT {3}port serial.*\n {8}hint: .*ttyUSB0/);
});

test('a head-end that does not answer is a fault with what to check', async () => {
  const load = (): Promise<never> => Promise.reject(new GridError('GTX-PRV-010', 'There is no device identity'));
  const finding = await checkHeadEnd('https://127.0.0.1:1/dcap', load);
  assert.deepEqual([finding.state, finding.text], ['fault', 'GTX-PRV-010 There is no device identity']);
});
