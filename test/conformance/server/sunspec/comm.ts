import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { deadline } from '#hal/wall.ts';
import { announcement, type ServerStand } from '../stand.ts';
import { chainOf, type Intruder, selfSigned, type Shown } from './chains.ts';
import { askGroup, type DnsRecord, DnsType, queryOf } from './dns-query.ts';
import { Site, sunspec } from './site.ts';

const ccm8 = 'ECDHE-ECDSA-AES128-CCM8';
/** The longest that a handshake may take, in milliseconds. */
const handshakeMs = 5000;

/** The cipher that was agreed on, or the reason why there is no connection that carries a request. */
async function handshake(stand: ServerStand, options: ConnectionOptions): Promise<string> {
  const ca = await readFile(join(stand.authority.folder, 'root.pem'), 'utf8');
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: stand.sepPort,
    ca,
    ecdhCurve: 'prime256v1',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: `${ccm8}:@SECLEVEL=0`,
    checkServerIdentity: () => undefined,
    ...options,
  });
  using _limit = deadline(handshakeMs, () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'secureConnect');
    socket.once('end', () => socket.destroy(new Error('closed')));
    const cipher = socket.getCipher().standardName;
    socket.write('GET /dcap HTTP/1.1\r\nHost: server\r\nAccept: application/sep+xml\r\nConnection: close\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    const status = /^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1];
    return status === '200' ? cipher : `status ${status}`;
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    socket.destroy();
  }
}

const ofIdentity = ({ certificatePem, keyPem }: Pick<Shown, 'certificatePem' | 'keyPem'>): ConnectionOptions => ({
  cert: certificatePem,
  key: keyPem,
});

const chosen = 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8';

const service = '_smartenergy._tcp.local';
/** The longest that an announcement is waited for, in milliseconds. */
const announcedMs = 3000;

/** A client that knows nothing but the service's name finds the port and the path of DeviceCapability (§7). */
async function discovery(stand: ServerStand): Promise<void> {
  const instanceOf = (records: readonly DnsRecord[]): string | undefined =>
    records.find(({ type, name }) => type === DnsType.PTR && name === service)?.target;
  const pointers = await askGroup(
    announcement,
    [queryOf(service, DnsType.PTR)],
    (records) => instanceOf(records) !== undefined,
    announcedMs,
  );
  const instance = instanceOf(pointers);
  assert.ok(instance !== undefined, `nothing announces ${service}`);
  const isOf = (type: number) => (record: DnsRecord) => record.type === type && record.name === instance;
  const records = await askGroup(
    announcement,
    [queryOf(instance, DnsType.SRV), queryOf(instance, DnsType.TXT)],
    (found) => found.some(isOf(DnsType.SRV)) && found.some(isOf(DnsType.TXT)),
    announcedMs,
  );
  const texts = records.find(isOf(DnsType.TXT))?.texts ?? {};
  assert.equal(records.find(isOf(DnsType.SRV))?.port, stand.sepPort);
  assert.equal(texts['txtvers'], '1');
  assert.equal(texts['https'], String(stand.sepPort));
  await using site = await Site.make(stand);
  assert.equal((await site.client.raw.get(texts['dcap'] ?? '')).name, 'DeviceCapability');
}

async function outOfBand(stand: ServerStand): Promise<void> {
  await using site = await Site.make(stand);
  // Address, port, path and trust anchor are all that a client is told; links give the rest.
  const capability = await site.client.raw.get('/dcap');
  assert.equal(capability.name, 'DeviceCapability');
  for (const link of ['TimeLink', 'EndDeviceListLink', 'MirrorUsagePointListLink']) {
    const href = capability.link(link);
    assert.ok(href !== undefined, `no ${link}`);
    await site.client.raw.get(href);
  }
}

async function security(stand: ServerStand): Promise<void> {
  const known = ofIdentity(await stand.identity());
  assert.equal(await handshake(stand, known), chosen);
  const refused: Readonly<Record<string, ConnectionOptions>> = {
    'a client without a certificate': {},
    'TLS 1.1': { ...known, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    'a cipher with SHA-1': { ...known, ciphers: 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0' },
    'a cipher with RSA': { ...known, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0' },
    'another curve': { ...known, ecdhCurve: 'secp384r1' },
  };
  for (const [what, options] of Object.entries(refused)) {
    assert.match(await handshake(stand, options), /^refused/, what);
  }
  // An older version is not what decides: a client that offers all of them is given TLS 1.2 and the one suite.
  assert.equal(await handshake(stand, { ...known, ciphers: `ECDHE-RSA-AES128-SHA:${ccm8}:@SECLEVEL=0` }), chosen);
}

/** The operator's answer when the authorities of a chain are added, from the root down, as far as they are taken. */
async function addAuthorities({ operator }: ServerStand, { authorities }: Shown): Promise<number> {
  let status = 201;
  for (const certificate of authorities) {
    if (status === 201) ({ status } = await operator.ask('POST', '/authorities', { certificate }));
  }
  return status;
}

/** A device that the utility expects, whatever its chain is. */
async function expected(stand: ServerStand, length: 2 | 3 | 4, intruder?: Intruder): Promise<Shown> {
  const chain = await chainOf(stand.authority.folder, length, intruder);
  await stand.operator.done('POST', '/devices', { lfdi: chain.lfdi, pin: 111_115 });
  return chain;
}

async function certificates(stand: ServerStand): Promise<void> {
  assert.equal(await handshake(stand, ofIdentity(await expected(stand, 2))), chosen, 'a chain of 2');
  for (const length of [3, 4] as const) {
    const chain = await expected(stand, length);
    assert.match(await handshake(stand, ofIdentity(chain)), /^refused/, `a chain of ${length}, of a MICA unknown`);
    assert.equal(await addAuthorities(stand, chain), 201, `authorities of a chain of ${length}`);
    assert.equal(await handshake(stand, ofIdentity(chain)), chosen, `a chain of ${length}`);
  }
  const intruders: readonly Intruder[] = ['extendedKeyUsage', 'nameConstraints', 'policyMappings'];
  for (const intruder of intruders) {
    for (const length of [3, 4] as const) {
      const chain = await expected(stand, length, intruder);
      const what = `a MICA with ${intruder} in a chain of ${length}`;
      assert.equal(await addAuthorities(stand, chain), 422, what);
      assert.match(await handshake(stand, ofIdentity(chain)), /^refused/, what);
    }
  }
  assert.match(await handshake(stand, ofIdentity(await selfSigned())), /^refused/, 'a self-signed certificate');
}

export const commTests = [
  sunspec('COMM-001', 'xmDNS discovery', discovery),
  sunspec('COMM-002', 'Out-of-band discovery', outOfBand),
  sunspec('COMM-003', 'TLS 1.2 with ECDHE-ECDSA-AES128-CCM8', security),
  sunspec('COMM-004', 'Certificate chains', certificates),
];
