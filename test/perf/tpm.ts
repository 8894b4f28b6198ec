import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, createServer } from 'node:tls';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { monotonicMs, wallSeconds } from '#hal/wall.ts';
import { BoardIdentities } from '#edge/fleet/board-identities.ts';
import { clientTls, serverTls } from '#ieee2030_5/tls.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { endorsementHash } from '#provisioning/tpm/endorsement-certificate.ts';
import { loadTpmProvider, tpmKeyPem } from '#provisioning/tpm/provider/provider.ts';
import { pointOf } from '#provisioning/tpm/public-key.ts';
import { TpmKeys } from '#provisioning/tpm/tpm-keys.ts';
import { openEnrolmentGround } from '../campus/tpm-ground.ts';
import type { Figure } from './figure.ts';

const pairs = 300;
const resumptions = 20;
const boards = 25;

async function temporary<T>(use: (folder: string, resources: AsyncDisposableStack) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gtx-perf-'));
  await chmod(folder, 0o711);
  try {
    await using resources = new AsyncDisposableStack();
    return await use(folder, resources);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The value that a share of them does not exceed. */
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

/** Milliseconds of one handshake. */
async function handshake(options: ConnectionOptions, isResumed = false): Promise<number> {
  const started = monotonicMs();
  const socket = connect(options);
  await once(socket, 'secureConnect');
  const elapsed = monotonicMs() - started;
  if (socket.isSessionReused() !== isResumed) throw new Error('another kind of handshake was to be measured');
  socket.destroy();
  return elapsed;
}

/**
 * Handshakes of 2030.5's cipher with a key in an emulated TPM and with one in a file, one of each in turns: both ends
 * are here. Medians, for a pause of the machine is no part of a handshake.
 */
export const tpmHandshake = (): Promise<Figure[]> =>
  temporary(async (folder, resources) => {
    const ca = await CertificateAuthority.create(join(folder, 'ca'));
    const server = await loadOrCreateIdentity(join(folder, 'server'), { ca, serial: 'server', hosts: ['127.0.0.1'] });
    const soft = await loadOrCreateIdentity(join(folder, 'board'), { ca, serial: 'board' });
    const provider = await loadTpmProvider();
    const emulator = resources.use(new Swtpm(join(folder, 'tpm')));
    await emulator.start();
    const keys = resources.use(new TpmKeys(emulator));
    await keys.start();
    const { handle, area, publicKey } = await keys.signingKey('operational');
    if (area.type !== 'ecc') throw new Error('a signing key is on P-256');
    const { x, y } = pointOf(area);
    const inTpm = {
      key: tpmKeyPem(`127.0.0.1:${emulator.port}`, handle, Buffer.concat([Buffer.of(4), x, y])),
      cert: (await ca.issueDevice({ serial: 'board', publicKey, keyIn: 'elsewhere' })).chainPem,
    };
    const tls = serverTls({ key: server.keyPem, cert: server.certificatePem, ca: ca.rootPem });
    const accepting = createServer(tls, (socket) => socket.on('error', () => socket.destroy()).resume());
    accepting.listen(0, '127.0.0.1');
    await once(accepting, 'listening');
    resources.defer(() => void accepting.close());
    const to = { host: '127.0.0.1', port: (accepting.address() as AddressInfo).port };
    // A first connection of a board: its context, keys and certificates read, is made with it.
    const optionsOf = (identity: { key: string; cert: string }): ConnectionOptions => ({
      ...clientTls({ ...identity, ca: ca.rootPem }),
      ...to,
    });
    const [hard, easy] = [optionsOf(inTpm), optionsOf({ key: soft.keyPem, cert: soft.certificatePem })];

    const measured: { tpm: number[]; file: number[] } = { tpm: [], file: [] };
    for (let warmUp = 0; warmUp < resumptions; warmUp++) await handshake(easy);
    for (let pair = 0; pair < pairs; pair++) {
      measured.tpm.push(await handshake(hard));
      measured.file.push(await handshake(easy));
    }
    const first = connect(hard);
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    const { signatures } = provider.statistics();
    const resumed: number[] = [];
    for (let i = 0; i < resumptions; i++) resumed.push(await handshake({ ...hard, session }, true));
    const figures = Object.entries({ 'in a TPM (swtpm)': measured.tpm, 'in a file': measured.file }).map(
      ([where, times]): Figure => ({
        name: `full handshake, key ${where}: median of ${pairs} (95th percentile ${quantile(times, 0.95).toFixed(1)} ms)`,
        value: quantile(times, 0.5),
        unit: 'ms',
      }),
    );
    return [
      ...figures,
      {
        name: 'full handshake, key in a TPM: times one with a key in a file',
        value: quantile(measured.tpm, 0.5) / quantile(measured.file, 0.5),
        unit: '×',
        target: { atMost: 1.3 },
      },
      { name: 'resumed handshake, key in a TPM', value: quantile(resumed, 0.5), unit: 'ms' },
      {
        name: `TPM signatures of ${resumptions} resumed handshakes`,
        value: provider.statistics().signatures - signatures,
        unit: '',
        target: { atMost: 0 },
      },
    ];
  });

/** Enrolment of a campus: its TPMs have been made and flashed; board and head-end share one process here. */
export const enrolment = (): Promise<Figure[]> =>
  temporary(async (folder, resources) => {
    const { factory, list, url, authority, registry } = await openEnrolmentGround(resources, folder);
    const names = Array.from({ length: boards }, (_, i) => `PERF_${String(i).padStart(3, '0')}`);
    const states = join(folder, 'states');
    let started = monotonicMs();
    const made = await factory.make(names.map((name) => join(states, name)));
    const making = (monotonicMs() - started) / 1000;
    for (const [i, { endorsementCertificate }] of made.entries()) {
      const hash = endorsementHash(new X509Certificate(endorsementCertificate).publicKey);
      await list.allow({ endorsementHash: hash, serial: names[i]!, building: names[i]! }, wallSeconds());
    }
    await loadTpmProvider();
    started = monotonicMs();
    const tpms = { folder: states, ca: authority.rootPem };
    const identities = resources.use(new BoardIdentities({ identitiesFolder: join(folder, 'boards'), tpms }));
    await identities.start(names);
    const enrolled = await identities.enrol(url);
    const seconds = (monotonicMs() - started) / 1000;
    if (enrolled !== boards || registry.all().length !== boards) throw new Error(`${enrolled} boards were enrolled`);
    return [
      {
        name: `enrolment of ${boards} boards with swtpm, birth and operational`,
        value: seconds,
        unit: 's',
        target: { atMost: 30 },
      },
      { name: `making ${boards} emulated TPMs with certificates of their maker`, value: making, unit: 's' },
    ];
  });
