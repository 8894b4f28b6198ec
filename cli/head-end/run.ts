import { join } from 'node:path';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import type { GridError } from '#hal/errors.ts';
import { wallSeconds } from '#hal/wall.ts';
import { HeadEnd } from '#head-end/head-end.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { DataFolder } from '../campus/data-folder.ts';
import { startTime } from '../campus/options.ts';
import { checkDistinct, checkPort } from '../campus/ports.ts';
import type { HeadEndOptions } from '../head-end.ts';
import { untilStopped } from '../stop-signals.ts';

/** Runs a head-end in real time until it is told to stop. Rejects with the first failure of any part. */
export async function runHeadEnd(options: HeadEndOptions): Promise<void> {
  using stopping = untilStopped();
  checkDistinct(options);
  await checkPort(options.sepPort, 'the IEEE 2030.5 server', '--sep-port');
  await checkPort(options.httpPort, 'the dashboard', '--http-port');
  const ca = await CertificateAuthority.open(options.ca);
  await using cleanup = new AsyncDisposableStack();
  const data = cleanup.use(await DataFolder.open(options.data));
  const identityFolder = join(data.folder('identity'), 'head-end');
  const hosts = [...new Set(['localhost', '127.0.0.1', ...(options.name ?? [])])];
  await loadOrCreateIdentity(identityFolder, { ca, serial: 'head-end', hosts });
  const failed = Promise.withResolvers<never>();
  const headEnd = cleanup.use(new HeadEnd((error: GridError) => failed.reject(error)));
  const opened = await headEnd.open({
    dataFolder: data.folder('head-end', true),
    databaseUrl: options.database,
    sepHost: options.host,
    sepPort: options.sepPort,
    httpPort: options.httpPort,
    identityFolder,
    devices: [],
    zone: options.zone,
    site: { name: options.zone, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone },
    speed: 1,
    logLevel: process.env['GRIDTOKENX_LOG'] ?? 'warn',
  });
  const start = startTime(undefined, wallSeconds(), opened.newest);
  const participant = { name: 'the head-end', runUntil: headEnd.runUntil.bind(headEnd) };
  const next = await headEnd.begin({ start });
  const leader = new LockstepLeader([{ participant, next }], { start, speed: 1 });
  process.stderr.write(
    `head-end: IEEE 2030.5 at https://${options.host}:${opened.sepPort}/dcap\n` +
      `head-end: REST and dashboard at http://127.0.0.1:${opened.httpPort}/\n`,
  );
  await Promise.race([leader.run(stopping.signal), failed.promise]);
  process.stderr.write('head-end: stopped; the next start goes on from there\n');
}
