import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SwtpmFactory } from '#hal/emulated/swtpm-factory.ts';
import { Swtpm } from '#hal/emulated/swtpm.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { EnrolmentClient } from '#edge/identity/enrolment-client.ts';
import { emulatorAt, type TpmAddress } from '#provisioning/tpm/tpm-address.ts';
import { TpmIdentities } from '#edge/identity/tpm-identities.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import { EnrolmentServer } from '#head-end/enrolment/enrolment-server.ts';
import { EnrolmentService } from '#head-end/enrolment/enrolment-service.ts';
import { FlashList } from '#head-end/enrolment/flash-list.ts';
import { Registry } from '#head-end/registry/devices.ts';
import type { SecurityEntry } from '#head-end/security-log.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { loadOrCreateIdentity } from '#provisioning/identity-files.ts';
import { endorsementHash, trustedMakers } from '#provisioning/tpm/endorsement-certificate.ts';
import { temporaryFolder } from './campus-process.ts';

/** A board's identities, and its TPM for whoever else opens it. */
export interface MadeBoard {
  readonly board: TpmIdentities;
  readonly address: () => TpmAddress;
  readonly emulator: Swtpm;
}

export type Ground = Awaited<ReturnType<typeof openEnrolmentGround>>;

/** One that is gone with the test. */
export function enrolmentGround(t: TestContext): Promise<Ground> {
  const resources = new AsyncDisposableStack();
  t.after(() => resources.disposeAsync());
  return openEnrolmentGround(resources, temporaryFolder(t, 'enrolment'));
}

/**
 * A head-end's enrolment service over HTTPS, with a real database and authority, that trusts the maker of its TPMs; its
 * wall time runs ahead by `ahead.seconds`.
 */
export async function openEnrolmentGround(resources: AsyncDisposableStack, folder: string) {
  const database = resources.use(await startTestDatabase());
  const registry = new Registry(database);
  await registry.start();
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const server = await loadOrCreateIdentity(join(folder, 'head-end'), {
    ca: authority,
    serial: 'head-end',
    hosts: ['127.0.0.1'],
  });
  const factory = new SwtpmFactory(join(folder, 'maker'));
  const list = new FlashList(database.pool);
  const entries: SecurityEntry[] = [];
  const ahead = { seconds: 0 };
  const now = () => UnixSeconds(wallSeconds() + ahead.seconds);
  let boards = 0;
  const makeTpm = async (by = factory): Promise<MadeBoard> => {
    const name = `board-${++boards}`;
    await by.make([join(folder, 'tpms', name)]);
    const emulator = resources.use(new Swtpm(join(folder, 'tpms', name)));
    await emulator.start();
    const address = (): TpmAddress => emulatorAt('127.0.0.1', emulator.port);
    const board = new TpmIdentities(address(), join(folder, 'identities', name));
    resources.use(board);
    await board.start();
    return { board, address, emulator };
  };
  const first = await makeTpm();
  const service = new EnrolmentService({
    list,
    authority,
    makers: trustedMakers(await factory.certificates()),
    register: async ({ serial, ...device }) => {
      await registry.register({ ...device, name: serial, at: now() });
    },
    securityLog: { record: (entry) => Promise.resolve(void entries.push(entry)) },
    now,
  });
  const https = new EnrolmentServer({
    port: 0,
    host: '127.0.0.1',
    tls: { cert: server.certificatePem, key: server.keyPem },
    service,
    log: createLog('test', 'silent'),
  });
  resources.use(https);
  const url = `https://127.0.0.1:${await https.start()}`;
  const client = resources.use(new EnrolmentClient(url, authority.rootPem));
  return {
    folder,
    resources,
    database,
    registry,
    authority,
    list,
    entries,
    ahead,
    factory,
    makeTpm,
    first,
    client,
    url,
    server,
  };
}

/** As the list of flashed boards knows a TPM. */
export const hashOf = async ({ keys }: TpmIdentities): Promise<string> =>
  endorsementHash((await keys.endorsement()).certificate.publicKey);
