import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isoTime, UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { signReport } from '#edge/commissioning/signed-report.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { verifyReport } from './report.ts';

test('with a root, a report counts as signed by a device of that authority alone, valid at that time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-verify-report-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = createPublicKey(privateKey);
  const [ours, foreign] = [
    await CertificateAuthority.create(join(folder, 'ours')),
    await CertificateAuthority.create(join(folder, 'foreign')),
  ];
  const order = { serial: 'BOARD-7', publicKey, keyIn: 'file', profile: 'operational' } as const;
  const { chainPem, der } = await ours.issueDevice(order);
  const chain = certificatesOf(chainPem);
  const key = {
    publicKey,
    sign: (message: Uint8Array) =>
      Promise.resolve(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
  const written = async (name: string, at: number): Promise<string> => {
    const file = join(folder, name);
    const report = { meterId: 'M', at: isoTime(UnixSeconds(at)), verdict: 'good' };
    writeFileSync(file, JSON.stringify(await signReport(report, { key, chain })));
    return file;
  };
  const roots = { ours: join(folder, 'ours.pem'), foreign: join(folder, 'foreign.pem') };
  writeFileSync(roots.ours, ours.rootPem);
  writeFileSync(roots.foreign, foreign.rootPem);
  let told = '';
  t.mock.method(process.stdout, 'write', (text: string) => {
    told += text;
    return true;
  });
  const now = wallSeconds();
  const file = await written('now.json', now + 60);
  await verifyReport(file, { ca: roots.ours, json: true });
  const { ok, signer, serial, unseen } = JSON.parse(told) as Record<string, unknown>;
  assert.deepEqual([ok, signer, serial, unseen], [true, lfdiOf(der), 'BOARD-7', []]);
  await assert.rejects(verifyReport(file, { ca: roots.foreign }), { code: 'GTX-RPT-003' });
  const early = await written('early.json', now - 400 * 86_400);
  await assert.rejects(verifyReport(early, { ca: roots.ours }), { code: 'GTX-RPT-003' });
  await assert.rejects(verifyReport(join(folder, 'none.json'), {}), { code: 'GTX-RPT-001' });
});
