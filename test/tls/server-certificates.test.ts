import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { Connection } from '#edge/client/connection.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { extension, type Issuer } from '#provisioning/certificates.ts';
import { ipOctets, sequence, tlv } from '#provisioning/der.ts';
import { certificatePem } from '#provisioning/pem.ts';
import { badExtensions, type TestCertificate, type TestRequest, testCertificate } from '#provisioning/test-chain.ts';
import { lasting } from './tls-stand.ts';

/** A server that is reached at this address. */
const named = (address: string): TestRequest => ({
  serial: null,
  more: [extension('subjectAlternativeName', sequence(tlv(0x87, ipOctets(address))), true)],
});
const here = named('127.0.0.1');

/** Who stands where a board's head-end should. */
interface Impostor {
  readonly who: string;
  readonly request: TestRequest;
  /** The authority that issued its certificate, or itself; the board's own unless told. */
  readonly by?: 'stranger' | 'itself';
  /** Of the authority between root and server. */
  readonly issuing?: TestRequest;
  /** What the board says of it. */
  readonly says: RegExp;
}

const impostors: readonly Impostor[] = [
  { who: 'a server of another authority', request: here, by: 'stranger', says: /unable to (get|verify)/ },
  { who: 'a server that signed for itself', request: here, by: 'itself', says: /self-signed/ },
  {
    who: 'a server whose certificate has expired',
    request: { ...here, notAfter: wallSeconds() - 60 },
    says: /has expired/,
  },
  {
    who: 'a server whose certificate is of tomorrow',
    request: { ...here, notBefore: wallSeconds() + 3600 },
    says: /not yet valid/,
  },
  { who: 'a server of another name', request: named('192.0.2.1'), says: /does not match|is not in the cert/ },
  { who: 'a board that poses as the head-end', request: {}, says: /does not match|does not contain a DNS name/ },
  {
    who: 'a certificate for clients only',
    request: { ...here, more: [...(here.more ?? []), badExtensions.clientOnly] },
    says: /unsuitable certificate purpose/,
  },
  {
    who: 'a server below an authority that has expired',
    request: here,
    issuing: { notAfter: wallSeconds() - 60 },
    says: /has expired/,
  },
  {
    who: 'a server below an authority with policy mappings',
    request: here,
    issuing: { more: [badExtensions.policyMappings] },
    says: /maps policies/,
  },
  {
    who: 'a server below an authority with name constraints',
    request: here,
    issuing: { more: [badExtensions.nameConstraints] },
    says: /constrains names/,
  },
];

suite('a board and the certificate of its head-end', () => {
  let root: TestCertificate;
  let board: { readonly certificatePem: string; readonly keyPem: string; readonly caPem: string };

  before(async () => {
    root = await testCertificate({ ...lasting(), name: 'root', pathLength: 2 });
    const own = await testCertificate(lasting(), root);
    const [certificate, ca] = [own, root].map((one) => certificatePem(one.certificate));
    board = { certificatePem: certificate!, keyPem: own.keyPem, caPem: ca! };
  });

  /** A server with a certificate of some kind, and what it was told before it was refused. */
  async function serve({ request, by, issuing }: Pick<Impostor, 'request' | 'by' | 'issuing'>) {
    const above = by === 'stranger' ? await testCertificate({ ...lasting(), name: 'stranger', pathLength: 2 }) : root;
    const between = await testCertificate({ ...lasting(), name: 'issuing', pathLength: 0, ...issuing }, above);
    const issuer: Issuer | undefined = by === 'itself' ? undefined : between;
    const own = await testCertificate({ ...lasting(), ...request }, issuer);
    const chain = [own, ...(issuer === undefined ? [] : [between])];
    const heard: string[] = [];
    const server = https.createServer(
      serverTls({
        cert: chain.map((one) => certificatePem(one.certificate)).join(''),
        key: own.keyPem,
        ca: board.caPem,
      }),
      ({ url = '' }, response) => {
        heard.push(url);
        response.setHeader('content-type', mediaType);
        response.end(writeDocument('DeviceCapability', { pollRate: 900 }));
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
  }
  const servers: https.Server[] = [];
  after(() => {
    for (const server of servers) server.close().closeAllConnections();
  });

  test('its own head-end is asked', async () => {
    const { origin, heard } = await serve({ request: here });
    await using connection = new Connection(origin, board);
    await connection.get('/dcap', 'DeviceCapability');
    assert.deepEqual(heard, ['/dcap']);
  });

  for (const { who, says, ...impostor } of impostors) {
    test(`${who} is not told a word`, async () => {
      const { origin, heard } = await serve(impostor);
      await using connection = new Connection(origin, board);
      await assert.rejects(connection.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001', message: says });
      assert.deepEqual(heard, []);
    });
  }
});
