import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { Answer } from 'dns-packet';
import createMulticastDns, { type MulticastDNS } from 'multicast-dns';
import { createLog } from '#hal/log.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';
import { Announcer } from './announcer.ts';
import { answersTo, serviceRecords } from './service-records.ts';

const server = {
  lfdi: parseLfdi('3E4F45AB31EDFE5B67E343E5E4562E31984E23E5'),
  address: '192.0.2.7',
  port: 8443,
  dcap: '/dcap',
  subtypes: { edev: '/edev', derp: '/derp' },
};
const log = createLog('test', 'silent');

const textsOf = (records: readonly Answer[], name: string): string[] =>
  records.flatMap((record) =>
    record.type === 'TXT' && record.name === name ? [record.data].flat().map((text) => text.toString()) : [],
  );

test('a subtype is a label without underscore; its instance has the path of the function set', () => {
  const records = serviceRecords(server, 'local');
  const { answers, additionals } = answersTo([{ name: 'EDEV._sub._smartenergy._tcp.local', type: 'PTR' }], records);
  const instance = 'gridtokenx-3e4f45ab-edev._smartenergy._tcp.local';
  assert.deepEqual(
    answers.map((record) => record.type === 'PTR' && record.data),
    [instance],
  );
  assert.deepEqual(
    additionals.map(({ type, name }) => [type, name]),
    [
      ['SRV', instance],
      ['TXT', instance],
      ['A', 'gridtokenx-3e4f45ab.local'],
    ],
  );
  assert.deepEqual(textsOf(additionals, instance), [
    'txtvers=1',
    'dcap=/dcap',
    'path=/edev',
    'https=8443',
    'level=-S1',
  ]);
});

test('the service itself has one instance, without a path; another service has none', () => {
  const records = serviceRecords({ ...server, address: '2001:db8::7' }, 'site');
  const { answers, additionals } = answersTo([{ name: '_smartenergy._tcp.site', type: 'ANY' }], records);
  const instance = 'gridtokenx-3e4f45ab._smartenergy._tcp.site';
  assert.deepEqual(
    answers.map((record) => record.type === 'PTR' && record.data),
    [instance],
  );
  assert.deepEqual(textsOf(additionals, instance), ['txtvers=1', 'dcap=/dcap', 'https=8443', 'level=-S1']);
  assert.ok(additionals.some((record) => record.type === 'AAAA' && record.data === '2001:db8::7'));
  assert.deepEqual(answersTo([{ name: '_http._tcp.site', type: 'PTR' }], records).answers, []);
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

async function querier(t: TestContext, port: number): Promise<MulticastDNS> {
  const dns = createMulticastDns({ interface: '127.0.0.1', bind: '0.0.0.0', port });
  t.after(() => dns.destroy());
  await once(dns, 'ready');
  return dns;
}

/** The first records for which the test waits. */
const heard = (dns: MulticastDNS, wanted: (record: Answer) => boolean): Promise<readonly Answer[]> =>
  new Promise((resolve) => {
    dns.on('response', ({ answers = [], additionals = [] }) => {
      const records = [...answers, ...additionals];
      if (records.some(wanted)) resolve(records);
    });
  });

test('the server is announced, found by a device for its own EndDevice, and says goodbye', async (t) => {
  const groupPort = await freePort();
  const dns = await querier(t, groupPort);
  const options = { scope: 'local', interface: '127.0.0.1', groupPort, server, log } as const;
  const endDeviceOf = (sfdi: number): string | undefined => (sfdi === 11_111 ? '/edev/7' : undefined);
  const announcer = new Announcer({ ...options, endDeviceOf });
  const announced = heard(dns, ({ type }) => type === 'SRV');
  await announcer.start();
  assert.ok((await announced).every((record) => 'ttl' in record && (record.ttl ?? 0) > 0));
  const own = 'edev-000000011111';
  const found = heard(dns, ({ name }) => name.startsWith(own));
  dns.query({
    questions: [
      { name: 'edev-000000022222._sub._smartenergy._tcp.local', type: 'PTR' },
      { name: `${own}._sub._smartenergy._tcp.local`, type: 'PTR' },
    ],
  });
  const instance = `gridtokenx-3e4f45ab-${own}._smartenergy._tcp.local`;
  assert.ok(textsOf(await found, instance).includes('path=/edev/7'));
  const asked = heard(dns, ({ type, name }) => type === 'SRV' && name === instance);
  dns.query({ questions: [{ name: instance, type: 'SRV' }] });
  await asked;
  const goodbye = heard(dns, (record) => 'ttl' in record && record.ttl === 0);
  await announcer[Symbol.asyncDispose]();
  assert.ok((await goodbye).some(({ name, type }) => type === 'PTR' && name === '_smartenergy._tcp.local'));
});

test('a port that another program keeps to itself is told by its code', async (t) => {
  const taken = createSocket('udp4').bind(0, '0.0.0.0');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port: groupPort } = taken.address();
  const announcer = new Announcer({
    scope: 'local',
    interface: '127.0.0.1',
    groupPort,
    server,
    log,
    endDeviceOf: () => undefined,
  });
  await assert.rejects(announcer.start(), { code: 'GTX-DSD-001' });
  await announcer[Symbol.asyncDispose]();
});
