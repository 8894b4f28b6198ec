import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { Answer } from 'dns-packet';
import fc from 'fast-check';
import createMulticastDns from 'multicast-dns';
import { findServers, findServerUrl } from './dns-sd.ts';
import { openQuestions, serversOf } from './dns-sd-records.ts';

interface TestService {
  readonly name: string;
  readonly txt?: readonly string[];
  readonly priority?: number;
  readonly address?: string;
}

const base = '_smartenergy._tcp.local';
const subtype = `_edev._sub.${base}`;

const recordsOf = ({ name, txt = [], priority = 0, address = '192.0.2.7' }: TestService): Answer[] => [
  { name: subtype, type: 'PTR', data: `${name}.${base}` },
  { name: `${name}.${base}`, type: 'SRV', data: { target: `${name}.local`, port: 80, priority, weight: 0 } },
  { name: `${name}.${base}`, type: 'TXT', data: ['txtvers=1', ...txt] },
  { name: `${name}.local`, type: address.includes(':') ? 'AAAA' : 'A', data: address },
];

test('of several servers the secured come first, ties in an order that does not depend on the answers', () => {
  const services: TestService[] = [
    { name: 'plain', txt: ['dcap=/dcap'] },
    { name: 'b', txt: ['dcap=/dcap', 'https=8443'] },
    { name: 'a', txt: ['dcap=/sep/dcap', 'https', 'path=/edev', 'level=-S1'], address: '2001:db8::7' },
    { name: 'late', txt: ['dcap=/dcap', 'https=443'], priority: 5 },
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(services.flatMap(recordsOf), { minLength: 16 }), (records) => {
      const found = serversOf(records);
      assert.deepEqual(
        found.map(({ url }) => url),
        [
          'https://[2001:db8::7]/sep/dcap',
          'https://192.0.2.7:8443/dcap',
          'https://192.0.2.7/dcap',
          'http://192.0.2.7/dcap',
        ],
      );
      assert.deepEqual([found[0]?.path, found[0]?.level, found[3]?.isSecured], ['/edev', '-S1', false]);
    }),
  );
});

test('a server of another version, schema level, or without a DeviceCapability is none', () => {
  for (const txt of [[], ['dcap=/dcap', 'level=S2'], ['dcap=/dcap', 'https=99999'], ['dcap=/dcap', 'https=x']]) {
    assert.deepEqual(serversOf(recordsOf({ name: 'x', txt })), [], txt.join(' '));
  }
  const other = recordsOf({ name: 'x', txt: ['dcap=/dcap'] }).map((record) =>
    record.type === 'TXT' ? { ...record, data: ['txtvers=2', 'dcap=/dcap'] } : record,
  );
  assert.deepEqual(serversOf(other), []);
  const linkLocal = recordsOf({ name: 'x', txt: ['DCAP=/dcap', 'https=8443'], address: 'fe80::1' });
  assert.deepEqual(serversOf(linkLocal)[0]?.url, 'https://x.local:8443/dcap');
});

test('what the first answer leaves out is asked for', () => {
  const [pointer, srv, txt, address] = recordsOf({ name: 'x' }) as [Answer, Answer, Answer, Answer];
  const types = (records: Answer[]) => openQuestions(records).map(({ type }) => type);
  assert.deepEqual(types([pointer]), ['SRV', 'TXT']);
  assert.deepEqual(types([pointer, srv]), ['TXT', 'A', 'AAAA']);
  assert.deepEqual(types([pointer, srv, txt, address]), []);
});

/** A UDP port that nobody uses, and everyone may. */
async function freePort(): Promise<number> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Answers questions on the loopback interface from these records, one kind of question at a time. */
function respond(t: TestContext, port: number, records: readonly Answer[]): void {
  const responder = createMulticastDns({ interface: '127.0.0.1', bind: '0.0.0.0', port });
  t.after(() => responder.destroy());
  responder.on('query', ({ questions = [] }) => {
    const answers = records.filter(({ name, type }) =>
      questions.some((asked) => name === asked.name && type === asked.type),
    );
    if (answers.length > 0) responder.respond({ answers });
  });
}

test('a server on the link is found by its subtype, its address in a second answer', async (t) => {
  const port = await freePort();
  respond(t, port, recordsOf({ name: 'utility', txt: ['dcap=/dcap', 'https=8443', 'level=+S1'] }));
  const options = { scope: 'local', interface: '127.0.0.1', port, windowMs: 900 } as const;
  const [found, none] = await Promise.all([
    findServerUrl({ ...options, subtype: 'edev' }),
    findServers({ ...options, subtype: 'bill' }),
  ]);
  assert.equal(found, 'https://192.0.2.7:8443/dcap');
  assert.ok(none.length <= 1);
});

test('over the whole site the names end in .site; a server that is not secured is not taken', async (t) => {
  const port = await freePort();
  const inSite = (record: Answer): Answer =>
    JSON.parse(JSON.stringify(record).replaceAll(/\.local\b/g, '.site')) as Answer;
  respond(t, port, recordsOf({ name: 'utility', txt: ['dcap=/dcap'] }).map(inSite));
  const options = { scope: 'site', address: '224.0.0.251', interface: '127.0.0.1', port, windowMs: 900 } as const;
  const found = await findServers({ ...options, subtype: 'edev' });
  assert.deepEqual(
    found.map(({ name, isSecured }) => [name, isSecured]),
    [['utility._smartenergy._tcp.site', false]],
  );
  await assert.rejects(findServerUrl({ ...options, subtype: 'edev' }), { code: 'GTX-SEP-014' });
});

test('a port that another program keeps to itself is told by its code', async (t) => {
  const taken = createSocket('udp4').bind(0, '0.0.0.0');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address();
  await assert.rejects(findServers({ scope: 'local', interface: '127.0.0.1', port, windowMs: 30 }), {
    code: 'GTX-SEP-013',
  });
});
