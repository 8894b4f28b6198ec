import assert from 'node:assert/strict';
import { Connection } from '#edge/client/connection.ts';
import { findServerUrl } from '#edge/client/dns-sd.ts';
import { type ChainKind, chainOf } from '../chains.ts';
import { DnsResponder } from '../dns-responder.ts';
import { RawServer } from '../raw-server.ts';
import type { ClientStand } from '../stand.ts';
import { onePoll, type SunSpecTest, sunSpecTest, withClient, nothing } from './scene.ts';

/** A server that says where nothing is: whether a client comes in is all that counts. */
async function comesIn(
  stand: ClientStand,
  chain: ChainKind,
  tls: ConstructorParameters<typeof RawServer>[2] = {},
): Promise<boolean> {
  const identity = await stand.identity('CONFORMANCE_001');
  const server = await chainOf(chain);
  let requests = 0;
  const answer = (): { status: number } => {
    requests++;
    return { status: 404 };
  };
  // The client trusts the chain's root; the server trusts the client's.
  await using raw = new RawServer({ ...server, caPem: identity.caPem }, answer, tls);
  await raw.start();
  const trusting = { ...identity, caPem: server.caPem };
  await using connection = new Connection(raw.origin, trusting, { checkHostName: false });
  // It fails either way: in the handshake, or with the 404.
  await assert.rejects(connection.get('/dcap', 'DeviceCapability'));
  return requests > 0;
}

const accepted: readonly ChainKind[] = ['length 2', 'length 3', 'length 4'];
const refused: readonly ChainKind[] = [
  'MICA for clients only',
  'MICA of another name',
  'MICA with a policy mapping',
  'self-signed',
];

/** hrefs of a document, as paths. */
const linksIn = (body: string): string[] =>
  [...body.matchAll(/(?:href|replyTo)="([^"]*)"/g)].map(([, href = '']) => new URL(href, 'https://server').pathname);

export const commTests: readonly SunSpecTest[] = [
  sunSpecTest('COMM-001', 'discovery by xmDNS and mDNS', async (stand) => {
    for (const domain of ['site', 'local'] as const) {
      await withClient(
        { stand, path: '/dcap' },
        ({ server }) => void server.utility.addProgram({ primacy: 1 }),
        async (subject) => {
          const { port, origin } = subject.server.server;
          await using responder = new DnsResponder({ domain, port, dcap: '/dcap' });
          await responder.start();
          const url = await findServerUrl({
            scope: domain,
            subtype: 'edev',
            interface: '127.0.0.1',
            address: '224.0.0.251',
            port: responder.port,
            windowMs: 600,
          });
          assert.equal(url, `${origin}/dcap`);
          assert.ok(
            responder.asked.has(`_edev._sub._smartenergy._tcp.${domain}`),
            'the function set was not asked for',
          );
          await subject.pass(onePoll);
          assert.ok(subject.server.requests.all.some(({ path }) => path === '/edev/1/derp/1/derc'));
        },
      );
    }
  }),
  sunSpecTest('COMM-002', 'out-of-band discovery: the address is given, everything else is linked', (stand) =>
    withClient(
      { stand, path: '/dcap' },
      ({ server }) => void server.utility.addProgram({ primacy: 1 }),
      async (subject) => {
        const { server } = subject;
        const linked = new Set(['/dcap']);
        const strangers: string[] = [];
        server.observer = ({ path }, isServed) => {
          if (!isServed && !linked.has(path)) strangers.push(path);
        };
        server.told = (body) => {
          for (const href of linksIn(body)) linked.add(href);
        };
        await subject.pass(2 * onePoll);
        assert.equal(server.requests.all[0]?.path, '/dcap');
        assert.deepEqual(strangers, [], 'asked for what no document links to');
        assert.ok(linked.has('/edev/1/derp/1/derc'));
      },
    ),
  ),
  sunSpecTest('COMM-003', 'TLS 1.2 with ECDHE-ECDSA-AES128-CCM8', async (stand) => {
    await withClient({ stand }, nothing, async (subject) => {
      await subject.pass(onePoll);
      const { handshakes } = subject.server.server;
      assert.ok(handshakes.length > 0);
      for (const { cipher, protocol, lfdi } of handshakes) {
        assert.deepEqual([cipher, protocol], ['ECDHE-ECDSA-AES128-CCM8', 'TLSv1.2']);
        assert.equal(lfdi, subject.identity.lfdi);
      }
    });
    // A server without what the standard prescribes does not get the client's requests.
    assert.equal(await comesIn(stand, 'length 3', { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }), false);
    assert.equal(await comesIn(stand, 'length 3', { ecdhCurve: 'secp384r1' }), false);
  }),
  sunSpecTest('COMM-004', 'certificate chains of length 2, 3 and 4, and such as are to be refused', async (stand) => {
    for (const kind of accepted) assert.equal(await comesIn(stand, kind), true, `a chain of ${kind} is refused`);
    for (const kind of refused) assert.equal(await comesIn(stand, kind), false, `taken: ${kind}`);
  }),
];
