import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wallSeconds } from '#hal/wall.ts';
import type { HeadEndProtocol } from '#head-end/protocol.ts';
import { formatLfdi } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { installLine, isInstalled } from '../debian-packages.ts';
import { provide } from '../install-packages.ts';
import type { Figure } from './figure.ts';
import { forked } from './forked.ts';
import { cpuUs } from './process-figures.ts';
import type { LoadProtocol } from './sep-server-load.ts';
import { startNginx } from './sep-server-nginx.ts';
import { median } from './statistics.ts';

/** Boards of a campus, each with a connection and a certificate of its own. */
const boards = 25;
/** Short turns, so that what else the machine does falls on both alike; the kernel tells hundredths of a second. */
const requestsATurn = 2_500;
const turns = 8;
const rounds = 9;
const warmUpRequests = 40_000;

const target = { atMost: 3 } as const;

/**
 * CPU of the head-end's process for an authorised GET of /dcap over a kept-alive connection with mutual TLS, against
 * nginx `return 200` with the same body, cipher and clients, in turns: the whole head-end with its database runs.
 */
export async function dcap(): Promise<Figure[]> {
  provide(isInstalled('nginx-light') ? [] : ['nginx-light'], (line) => process.stderr.write(`${line}\n`));
  if (!isInstalled('nginx-light')) {
    const name = `GET of dcap: nginx is not there to compare with (${installLine(['nginx-light'])})`;
    return [{ name, value: Number.POSITIVE_INFINITY, unit: '× nginx', target }];
  }
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'gtx-perf-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  // As root the database runs as another user, which has to pass through.
  await chmod(folder, 0o711);

  const ca = await CertificateAuthority.openOrCreate(join(folder, 'ca'));
  const serverFolder = join(folder, 'head-end');
  const server = await loadOrCreateIdentity(serverFolder, { ca, serial: 'head-end', hosts: ['127.0.0.1'] });
  const meters = Array.from({ length: boards }, (_, i) => `PERF-${i + 1}`);
  const clients = await Promise.all(
    meters.map((serial) => loadOrCreateIdentity(join(folder, 'boards', serial), { ca, serial })),
  );
  const identities = clients.map(({ certificatePem, keyPem, caPem }) => ({
    cert: certificatePem,
    key: keyPem,
    ca: caPem,
  }));

  const headEnd = forked<HeadEndProtocol>(resources, 'the head-end', import.meta.resolve('#head-end/main.ts'));
  const zone = 'perf';
  const { sepPort } = await headEnd.call('open', {
    dataFolder: folder,
    databaseUrl: undefined,
    sepPort: 0,
    httpPort: 0,
    identityFolder: serverFolder,
    devices: meters.map((meterId, i) => ({
      meterId,
      name: meterId,
      building: meterId,
      zone,
      ratedW: 10_000,
      storageWh: 0,
      lfdi: formatLfdi(clients[i]?.lfdi ?? server.lfdi),
    })),
    zone,
    site: { name: 'perf', timeZone: 'UTC' },
    speed: 'max',
    logLevel: 'silent',
  });
  await headEnd.call('begin', { start: wallSeconds() });

  const load = forked<LoadProtocol>(resources, 'the load', import.meta.resolve('./sep-server-load.ts'));
  const ours = await load.call('open', { port: sepPort, identities });
  const nginxFolder = join(folder, 'nginx');
  await mkdir(nginxFolder);
  const { cipher, body } = ours;
  const nginx = resources.use(await startNginx({ folder: nginxFolder, identity: server, body, cipher }));
  const theirs = await load.call('open', { port: nginx.port, identities });

  const measured = [
    { pid: headEnd.child.pid ?? 0, id: ours.id, us: [] as number[] },
    { pid: nginx.pid, id: theirs.id, us: [] as number[] },
  ];
  for (const { id } of measured) await load.call('run', { id, requests: warmUpRequests });
  for (let round = 0; round < rounds; round++) {
    const taken = measured.map(() => 0);
    for (let turn = 0; turn < turns; turn++) {
      for (const [i, { pid, id }] of measured.entries()) {
        const before = await cpuUs(pid);
        await load.call('run', { id, requests: requestsATurn });
        taken[i] = (taken[i] ?? 0) + (await cpuUs(pid)) - before;
      }
    }
    for (const [i, { us }] of measured.entries()) us.push((taken[i] ?? 0) / (turns * requestsATurn));
  }
  const [us, nginxUs] = measured.map((each) => median(each.us));
  const ratios = measured[0]?.us.map((value, i) => value / (measured[1]?.us[i] ?? Number.NaN)) ?? [];
  const isAlike = ours.body === theirs.body && ours.cipher === theirs.cipher;
  return [
    {
      name: `GET of dcap, ${boards} connections with mutual TLS, ${cipher}: CPU a request, times nginx's (${us?.toFixed(1)} against ${nginxUs?.toFixed(1)} µs)`,
      value: median(ratios),
      unit: '×',
      target,
    },
    {
      name: 'the two answer the same body with the same cipher',
      value: Number(isAlike),
      unit: '',
      target: { atLeast: 1 },
    },
    { name: 'size of the body', value: Buffer.byteLength(body), unit: 'bytes' },
  ];
}
