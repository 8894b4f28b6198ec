import assert from 'node:assert/strict';
import { test } from 'node:test';
import createMulticastDns from 'multicast-dns';
import { askGroup, DnsType, queryOf, recordsOf } from './dns-query.ts';

test('a record is read with its compressed names', () => {
  const query = queryOf('_smartenergy._tcp.local', DnsType.PTR);
  const answer = Buffer.from(query);
  answer.writeUInt16BE(0x8400, 2);
  answer.writeUInt16BE(1, 6);
  // The name points to the question; the target is a label and a pointer to it.
  const target = Buffer.from([4, ...Buffer.from('utty'), 0xc0, 12]);
  const head = Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, target.length]);
  assert.deepEqual(recordsOf(Buffer.concat([answer, head, target])), [
    { name: '_smartenergy._tcp.local', type: 12, target: 'utty._smartenergy._tcp.local' },
  ]);
  assert.throws(() => recordsOf(Buffer.concat([answer, head])), RangeError);
});

test("another program's announcement is heard and read", async (t) => {
  const group = { interface: '127.0.0.1', address: '224.0.0.251', port: 15_353 + (process.pid % 10_000) };
  const dns = createMulticastDns({ ip: group.address, port: group.port, interface: group.interface, bind: '0.0.0.0' });
  t.after(() => dns.destroy());
  dns.on('query', () => {
    dns.respond([
      { name: '_a._tcp.local', type: 'PTR', data: 'x._a._tcp.local' },
      { name: 'x._a._tcp.local', type: 'SRV', data: { port: 8443, target: 'host.local' } },
      { name: 'x._a._tcp.local', type: 'TXT', data: ['dcap=/dcap', 'https=8443'] },
    ]);
  });
  await new Promise<void>((resolve) => void dns.once('ready', resolve));
  const found = await askGroup(group, [queryOf('_a._tcp.local', DnsType.PTR)], (records) => records.length >= 3, 2000);
  assert.deepEqual(found.slice(0, 3), [
    { name: '_a._tcp.local', type: 12, target: 'x._a._tcp.local' },
    { name: 'x._a._tcp.local', type: 33, port: 8443, target: 'host.local' },
    { name: 'x._a._tcp.local', type: 16, texts: { dcap: '/dcap', https: '8443' } },
  ]);
});
