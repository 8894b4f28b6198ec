import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnixSeconds } from '#hal/units.ts';
import { lfdiOf } from '#ieee2030_5/identity.ts';
import { readCertificate } from './certificate-fields.ts';
import type { Issuer } from './certificates.ts';
import { objectIdentifier, sequence, setOf, tlv } from './der.ts';
import { nameAttributes, policies } from './object-identifiers.ts';
import { checkAuthorityBelow, checkPeer, type PeerRefusal, type PeerRules } from './peer-check.ts';
import { issueRevocationList, readRevocationList, type RevocationList } from './revocation-list.ts';
import { badExtensions, type TestRequest, testCertificate, testNow, trustedBelow } from './test-chain.ts';
import { authorityAmong, trustedRoot } from './trusted-authority.ts';

/** root → policy → issuing, the revocation list of each. */
async function authorities(changes: { policy?: TestRequest; issuing?: TestRequest } = {}) {
  const root = await testCertificate({ name: 'root', pathLength: 2 });
  const policy = await testCertificate({ name: 'policy', pathLength: 1, ...changes.policy }, root);
  const issuing = await testCertificate({ name: 'issuing', pathLength: 0, ...changes.issuing }, policy);
  return { root, policy, issuing };
}

async function listOf(issuer: Issuer, revoked: readonly Uint8Array[] = [], nextUpdate = testNow + 3600) {
  const request = {
    number: 1,
    thisUpdate: (testNow - 60) as UnixSeconds,
    nextUpdate: nextUpdate as UnixSeconds,
    revoked: revoked.map((one) => ({
      number: readCertificate(one).number,
      at: testNow,
      reason: 'keyCompromise' as const,
    })),
  };
  return readRevocationList(await issueRevocationList(request, issuer), issuer.certificate);
}

const rulesOf = (root: Issuer, revocationLists?: readonly RevocationList[]): PeerRules => ({
  trusted: [trustedRoot(root.certificate)],
  revocationLists,
  now: testNow,
  policies: [policies.genericDevice],
  as: 'client',
});

test('chains of 2, 3 and 4 certificates are accepted, with their root or without', async () => {
  const { root, policy, issuing } = await authorities();
  const lists = await Promise.all([root, policy, issuing].map((one) => listOf(one)));
  for (const above of [[root], [policy, root], [issuing, policy, root]]) {
    const device = await testCertificate({}, above[0]);
    const chain = [device, ...above].map(({ certificate }) => certificate);
    for (const shown of [chain, chain.slice(0, -1)]) {
      assert.deepEqual(checkPeer(shown, rulesOf(root, lists)), {
        ok: true,
        lfdi: lfdiOf(device.certificate),
        serial: 'AMI-1',
        policies: [policies.genericDevice],
      });
    }
  }
});

test('names of another string type, case or spacing are the same name; another name is no issuer (RFC 5280 §7.1)', async () => {
  const { root, policy, issuing } = await authorities();
  const printable = (text: string) =>
    sequence(setOf(sequence(objectIdentifier(nameAttributes.CN), tlv(0x13, Buffer.from(text)))));
  const verdictOf = async (issuerName: string): Promise<string> => {
    const device = await testCertificate({ issuerName: printable(issuerName) }, issuing);
    const chain = [device, issuing, policy].map(({ certificate }) => certificate);
    const ofChain = checkPeer(chain, rulesOf(root));
    const known = trustedBelow(issuing.certificate, trustedBelow(policy.certificate, trustedRoot(root.certificate)));
    assert.equal(checkPeer(chain.slice(0, 1), { ...rulesOf(root), trusted: [known] }).ok, ofChain.ok);
    return ofChain.ok ? 'accepted' : ofChain.reason;
  };
  assert.equal(await verdictOf('issuing'), 'accepted');
  assert.equal(await verdictOf(' Issuing'), 'accepted');
  assert.equal(await verdictOf('issuing 2'), 'unknown-issuer');
});

interface Bad {
  readonly why: string;
  readonly reason: PeerRefusal;
  readonly device?: TestRequest;
  readonly issuing?: TestRequest;
  readonly policy?: TestRequest;
  readonly rules?: Partial<PeerRules>;
}

const bad: readonly Bad[] = [
  { why: 'expired', reason: 'expired', device: { notAfter: testNow - 1 } },
  { why: 'of tomorrow', reason: 'not-yet-valid', device: { notBefore: testNow + 60 } },
  { why: 'below an expired authority', reason: 'expired', issuing: { notAfter: testNow - 1 } },
  { why: 'for servers only', reason: 'extended-key-usage', device: { more: [badExtensions.serverOnly] } },
  { why: 'below an authority for code', reason: 'extended-key-usage', issuing: { more: [badExtensions.codeSigning] } },
  { why: 'below name constraints', reason: 'name-constraints', issuing: { more: [badExtensions.nameConstraints] } },
  { why: 'below a policy mapping', reason: 'policy-mappings', issuing: { more: [badExtensions.policyMappings] } },
  {
    why: 'with an unknown critical extension',
    reason: 'critical-extension',
    device: { more: [badExtensions.unknown] },
  },
  { why: 'of another policy', reason: 'policy', device: { policies: [policies.mobileDevice] } },
  { why: 'below an authority of another policy', reason: 'policy', issuing: { policies: [policies.mobileDevice] } },
  { why: 'an authority itself', reason: 'not-an-authority', device: { name: 'ca', pathLength: 0 } },
  { why: 'below an authority that stands too deep', reason: 'not-an-authority', policy: { pathLength: 0 } },
  { why: 'below an authority that may not sign', reason: 'key-usage', issuing: { keyUsage: 0x80 } },
  { why: 'for no signatures', reason: 'key-usage', device: { keyUsage: 0x08 } },
  { why: 'without a hardware name', reason: 'no-hardware-name', device: { serial: null } },
  {
    why: 'with a software key where those are refused',
    reason: 'policy-refused',
    device: { policies: [policies.genericDevice, policies.softwareKey] },
    rules: { refusedPolicies: [policies.softwareKey] },
  },
];

for (const { why, reason, device, issuing, policy, rules } of bad) {
  test(`a certificate ${why} is refused: ${reason}`, async () => {
    const above = await authorities({ ...(issuing && { issuing }), ...(policy && { policy }) });
    const own = await testCertificate(device ?? {}, above.issuing);
    const chain = [own, above.issuing, above.policy].map(({ certificate }) => certificate);
    const answer = checkPeer(chain, { ...rulesOf(above.root), ...rules });
    assert.equal(answer.ok ? 'accepted' : answer.reason, reason);
  });
}

test('a device that signs for itself, one of a stranger and a broken chain are refused', async () => {
  const { root, policy, issuing } = await authorities();
  const stranger = await authorities();
  const own = await testCertificate({ name: 'me' });
  const device = await testCertificate({}, issuing);
  const table: [Issuer[], PeerRefusal][] = [
    [[own], 'self-signed'],
    [[own, own], 'self-signed'],
    [[device], 'unknown-issuer'],
    [[device, issuing], 'unknown-issuer'],
    [[device, policy, issuing], 'unknown-issuer'],
    [[device, stranger.issuing, stranger.policy], 'unknown-issuer'],
    [[await testCertificate({}, stranger.issuing), issuing, policy], 'unknown-issuer'],
    [[], 'malformed'],
    [[device, issuing, policy, root, root], 'malformed'],
  ];
  for (const [chain, reason] of table) {
    const answer = checkPeer(
      chain.map(({ certificate }) => certificate),
      rulesOf(root),
    );
    assert.equal(answer.ok ? 'accepted' : answer.reason, reason);
  }
});

test('whom a revocation list names is refused, and so is everyone when a list is missing or old', async () => {
  const { root, policy, issuing } = await authorities();
  const device = await testCertificate({}, issuing);
  const chain = [device, issuing, policy].map(({ certificate }) => certificate);
  const [ofRoot, ofPolicy, ofIssuing] = await Promise.all([listOf(root), listOf(policy), listOf(issuing)]);
  const cases: [RevocationList[], string][] = [
    [[ofRoot, ofPolicy, ofIssuing], 'accepted'],
    [[ofRoot, ofPolicy, await listOf(issuing, [device.certificate])], 'revoked'],
    [[ofRoot, await listOf(policy, [issuing.certificate]), ofIssuing], 'revoked'],
    [[await listOf(root, [policy.certificate]), ofPolicy, ofIssuing], 'revoked'],
    [[ofRoot, ofPolicy, await listOf(issuing, [device.certificate], testNow)], 'revoked'],
    [[ofRoot, ofPolicy, await listOf(issuing, [], testNow)], 'revocation-unknown'],
    [[ofRoot, ofIssuing], 'revocation-unknown'],
    [[], 'revocation-unknown'],
  ];
  for (const [lists, expected] of cases) {
    const answer = checkPeer(chain, rulesOf(root, lists));
    assert.equal(answer.ok ? 'accepted' : answer.reason, expected);
    if (!answer.ok && answer.reason === 'revoked') assert.equal(answer.revoked, 'keyCompromise');
  }
});

test('a revocation list of another issuer, a forged one and one cut short are refused', async () => {
  const { root, policy, issuing } = await authorities();
  const times = { thisUpdate: testNow, nextUpdate: (testNow + 60) as UnixSeconds };
  const list = await issueRevocationList({ number: 7, ...times, revoked: [] }, issuing);
  assert.throws(() => readRevocationList(list, policy.certificate), { code: 'GTX-PRV-031' });
  assert.throws(() => readRevocationList(list, root.certificate), { code: 'GTX-PRV-031' });
  assert.throws(() => readRevocationList(list.subarray(0, 50), issuing.certificate), { code: 'GTX-PRV-030' });
  const at = Buffer.from(list).indexOf(Buffer.from('551d14', 'hex')) + 7;
  const forged = Uint8Array.from(list);
  assert.equal(forged[at], 7);
  forged[at] = 8;
  assert.throws(() => readRevocationList(forged, issuing.certificate), { code: 'GTX-PRV-031', message: /signature/ });
  assert.equal(readRevocationList(list, issuing.certificate).number, 7);
});

test('no octet of a chain can be changed unnoticed, and nothing that is changed is thrown at the caller', async () => {
  const { root, policy, issuing } = await authorities();
  const device = await testCertificate({}, issuing);
  const chain = [device, issuing, policy].map(({ certificate }) => certificate);
  const rules = rulesOf(root);
  assert.equal(checkPeer(chain, rules).ok, true);
  for (const [which, certificate] of chain.entries()) {
    for (const [at, octet] of certificate.entries()) {
      const changed = chain.with(which, certificate.with(at, octet ^ (1 << (at % 8))));
      assert.equal(checkPeer(changed, rules).ok, false, `octet ${at} of certificate ${which}`);
    }
    const longer = chain.with(which, Uint8Array.from([...certificate, 0]));
    assert.equal(checkPeer(longer, rules).ok, false);
  }
});

test('an authority that is known beforehand is still refused when it is revoked, and a stranger is never known', async () => {
  const { root, policy, issuing } = await authorities();
  const device = await testCertificate({}, issuing);
  const trusted = trustedBelow(issuing.certificate, trustedBelow(policy.certificate, trustedRoot(root.certificate)));
  const chain = [device, issuing, policy].map(({ certificate }) => certificate);
  const verdictOf = async (revoked: readonly Uint8Array[]): Promise<string> => {
    const lists = [await listOf(root), await listOf(policy, revoked), await listOf(issuing)];
    const answer = checkPeer(chain, { ...rulesOf(root, lists), trusted: [trusted] });
    return answer.ok ? 'accepted' : answer.reason;
  };
  assert.equal(await verdictOf([]), 'accepted');
  assert.equal(await verdictOf([issuing.certificate]), 'revoked');
  const stranger = await authorities();
  assert.equal(authorityAmong(trusted.above, readCertificate(stranger.issuing.certificate)), undefined);
});

test('keys are on P-256: a device or an authority with another curve is refused', async () => {
  const above = await authorities();
  const chainOf = async (device: TestRequest, issuing = above.issuing) =>
    [await testCertificate(device, issuing), issuing, above.policy].map(({ certificate }) => certificate);
  const verdictOf = (chain: Uint8Array[]): string => {
    const answer = checkPeer(chain, rulesOf(above.root));
    return answer.ok ? 'accepted' : answer.reason;
  };
  assert.equal(verdictOf(await chainOf({})), 'accepted');
  assert.equal(verdictOf(await chainOf({ curve: 'P-384' })), 'key');
  const between = await testCertificate({ ...level, curve: 'P-384' }, above.policy);
  assert.equal(verdictOf(await chainOf({}, between)), 'key');
  const trusted = [trustedBelow(above.policy.certificate, trustedRoot(above.root.certificate))];
  const answer = checkAuthorityBelow(between.certificate, { ...rulesOf(above.root), trusted });
  assert.equal(answer.ok ? 'taken' : answer.reason, 'key');
});

interface Offered {
  readonly why: string;
  readonly reason: PeerRefusal;
  readonly request: TestRequest;
  readonly policy?: TestRequest;
}

const level = { name: 'offered', pathLength: 0 };
const offered: readonly Offered[] = [
  {
    why: 'with name constraints',
    reason: 'name-constraints',
    request: { ...level, more: [badExtensions.nameConstraints] },
  },
  {
    why: 'with policy mappings',
    reason: 'policy-mappings',
    request: { ...level, more: [badExtensions.policyMappings] },
  },
  { why: 'for servers only', reason: 'extended-key-usage', request: { ...level, more: [badExtensions.serverOnly] } },
  { why: 'for clients only', reason: 'extended-key-usage', request: { ...level, more: [badExtensions.clientOnly] } },
  {
    why: 'with an unknown critical extension',
    reason: 'critical-extension',
    request: { ...level, more: [badExtensions.unknown] },
  },
  { why: 'that is a device', reason: 'not-an-authority', request: {} },
  { why: 'that may not sign', reason: 'key-usage', request: { ...level, keyUsage: 0x80 } },
  { why: 'that has expired', reason: 'expired', request: { ...level, notAfter: testNow - 1 } },
  { why: 'of another policy', reason: 'policy', request: { ...level, policies: [policies.mobileDevice] } },
  { why: 'below one that may have none', reason: 'not-an-authority', request: level, policy: { pathLength: 0 } },
];

for (const { why, reason, request, policy } of offered) {
  test(`an authority ${why} is not taken: ${reason}`, async () => {
    const above = await authorities(policy && { policy });
    const trusted = [trustedBelow(above.policy.certificate, trustedRoot(above.root.certificate))];
    const { certificate } = await testCertificate(request, above.policy);
    const answer = checkAuthorityBelow(certificate, { ...rulesOf(above.root), trusted });
    assert.equal(answer.ok ? 'taken' : answer.reason, reason);
  });
}

test('an authority is taken below a known one, no deeper than chains go, and never from a stranger', async () => {
  const { root, policy, issuing } = await authorities();
  const rules = rulesOf(root);
  const first = checkAuthorityBelow(policy.certificate, rules);
  assert.ok(first.ok);
  const trusted = [...rules.trusted, first.authority];
  const second = checkAuthorityBelow(issuing.certificate, { ...rules, trusted });
  assert.ok(second.ok);
  const device = await testCertificate({}, issuing);
  assert.equal(checkPeer([device.certificate], { ...rules, trusted: [...trusted, second.authority] }).ok, true);
  const reasonOf = (certificate: Uint8Array): string => {
    const answer = checkAuthorityBelow(certificate, { ...rules, trusted: [...trusted, second.authority] });
    return answer.ok ? 'taken' : answer.reason;
  };
  assert.equal(reasonOf((await testCertificate(level, issuing)).certificate), 'not-an-authority');
  assert.equal(reasonOf((await authorities()).policy.certificate), 'unknown-issuer');
  assert.equal(reasonOf((await testCertificate({ ...level, pathLength: 2 })).certificate), 'unknown-issuer');
  assert.equal(reasonOf(Uint8Array.of(1, 2, 3)), 'malformed');
});
