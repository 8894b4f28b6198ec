import type { UnixSeconds } from '#hal/units.ts';
import { monotonicMs } from '#hal/wall.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { checkPeer, type PeerRules } from '#provisioning/peer-check.ts';
import { issueRevocationList, readRevocationList } from '#provisioning/revocation-list.ts';
import { testCertificate, testNow as now, trustedBelow } from '#provisioning/test-chain.ts';
import { trustedRoot } from '#provisioning/trusted-authority.ts';
import type { Figure } from './figure.ts';

const rounds = 2000;

/** Validation of a peer's certificate: chain, revocation lists and policy, of a chain seen first and of known authorities. */
export async function peerCheck(): Promise<Figure[]> {
  const root = await testCertificate({ name: 'root', pathLength: 2 });
  const policy = await testCertificate({ name: 'policy', pathLength: 1 }, root);
  const issuing = await testCertificate({ name: 'issuing', pathLength: 0 }, policy);
  const device = await testCertificate({}, issuing);
  const revocationLists = await Promise.all(
    [root, policy, issuing].map(async (issuer) => {
      const times = { number: 1, thisUpdate: (now - 60) as UnixSeconds, nextUpdate: (now + 3600) as UnixSeconds };
      return readRevocationList(await issueRevocationList({ ...times, revoked: [] }, issuer), issuer.certificate);
    }),
  );
  const ground = { revocationLists, now, policies: [policies.genericDevice], as: 'client' } as const;
  const anchor = trustedRoot(root.certificate);
  const known = trustedBelow(issuing.certificate, trustedBelow(policy.certificate, anchor));
  const chain = [device, issuing, policy].map(({ certificate }) => certificate);
  return [
    ...figures('seen first', chain, { ...ground, trusted: [anchor] }),
    ...figures('by known authorities', chain, { ...ground, trusted: [known, anchor] }),
  ];
}

function figures(which: string, chain: readonly Uint8Array[], rules: PeerRules): Figure[] {
  const times = Array.from({ length: rounds }, () => {
    const started = monotonicMs();
    const answer = checkPeer(chain, rules);
    if (!answer.ok) throw new Error(`${answer.reason}: ${answer.detail}`);
    return monotonicMs() - started;
  }).toSorted((a, b) => a - b);
  const mean = times.reduce((sum, time) => sum + time, 0) / rounds;
  const name = `check of a peer's chain, ${which}`;
  return [
    { name: `${name}: mean`, value: mean, unit: 'ms', target: { atMost: 1 } },
    { name: `${name}: p99`, value: times[Math.floor(rounds * 0.99)] ?? 0, unit: 'ms', target: { atMost: 10 } },
  ];
}
