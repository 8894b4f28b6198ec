import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { numberOf, readAuthority } from '#provisioning/authority-folder.ts';
import { makeNextIssuing } from '#provisioning/authority-making.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { isEncrypted } from '#provisioning/key-encryption.ts';
import { readRevocationList } from '#provisioning/revocation-list.ts';
import { type Ended, gridtokenx } from '../test-command.ts';

const main = join(import.meta.dirname, '..', 'main.ts');

const provision = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  gridtokenx(['provision', ...args], { env: { ...process.env, ...env } });

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** An authority whose keys are not encrypted: made in this process, for speed. */
async function authority(t: TestContext): Promise<{ folder: string; ca: string }> {
  const folder = await temporaryFolder(t);
  const ca = join(folder, 'ca');
  await CertificateAuthority.create(ca);
  return { folder, ca };
}

const done = (result: Ended): Ended => {
  assert.equal(result.code, 0, result.stderr);
  return result;
};

test('where nobody types a passphrase one is made beside the folder, and later commands find it', async (t) => {
  const folder = await temporaryFolder(t);
  const ca = join(folder, 'new', 'ca');
  const init = done(await provision(['ca', 'init', '--out', ca]));
  assert.match(init.stderr, /ca\.passphrase\. Keep it apart/);
  assert.equal((await stat(`${ca}.passphrase`)).mode & 0o777, 0o600);
  assert.ok(isEncrypted(await readFile(join(ca, 'issuing.key'), 'utf8')));
  done(await provision(['issue', '--ca', ca, '--out', join(folder, 'a')]));
  await rm(`${ca}.passphrase`);
  const without = await provision(['issue', '--ca', ca, '--out', join(folder, 'b')]);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /^GTX-PRV-021 .*\n {2}hint: .*--passphrase-file/);
  const wrong = await provision(['issue', '--ca', ca, '--out', join(folder, 'b')], {
    GRIDTOKENX_CA_PASSPHRASE: 'mistaken',
  });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^GTX-PRV-020 The passphrase does not open .*issuing\.key/);
});

test('a passphrase from a file or the environment encrypts and opens; a short one and no file are refused', async (t) => {
  const { folder, ca } = await authority(t);
  const file = join(folder, 'words');
  await writeFile(file, 'correct horse battery\n');
  const encrypted = done(await provision(['ca', 'encrypt', '--ca', ca, '--passphrase-file', file]));
  assert.match(encrypted.stderr, /issuing\.key/);
  done(
    await provision(['issue', '--ca', ca, '--out', join(folder, 'a')], {
      GRIDTOKENX_CA_PASSPHRASE: 'correct horse battery',
    }),
  );
  const short = await provision(['ca', 'init', '--out', join(folder, 'b')], { GRIDTOKENX_CA_PASSPHRASE: 'short' });
  assert.match(short.stderr, /^GTX-PRV-028 /);
  const absent = await provision(['ca', 'init', '--out', join(folder, 'b'), '--passphrase-file', join(folder, 'none')]);
  assert.match(absent.stderr, /^GTX-PRV-027 /);
  assert.deepEqual([short.code, absent.code], [2, 2]);
});

test('issue, renew, revoke and status tell one story, and the log of it holds', async (t) => {
  const { folder, ca } = await authority(t);
  const device = join(folder, 'device');
  done(
    await provision([
      'issue',
      '--ca',
      ca,
      '--out',
      device,
      '--serial',
      'S1',
      '--profile',
      'operational',
      '--days',
      '20',
    ]),
  );
  const first = lfdiOf(await readFile(join(device, 'device.der')));
  const key = await readFile(join(device, 'device.key'));
  const early = done(await provision(['renew', device, '--ca', ca, '--if-due']));
  assert.match(early.stderr, /needs no renewal yet/);
  const renewed = JSON.parse(done(await provision(['renew', device, '--ca', ca, '--json'])).stdout) as {
    lfdi: string;
    replaces: string;
  };
  const second = lfdiOf(await readFile(join(device, 'device.der')));
  assert.deepEqual([renewed.lfdi, renewed.replaces], [second, first]);
  assert.deepEqual(await readFile(join(device, 'device.key')), key);
  const [lying] = JSON.parse(done(await provision(['status', folder, '--json'])).stdout) as Record<string, unknown>[];
  assert.deepEqual([lying?.['name'], lying?.['lfdi'], lying?.['state']], ['S1', second, 'fine']);
  assert.ok([89, 90].includes(Number(lying?.['daysLeft'])));
  const revoked = done(
    await provision(['revoke', join(device, 'device.der'), '--ca', ca, '--reason', 'keyCompromise']),
  );
  assert.match(revoked.stderr, new RegExp(`Revoked ${second} \\(keyCompromise\\)`));
  const issued = JSON.parse(done(await provision(['status', ca, '--json'])).stdout) as {
    lfdi: string;
    state: string;
  }[];
  assert.deepEqual(
    issued.map(({ lfdi, state }) => [lfdi, state]),
    [
      [first, 'revoked'],
      [second, 'revoked'],
    ],
  );
  const log = join(ca, 'log', 'issuance-0000000000.jsonl');
  const { entries, head } = JSON.parse(done(await provision(['log', 'verify', '--ca', ca, '--json'])).stdout) as {
    entries: number;
    head: string;
  };
  assert.equal(entries, (await readFile(log, 'utf8')).trimEnd().split('\n').length);
  done(await provision(['log', 'verify', '--ca', ca, '--head', head]));
  await writeFile(log, (await readFile(log, 'utf8')).replace('"S1"', '"S2"'));
  const changed = await provision(['log', 'verify', '--ca', ca]);
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /^GTX-CHN-001 .*entry 0/);
});

test('a replacement that was broken off half-way is gone on with, and what it replaced is revoked', async (t) => {
  const { folder, ca } = await authority(t);
  done(await provision(['issue', '--ca', ca, '--out', join(folder, 'S1'), '--serial', 'S1']));
  await makeNextIssuing(await readAuthority(ca), {});
  const out = ['--ca', ca, '--out', join(folder, 'new')];
  const refused = await provision(['replace', ...out]);
  assert.match(refused.stderr, /issuing was revoked: it is now\.\nGTX-PRV-015/);
  const { retired, policy } = await readAuthority(ca);
  const revoked = async (): Promise<string[]> => {
    const list = readRevocationList(await readFile(join(ca, 'policy.crl')), policy.certificate.raw);
    return [...list.revoked.values()].map(({ number }) => number);
  };
  assert.doesNotMatch(done(await provision(['replace', ...out, '--resume'])).stderr, /broken off/);
  assert.deepEqual(await revoked(), [numberOf(retired[0]!.certificate)]);
});

test('an emergency replaces the certificate of every live device', async (t) => {
  const { folder, ca } = await authority(t);
  for (const serial of ['S1', 'S2'])
    done(await provision(['issue', '--ca', ca, '--out', join(folder, serial), '--serial', serial]));
  const replaced = done(await provision(['replace', '--ca', ca, '--out', join(folder, 'new'), '--json']));
  const { devices } = JSON.parse(replaced.stdout) as { devices: { serial: string; lfdi: string; folder: string }[] };
  assert.deepEqual(devices.map(({ serial }) => serial).toSorted(), ['S1', 'S2']);
  for (const { folder: at, lfdi } of devices) assert.equal(lfdiOf(await readFile(join(at, 'device.der'))), lfdi);
  const resumed = done(await provision(['replace', '--ca', ca, '--out', join(folder, 'new'), '--resume']));
  assert.match(resumed.stderr, /, 0 certificates reissued/);
});

test('inspect explains what a file holds and what is wrong with it', async (t) => {
  const { folder, ca } = await authority(t);
  done(await provision(['issue', '--ca', ca, '--out', join(folder, 'd'), '--serial', 'S1', '--profile', 'birth']));
  const words = done(await provision(['inspect', join(folder, 'd', 'device.pem')])).stdout;
  assert.match(words, /^certificate\n {2}of +a device\n {2}profile +birth\n {2}lfdi +[0-9A-F]{40}\n {2}sfdi +\d+\n/);
  assert.doesNotMatch(words, / ! /);
  const key = done(await provision(['inspect', join(folder, 'd', 'device.key')])).stdout;
  assert.equal(key, 'private key\n  key             P-256\n  ! it is not encrypted\n');
  await writeFile(join(folder, 'nonsense'), 'nonsense');
  const none = await provision(['inspect', join(folder, 'nonsense')]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^GTX-PRV-032 /);
});

test('serve answers until it is told to stop, and then ends well', async (t) => {
  const { ca } = await authority(t);
  const child = spawn(process.execPath, [main, 'provision', 'serve', '--ca', ca, '--port', '0'], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [line] = (await once(createInterface(child.stderr), 'line')) as [string];
  const address = /http:\/\/\S+\.crl/.exec(line)?.[0] ?? '';
  assert.equal((await fetch(address)).status, 200);
  child.kill('SIGTERM');
  assert.equal((await ended)[0], 0);
});

test('what does not go together is refused before anything is written', async (t) => {
  const { folder, ca } = await authority(t);
  const out = ['--ca', ca, '--out', join(folder, 'x')];
  const cases: [string[], RegExp][] = [
    [['issue', ...out, '--days', '5'], /^GTX-PRV-013 /],
    [['issue', ...out, '--rest'], /^GTX-PRV-013 /],
    [['issue', ...out, '--rest', '--host', 'a.example'], /^GTX-PRV-024 /],
    [['issue', ...out, '--profile', 'operational', '--days', '0'], /^GTX-PRV-004 /],
    [['revoke', 'F'.repeat(40), '--ca', ca, '--reason', 'keyCompromise'], /^GTX-PRV-023 /],
    [['revoke', 'none.pem', '--ca', ca, '--reason', 'keyCompromise'], /^GTX-PRV-014 /],
    [['revoke', 'none.pem', '--ca', ca, '--reason', 'boredom'], /^GTX-CLI-002 /],
    [['ca', 'init', '--out', join(folder, 'x'), '--address', 'https://x/y'], /^GTX-PRV-029 /],
    [['status', join(folder, 'absent')], /^GTX-PRV-014 /],
  ];
  await Promise.all(
    cases.map(async ([args, expected]) => {
      const { code, stderr } = await provision(args);
      assert.match(stderr, expected, args.join(' '));
      assert.equal(code, 2, args.join(' '));
    }),
  );
  await assert.rejects(stat(join(folder, 'x')));
});
