import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { devicePolicies } from '#provisioning/object-identifiers.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { checkPeer } from '#provisioning/peer-check.ts';
import type { RevocationList } from '#provisioning/revocation-list.ts';
import { trustedBelow } from '#provisioning/test-chain.ts';
import { trustedRoot } from '#provisioning/trusted-authority.ts';
import type { SecurityEntry } from '../security-log.ts';
import { RevocationWatch } from './revocation-watch.ts';

const full = new GridError('GTX-HAL-020', 'The disk is full');

/** An authority with two devices of its own, and a watch over what it revokes, whose records a test may let fail. */
async function ground(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'gridtokenx-watch-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const issue = async (serial: string) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { der } = await authority.issueDevice({ serial, publicKey, keyIn: 'elsewhere' });
    return { der, lfdi: lfdiOf(der) };
  };
  const [one, two] = [await issue('A'), await issue('B')];
  const root = trustedRoot(certificatesOf(authority.rootPem)[0]!.raw);
  const policy = trustedBelow(authority.authority('policy').certificate.raw, root);
  const issuing = trustedBelow(authority.authority('issuing').certificate.raw, policy);
  const state = { lists: [] as readonly RevocationList[], rechecks: 0, own: [] as number[], failing: new Set<Lfdi>() };
  const revoked = new Set<Lfdi>();
  const records: SecurityEntry[] = [];
  const watchOf = (by: CertificateAuthority): RevocationWatch =>
    new RevocationWatch({
      authority: by,
      authorities: {
        useRevocationLists: (lists) => void (state.lists = lists),
        useOwn: (all) => void state.own.push(all.length),
      },
      registry: {
        revoke: (lfdi) => {
          const isNews = !revoked.has(lfdi);
          revoked.add(lfdi);
          return Promise.resolve(isNews);
        },
      },
      securityLog: {
        record: (entry) => {
          if (state.failing.has(entry.subject as Lfdi)) return Promise.reject(full);
          records.push(entry);
          return Promise.resolve();
        },
      },
      log: createLog('test', 'silent'),
      onRevoked: () => void state.rechecks++,
    });
  /** How a certificate fares where nobody passes without a list. */
  const verdict = (certificate: Uint8Array): string => {
    const answer = checkPeer([certificate], {
      trusted: [root, policy, issuing],
      revocationLists: state.lists,
      now: wallSeconds(),
      policies: devicePolicies,
      as: 'client',
    });
    return answer.ok ? 'let in' : answer.reason;
  };
  const subjects = () => records.map(({ subject }) => subject);
  return { folder, authority, one, two, state, revoked, subjects, watchOf, verdict };
}

test('without its issuing key an authority is obeyed by its log: who is revoked is refused, others are let in', async (t) => {
  const { authority, folder, one, two, revoked, state, subjects, watchOf, verdict } = await ground(t);
  await rename(join(authority.folder, 'issuing.key'), join(folder, 'issuing.key'));
  const keyless = await CertificateAuthority.open(authority.folder);
  await using watch = watchOf(keyless);
  await watch.start();
  assert.deepEqual([verdict(one.der), verdict(two.der)], ['let in', 'let in']);
  // By another program, which needs no issuing key either.
  await keyless.revoke({ lfdi: one.lfdi }, 'keyCompromise');
  await watch.look();
  assert.deepEqual([verdict(one.der), verdict(two.der)], ['revoked', 'let in']);
  assert.deepEqual([[...revoked], subjects(), state.rechecks], [[one.lfdi], [one.lfdi], 1]);
});

test('where neither key nor disk lets a list be signed, revocations are obeyed at once all the same', async (t) => {
  const { authority, one, two, verdict, watchOf } = await ground(t);
  // As where the security log cannot be written: then no key is used.
  const mute = await CertificateAuthority.open(authority.folder, { onKeyUse: () => Promise.reject(full) });
  await authority.revoke({ lfdi: one.lfdi }, 'keyCompromise');
  await assert.rejects(mute.revocationList('issuing'), full);
  await using watch = watchOf(mute);
  await watch.start();
  assert.deepEqual([verdict(one.der), verdict(two.der)], ['revoked', 'let in']);
});

test('a revocation that cannot be recorded still ends connections, and is recorded once when that works again', async (t) => {
  const { authority, one, two, revoked, state, subjects, watchOf } = await ground(t);
  await using watch = watchOf(authority);
  await watch.start();
  state.failing.add(one.lfdi);
  await authority.revoke({ lfdi: one.lfdi }, 'keyCompromise');
  await authority.revoke({ lfdi: two.lfdi }, 'superseded');
  await assert.rejects(watch.look(), full);
  // The failure of one keeps nobody else from being refused and recorded.
  assert.deepEqual([revoked.size, state.rechecks, subjects()], [2, 1, [two.lfdi]]);
  state.failing.clear();
  for (let i = 0; i < 2; i++) await watch.look();
  assert.deepEqual(subjects(), [two.lfdi, one.lfdi]);
});

test('a revocation is recorded also where the registry knew of it, but not again at every start', async (t) => {
  const { authority, one, revoked, subjects, watchOf } = await ground(t);
  {
    await using watch = watchOf(authority);
    await watch.start();
    revoked.add(one.lfdi);
    await authority.revoke({ lfdi: one.lfdi }, 'keyCompromise');
    await watch.look();
    assert.deepEqual(subjects(), [one.lfdi]);
  }
  await using again = watchOf(authority);
  await again.start();
  assert.deepEqual(subjects(), [one.lfdi]);
});

test('an issuing authority that another program has put in place of this one is known at the next look, once', async (t) => {
  const { authority, one, state, watchOf } = await ground(t);
  const here = await CertificateAuthority.open(authority.folder);
  await using watch = watchOf(here);
  await watch.start();
  const next = await authority.replaceIssuing();
  const { der } = await next.reissue((await next.issuances()).find({ lfdi: one.lfdi })!);
  for (let i = 0; i < 2; i++) await watch.look();
  assert.deepEqual(state.own, [3], 'policy, the new one and the old one');
  assert.equal(here.issued(new X509Certificate(der)), true);
  assert.equal(here.issuedBefore(new X509Certificate(one.der)), true);
});
