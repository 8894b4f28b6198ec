import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { flattenedVerify, importX509 } from 'jose';
import { UnixSeconds } from '#hal/units.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { ctSamples } from './ct-bench.ts';
import { checkClamps } from './ct-check.ts';
import { type CtReport, ctReport } from './ct-report.ts';
import { fingerprintOf, reportPage } from './report-page.ts';
import { canonicalJson, checkSignedReport, type ReportSigner, signReport } from './signed-report.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signerOf = (key: KeyObject, chain: readonly X509Certificate[] = []): ReportSigner => ({
  key: {
    publicKey: createPublicKey(key),
    sign: (message) => Promise.resolve(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })),
  },
  chain,
});

/** A board's key with a certificate of an authority of its own. */
async function certified(t: TestContext): Promise<ReportSigner> {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-report-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = await CertificateAuthority.create(folder);
  const { chainPem } = await authority.issueDevice({
    serial: 'AMI_METER_TEST_001',
    publicKey: createPublicKey(privateKey),
    keyIn: 'file',
    profile: 'operational',
  });
  return signerOf(privateKey, certificatesOf(chainPem));
}

function report(name = 'Hall <A> & "B"'): CtReport {
  const clamps = [
    { channel: 1, sees: 'grid', isReversed: true },
    { channel: 2, sees: 'load' },
  ] as const;
  const samples = ctSamples({ seed: 7, clamps, seconds: 160, hour: 12, step: { w: 3000, seconds: 20, settle: 5 } });
  const result = {
    verdict: checkClamps(clamps, samples),
    method: 'step',
    step: { by: 'battery', w: 3000, heightW: 3000 },
    samples,
  } as const;
  const file = { meterId: 'AMI_METER_TEST_001', name };
  return ctReport(result, { file, software: 'test', technician: undefined, now: UnixSeconds(1_782_068_400) });
}

test('jose, which is not ours, verifies a report by the certificate that it carries', async (t) => {
  const signed = await signReport(report(), await certified(t));
  const payload = Buffer.from(canonicalJson(signed.report)).toString('base64url');
  const header = JSON.parse(Buffer.from(signed.protected, 'base64url').toString()) as { x5c: [string] };
  const pem = new X509Certificate(Buffer.from(header.x5c[0], 'base64')).toString();
  const key = await importX509(pem, 'ES256');
  const jws = { payload, protected: signed.protected, signature: signed.signature };
  const verified = await flattenedVerify(jws, key);
  assert.deepEqual(JSON.parse(Buffer.from(verified.payload).toString()), JSON.parse(JSON.stringify(signed.report)));
});

test('a report holds however its file was laid out, and says who signed it', async (t) => {
  const signed = await signReport(report(), await certified(t));
  const read: unknown = JSON.parse(JSON.stringify(signed, null, 7));
  const { chain, publicKey } = checkSignedReport(read);
  assert.ok(publicKey.equals(createPublicKey(privateKey)));
  assert.match(chain[0]?.subjectAltName ?? '', /.+/);
  const own = await signReport(report(), signerOf(privateKey));
  assert.deepEqual(checkSignedReport(own).chain, []);
});

test('no change of a report stays unseen', async () => {
  const signed = JSON.parse(JSON.stringify(await signReport(report(), signerOf(privateKey)))) as {
    report: { clamps: { verdict: string }[]; frames: number };
    signature: string;
  };
  const changed = structuredClone(signed);
  changed.report.clamps[0]!.verdict = 'good';
  assert.throws(() => checkSignedReport(changed), { code: 'GTX-RPT-002' });
  assert.throws(() => checkSignedReport({ ...signed, report: { ...signed.report, more: 1 } }), { code: 'GTX-RPT-002' });
  const other = signed.signature.startsWith('A') ? 'B' : 'A';
  assert.throws(() => checkSignedReport({ ...signed, signature: other + signed.signature.slice(1) }), {
    code: 'GTX-RPT-002',
  });
});

test('what is no report is called so, never thrown over', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.base64String(), (value, header) => {
      for (const file of [value, { report: {}, protected: header, signature: 'A'.repeat(86) }]) {
        assert.throws(() => checkSignedReport(file), { code: 'GTX-RPT-001' });
      }
    }),
  );
});

test('canonical JSON says the same of equal values, and reads back as them', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const shuffled = Object.fromEntries(Object.entries(value).toReversed());
      assert.equal(canonicalJson(shuffled), canonicalJson(value));
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
  // RFC 8785 §3.2.3 orders by UTF-16 code units.
  assert.equal(
    canonicalJson({ '\u20ac': 1, '\r': 2, a: undefined, '1': [undefined, 1e21] }),
    '{"\\r":2,"1":[null,1e+21],"€":1}',
  );
});

test('the page to print has every finding, its fingerprint, and nothing that it would load or run', async () => {
  const signed = await signReport(report(), signerOf(privateKey));
  const page = reportPage(signed, checkSignedReport(signed));
  assert.match(page, /clamp 1 \(grid\) hangs the wrong way round/);
  assert.match(page, /Hall &lt;A&gt; &amp; &quot;B&quot;/);
  assert.ok(page.includes(fingerprintOf(JSON.parse(JSON.stringify(signed.report)))));
  assert.doesNotMatch(page, /<script|<A>|src=|href=|url\(|@import/);
});

test('a report of hours stays small enough to send', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => ({
    time: UnixSeconds(1_782_068_400 + i),
    clampsW: [100, 200],
    derW: 0,
  }));
  const clamps = [{ channel: 1, sees: 'grid' }] as const;
  const facts = {
    file: { meterId: 'A', name: 'B' },
    software: 'x',
    technician: undefined,
    now: UnixSeconds(1_782_068_400),
  };
  const long = ctReport(
    { verdict: checkClamps(clamps, rows), method: 'passive', step: undefined, samples: rows },
    facts,
  );
  assert.ok(long.series.length <= 240);
  assert.equal(long.frames, 10_000);
});
