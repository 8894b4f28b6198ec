import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyChain } from '#hal/hash-chain.ts';
import { wallSeconds } from '#hal/wall.ts';
import { lfdiOf, parseLfdi } from '#ieee2030_5/identity.ts';
import type { KeyUse } from './authority-folder.ts';
import { CertificateAuthority, logFolder } from './ca.ts';
import { readCertificate } from './certificate-fields.ts';
import { loadOrCreateIdentity } from './identity-files.ts';
import { issuanceLog } from './issuances.ts';
import { policies } from './object-identifiers.ts';
import { certificatesOf } from './pem.ts';
import { checkPeer } from './peer-check.ts';
import { trustedRoot } from './trusted-authority.ts';
import { readRevocationList } from './revocation-list.ts';

async function authority(t: TestContext): Promise<CertificateAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  t.after(() => rm(folder, { recursive: true }));
  return await CertificateAuthority.create(join(folder, 'ca'));
}

const key = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const order = (serial: string) => ({ serial, publicKey: key(), keyIn: 'elsewhere' as const });

/** What a peer that has fetched all lists says to a chain. */
async function verdict(ca: CertificateAuthority, chainPem: string): Promise<string> {
  const lists = await Promise.all(
    ca
      .listNames()
      .map(async (name) => readRevocationList(await ca.revocationList(name), ca.authority(name).certificate.raw)),
  );
  const answer = checkPeer(
    certificatesOf(chainPem).map(({ raw }) => raw),
    {
      trusted: [trustedRoot(new X509Certificate(ca.rootPem).raw)],
      revocationLists: lists,
      now: wallSeconds(),
      policies: [policies.genericDevice],
      as: 'client',
    },
  );
  return answer.ok ? 'accepted' : answer.reason;
}

test('whoever is revoked by LFDI or by certificate is refused by peers from then on, and nobody else', async (t) => {
  const ca = await authority(t);
  const [one, two, three] = await Promise.all(['A', 'B', 'C'].map((serial) => ca.issueDevice(order(serial))));
  for (const issued of [one!, two!, three!]) assert.equal(await verdict(ca, issued.chainPem), 'accepted');
  assert.equal(await ca.revoke({ lfdi: lfdiOf(one!.der) }, 'keyCompromise'), 'issuing');
  await ca.revoke({ certificate: two!.der }, 'privilegeWithdrawn');
  assert.deepEqual(await Promise.all([one!, two!, three!].map(({ chainPem }) => verdict(ca, chainPem))), [
    'revoked',
    'revoked',
    'accepted',
  ]);
  await assert.rejects(ca.revoke({ lfdi: lfdiOf(one!.der) }, 'superseded'), { code: 'GTX-PRV-026' });
  await assert.rejects(ca.revoke({ lfdi: parseLfdi('0'.repeat(40)) }, 'superseded'), { code: 'GTX-PRV-023' });
  await assert.rejects(ca.renew(one!.der), { code: 'GTX-PRV-025' });
});

test('of every certificate and list that a key signs somebody is told first, and what cannot be told is not signed', async (t) => {
  const { folder } = await authority(t);
  const uses: string[] = [];
  let isFull = false;
  const onKeyUse = async ({ authority: of, signs, subject }: KeyUse): Promise<void> => {
    if (isFull) throw new RangeError('the log is full');
    uses.push([of, signs, subject ?? ''].join(' '));
  };
  const ca = await CertificateAuthority.open(folder, { onKeyUse });
  const { der } = await ca.issueDevice(order('A'));
  await ca.renew(der);
  for (let i = 0; i < 3; i++) await ca.revocationList('issuing');
  assert.deepEqual(uses, ['issuing certificate A', 'issuing certificate A', 'issuing revocation list ']);
  isFull = true;
  await assert.rejects(ca.issueDevice(order('B')), RangeError);
  assert.deepEqual(
    (await ca.issuances()).all().map(({ serial }) => serial),
    ['A', 'A'],
  );
});

test('a certificate of another authority cannot be revoked or renewed', async (t) => {
  const ca = await authority(t);
  const { der } = await (await authority(t)).issueDevice(order('A'));
  await assert.rejects(ca.revoke({ certificate: der }, 'keyCompromise'), { code: 'GTX-PRV-023' });
  await assert.rejects(ca.renew(der), { code: 'GTX-PRV-025' });
});

test('a revocation shows to a program that opened the authority before', async (t) => {
  const ca = await authority(t);
  const { der, chainPem } = await ca.issueDevice(order('A'));
  const other = await CertificateAuthority.open(ca.folder);
  assert.equal(await verdict(other, chainPem), 'accepted');
  const before = readRevocationList(await other.revocationList('issuing'), ca.authority('issuing').certificate.raw);
  await ca.revoke({ certificate: der }, 'keyCompromise');
  assert.equal(await verdict(other, chainPem), 'revoked');
  const after = readRevocationList(await other.revocationList('issuing'), ca.authority('issuing').certificate.raw);
  assert.ok(after.number > before.number);
});

test('a renewed certificate is another for the same device, key, hosts and profile; the old one stays good', async (t) => {
  const ca = await authority(t);
  const first = await ca.issueDevice({ ...order('A'), profile: 'operational', days: 5, hosts: ['localhost', '::1'] });
  const second = await ca.renew(first.der);
  const [old, renewed] = [first, second].map(({ der }) => new X509Certificate(der));
  assert.notEqual(lfdiOf(first.der), lfdiOf(second.der));
  assert.ok(old!.publicKey.equals(renewed!.publicKey));
  assert.equal(renewed!.checkHost('localhost'), 'localhost');
  assert.equal(renewed!.checkIP('::1'), '::1');
  const extensions = [first, second].map(({ der }) => readCertificate(der).extensions);
  assert.deepEqual(extensions[1], extensions[0]);
  const left = readCertificate(second.der).notAfter - wallSeconds();
  assert.ok(left > 89 * 86_400 && left <= 90 * 86_400);
  assert.equal(await verdict(ca, first.chainPem), 'accepted');
  const live = (await ca.issuances()).live(wallSeconds());
  assert.deepEqual(
    live.map(({ lfdi }) => lfdi),
    [lfdiOf(second.der)],
  );
});

test('a lost key is revoked with all certificates for it, a superseded certificate alone', async (t) => {
  const ca = await authority(t);
  for (const [reason, expected] of [
    ['superseded', 'accepted'],
    ['keyCompromise', 'revoked'],
  ] as const) {
    const first = await ca.issueDevice({ ...order('A'), profile: 'operational' });
    const second = await ca.renew(first.der);
    await ca.revoke({ certificate: first.der }, reason);
    assert.equal(await verdict(ca, first.chainPem), 'revoked');
    assert.equal(await verdict(ca, second.chainPem), expected);
  }
});

test('after an emergency every live device has a certificate of the new authority for its key, and the old are refused', async (t) => {
  const ca = await authority(t);
  const folder = join(ca.folder, '..', 'board');
  const board = await loadOrCreateIdentity(folder, { ca, serial: 'board' });
  const [kept, gone] = [
    await ca.issueDevice({ ...order('A'), profile: 'operational' }),
    await ca.issueDevice(order('B')),
  ];
  await ca.revoke({ certificate: gone.der }, 'keyCompromise');
  const next = await ca.replaceIssuing();
  const outdated = await next.outdated();
  assert.deepEqual(outdated.map(({ serial }) => serial).toSorted(), ['A', 'board']);
  assert.equal(await verdict(next, kept.chainPem), 'revoked');
  for (const old of outdated) {
    const { der, chainPem } = await next.reissue(old);
    assert.equal(await verdict(next, chainPem), 'accepted');
    assert.ok(new X509Certificate(der).publicKey.equals(new X509Certificate(old.certificate).publicKey));
  }
  assert.deepEqual(await next.outdated(), []);
  const again = await loadOrCreateIdentity(folder, { ca: next, serial: 'board' });
  assert.equal(again.keyPem, board.keyPem);
  assert.equal(await verdict(next, again.certificatePem), 'accepted');
  const log = await next.issuances();
  assert.equal(log.replacedBy(log.find({ lfdi: again.lfdi })!)?.lfdi, board.lfdi);
  const reopened = await CertificateAuthority.open(ca.folder);
  assert.equal(await verdict(reopened, (await reopened.issueDevice(order('C'))).chainPem), 'accepted');
});

test('everything that is issued is in the log, and a changed log stops the authority', async (t) => {
  const ca = await authority(t);
  const issued = await Promise.all(Array.from({ length: 10 }, (_, i) => ca.issueDevice(order(`S${i}`))));
  assert.equal((await verifyChain(logFolder(ca.folder), issuanceLog)).seq, 9);
  const all = (await ca.issuances()).all();
  assert.deepEqual(all.map(({ lfdi }) => lfdi).toSorted(), issued.map(({ der }) => lfdiOf(der)).toSorted());
  const file = join(logFolder(ca.folder), `${issuanceLog}-0000000000.jsonl`);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"subject":"S3"', '"subject":"S4"'));
  const reopened = await CertificateAuthority.open(ca.folder);
  await assert.rejects(reopened.issueDevice(order('X')), { code: 'GTX-CHN-001' });
  await assert.rejects(reopened.revoke({ lfdi: lfdiOf(issued[0]!.der) }, 'superseded'), { code: 'GTX-CHN-001' });
});
