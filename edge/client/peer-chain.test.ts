import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { chainFault } from './peer-chain.ts';

/** A chain of certificates, device first, each of these bytes; the last is its own issuer. */
function chainOf(...hex: readonly string[]): { getPeerX509Certificate: () => X509Certificate | undefined } {
  const certificates = hex.map((each, n) => ({ raw: Buffer.from(each, 'hex'), fingerprint256: String(n) }));
  const linked = certificates.map((each, n) => ({
    ...each,
    get issuerCertificate(): unknown {
      return linked[Math.min(n + 1, linked.length - 1)];
    },
  }));
  return { getPeerX509Certificate: () => linked[0] as unknown as X509Certificate | undefined };
}

const policies = '300d0603551d200406300430020500';
const mappings = '300f0603551d210101ff0405300330010500';

test('a chain in which any authority maps policies is at fault, critical or not', () => {
  assert.equal(chainFault(chainOf(policies, policies, policies)), undefined);
  assert.match(chainFault(chainOf(policies, mappings, policies)) ?? '', /maps policies/);
  assert.match(chainFault(chainOf(policies, policies, mappings.replace('0101ff', ''))) ?? '', /maps policies/);
});

test('the same bytes elsewhere in a certificate are not taken for it', () => {
  assert.equal(chainFault(chainOf(`0603551d2199${policies}0603551d21`)), undefined);
  assert.match(chainFault(chainOf(`0603551d2199${mappings}`)) ?? '', /maps policies/);
});

test('a peer without a certificate has no fault of its chain; one without end is not followed', () => {
  assert.equal(chainFault({ getPeerX509Certificate: () => undefined }), undefined);
  assert.equal(chainFault(chainOf(...Array.from({ length: 20 }, () => policies))), undefined);
});
