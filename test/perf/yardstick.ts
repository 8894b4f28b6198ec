import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildConnector, Client } from 'undici';
import { monotonicMs } from '#hal/wall.ts';
import { channelMrid, channelNames } from '#ieee2030_5/ext/channels.ts';
import { clientTls, serverTls } from '#ieee2030_5/tls.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';

const clients = 25;
const rounds = 200;

/** A posting as a board sends it. */
function posting(): string {
  const timePeriod = { duration: 15, start: 1_782_136_800n };
  const readings = channelNames.map((name, i) => ({
    mRID: channelMrid('YARDSTICK', name),
    Reading: { timePeriod, value: 123_456 + i },
  }));
  return writeDocument('MirrorMeterReadingList', {
    all: readings.length,
    results: readings.length,
    MirrorMeterReading: readings,
  });
}

/**
 * The peer of the campus figures: the same post of a board over the same TLS to a bare `node:https` server that
 * reads nothing and stores nothing, 25 boards side by side. Microseconds of wall time a post.
 */
export async function bareHttpsPost(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gtx-yardstick-'));
  const ca = await CertificateAuthority.openOrCreate(join(folder, 'ca'));
  const {
    certificatePem: cert,
    keyPem: key,
    caPem,
  } = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server', hosts: ['127.0.0.1'] });
  const server = https.createServer(serverTls({ cert, key, ca: caPem }), (request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(201, { 'content-length': 0 }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const body = posting();
  const connections = Array.from(
    { length: clients },
    () => new Client(origin, { connect: buildConnector(clientTls({ cert, key, ca: caPem })) }),
  );
  const postAll = (): Promise<unknown> =>
    Promise.all(
      connections.map(async (connection) => {
        const response = await connection.request({
          method: 'POST',
          path: '/mup/1',
          headers: { 'content-type': 'application/sep+xml' },
          body,
        });
        await response.body.dump();
      }),
    );
  await postAll();
  const started = monotonicMs();
  for (let round = 0; round < rounds; round++) await postAll();
  const elapsedMs = monotonicMs() - started;
  await Promise.all(connections.map((connection) => connection.close()));
  server.close();
  await rm(folder, { recursive: true });
  return (elapsedMs * 1000) / (rounds * clients);
}
