import { join } from 'node:path';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import { GridError } from '#hal/errors.ts';
import { wallSeconds } from '#hal/wall.ts';
import { HeadEnd } from '#head-end/head-end.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { trustedMakers } from '#provisioning/tpm/endorsement-certificate.ts';
import { DataFolder } from '../campus/data-folder.ts';
import { startTime } from '../campus/options.ts';
import { checkPorts } from '../campus/ports.ts';
import type { HeadEndOptions } from '../head-end.ts';
import { issuingKeysIn } from '../provision/authority.ts';
import { readGiven } from '../provision/issue.ts';
import { opening } from '../provision/passphrase.ts';
import { firstAdministratorNotice } from '../access/notice.ts';
import { restConfig } from './rest.ts';
import { untilStopped } from '../stop-signals.ts';

/** Runs a head-end in real time until it is told to stop. Rejects with the first failure of any part. */
export async function runHeadEnd(options: HeadEndOptions): Promise<void> {
  using stopping = untilStopped();
  const makers = options.tpmMakers === undefined ? undefined : await makersIn(options.tpmMakers);
  const rest = await restConfig(options);
  await checkPorts([
    { port: options.sepPort, what: 'the IEEE 2030.5 server', flag: '--sep-port' },
    { port: options.httpPort, what: 'the dashboard', flag: '--http-port' },
    { port: options.revocationPort, what: 'revocation lists', flag: '--revocation-port' },
    ...(makers === undefined
      ? []
      : [{ port: options.enrolmentPort, what: 'the enrolment service', flag: '--enrolment-port' }]),
  ]);
  // Asked for once, and kept for the enrolment service.
  let passphrase: string | undefined;
  const source = opening(options.ca, options);
  await using cleanup = new AsyncDisposableStack();
  const ca = await CertificateAuthority.open(options.ca, {
    passphrase: async () => (passphrase = await source()),
    ...(await issuingKeysIn(options.caTpm, cleanup)),
  });
  const data = cleanup.use(await DataFolder.open(options.data));
  const identityFolder = join(data.folder('identity'), 'head-end');
  const hosts = [...new Set(['localhost', '127.0.0.1', ...(options.name ?? [])])];
  await loadOrCreateIdentity(identityFolder, { ca, serial: 'head-end', hosts });
  await ca.issuingAuthority().catch((error: unknown) => {
    const isElsewhere = error instanceof GridError && error.code === 'GTX-PRV-022';
    if (!isElsewhere || makers !== undefined) throw error;
    process.stderr.write(
      'head-end: its issuing key is elsewhere. Nobody is enrolled or renewed, and boards that it has proved itself to ' +
        'before, by OCSP, refuse it until the key is back.\n',
    );
  });
  // Its issuing key in a TPM needs none; those before it may lie in files.
  if (options.passphraseFile !== undefined) passphrase ??= await source();
  const failed = Promise.withResolvers<never>();
  const headEnd = cleanup.use(new HeadEnd((error: GridError) => failed.reject(error)));
  const opened = await headEnd.open({
    dataFolder: data.folder('head-end', true),
    databaseUrl: options.database,
    sepHost: options.host,
    sepPort: options.sepPort,
    httpPort: options.httpPort,
    ...(rest && { rest }),
    identityFolder,
    authority: {
      folder: options.ca,
      revocationPort: options.revocationPort,
      revocationHost: options.host,
      ...(passphrase !== undefined && { passphrase }),
      ...(options.caTpm !== undefined && { tpm: options.caTpm }),
      ...(makers !== undefined && {
        enrolment: {
          port: options.enrolmentPort,
          host: options.host,
          makers,
          ...(options.pcr !== undefined && { pcrs: options.pcr }),
          boards: [],
        },
      }),
    },
    ...(options.refuseSoftwareKeys === true && { refuseSoftwareKeys: true }),
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
      `head-end: REST and dashboard at ${opened.origin}/\n`,
  );
  if (opened.firstAdministrator !== undefined) {
    process.stderr.write(`head-end: ${firstAdministratorNotice(opened.firstAdministrator)}\n`);
  }
  if (opened.enrolmentPort !== undefined) {
    process.stderr.write(`head-end: enrolment at https://${options.host}:${opened.enrolmentPort}/enrolment\n`);
  }
  await Promise.race([leader.run(stopping.signal), failed.promise]);
  process.stderr.write('head-end: stopped; the next start goes on from there\n');
}

/** PEM of the TPM makers in a file. Rejects with GTX-PRV-014 where it cannot be read, GTX-TPM-032 where it has no root. */
async function makersIn(file: string): Promise<string> {
  const pem = Buffer.from(await readGiven(file, 'certificate')).toString('utf8');
  trustedMakers(pem);
  return pem;
}
