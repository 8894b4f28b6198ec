import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyChain } from '#hal/hash-chain.ts';
import { UnixSeconds } from '#hal/units.ts';
import { delay, monotonicMs } from '#hal/wall.ts';
import { Connection, RefusedError } from '#edge/client/connection.ts';
import { demandedStaple } from '#edge/client/staple.ts';
import { renewed } from '#edge/identity/renewal.ts';
import { nextWindow } from '#edge/trading/agent.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { mridOf } from '#ieee2030_5/identity.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { certificatesOf } from '#provisioning/pem.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { openRenewingHeadEnd, operationalInFiles } from './identities-ground.ts';

const start = UnixSeconds(1_782_000_000);
const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const gridtokenx = (...args: string[]): Promise<Result> =>
  new Promise((resolve) => {
    const flags = ['--disable-warning=ExperimentalWarning', cli, ...args];
    execFile(process.execPath, flags, { encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

suite('identities at a running head-end', { concurrency: false }, () => {
  const resources = new AsyncDisposableStack();
  const cleanups: (() => void)[] = [];
  let folder = '';
  let authority: CertificateAuthority;
  let origin = '';
  let revocations = '';
  const meters = ['M1', 'M2', 'M3', 'M4'] as const;
  const identities = new Map<string, DeviceIdentity>();

  before(async () => {
    folder = temporaryFolder({ after: (cleanup: () => void) => void cleanups.push(cleanup) } as never, 'identities');
    authority = await CertificateAuthority.create(join(folder, 'ca'));
    for (const serial of meters) {
      const days = ['M3', 'M4'].includes(serial) ? 10 : 89;
      identities.set(
        serial,
        await operationalInFiles(authority, { serial, days, folder: join(folder, 'boards', serial) }),
      );
    }
    const database = resources.use(await startTestDatabase());
    const devices = new Map([...identities].map(([meterId, { lfdi }]) => [meterId, lfdi]));
    const opened = await openRenewingHeadEnd(resources, { folder, authority, database, devices });
    const { headEnd } = opened;
    ({ origin, revocations } = opened);
    await headEnd.begin({ start });
  });
  after(async () => {
    await resources.disposeAsync();
    for (const cleanup of cleanups) cleanup();
  });

  /** Whether the certificate may read what only a registered device may. */
  async function isLetIn(connection: Connection): Promise<boolean> {
    try {
      await connection.get('/mup', 'MirrorUsagePointList');
      return true;
    } catch (error) {
      if (error instanceof RefusedError) assert.equal(error.status, 403);
      return false;
    }
  }

  /** Wall milliseconds until a connection that was let in is not any more. */
  async function untilRefused(connection: Connection): Promise<number> {
    const began = monotonicMs();
    while (await isLetIn(connection)) {
      assert.ok(monotonicMs() - began < 20_000, 'it is let in all the same');
      await delay(100);
    }
    return monotonicMs() - began;
  }

  /** Where the device of a connection's certificate stands. */
  async function endDeviceOf(connection: Connection): Promise<string> {
    const { EndDevice: [own] = [] } = await connection.get('/edev', 'EndDeviceList');
    return own?.href ?? '';
  }

  const connect = (identity: DeviceIdentity): Connection => new Connection(origin, identity);

  test('the drill: a device in quarantine is out within 5 s with its orders, and back when it is released', async () => {
    const identity = identities.get('M1')!;
    await using connection = connect(identity);
    const requests = `${await endDeviceOf(connection)}/frq`;
    const window = nextWindow(start);
    const order = async (name: string): Promise<number> => {
      const { status } = await connection.post(requests, 'FlowReservationRequest', {
        mRID: mridOf(name),
        creationTime: BigInt(start),
        energyRequested: { multiplier: 0, value: 1000 },
        intervalRequested: { duration: 300, start: BigInt(window) },
        powerRequested: activePower(12_000),
        RequestStatus: { dateTime: BigInt(start), requestStatus: 0 },
      });
      return status;
    };
    assert.equal(await order('one'), 201);
    const handshakes = connection.handshakes;

    const data = ['--data', join(folder, 'data')];
    const drill = await gridtokenx('quarantine', 'M1', '--reason', 'drill', ...data);
    assert.equal(drill.code, 0, drill.stderr);
    // The command has come back: it is over, not about to be.
    assert.ok((await untilRefused(connection)) < 5000);
    await assert.rejects(order('two'));
    await using again = connect(identity);
    assert.equal(await isLetIn(again), false);

    assert.equal((await gridtokenx('quarantine', 'M1', '--release', ...data)).code, 0);
    assert.ok(await isLetIn(connection));
    assert.ok(connection.handshakes > handshakes, 'its session had ended');
    const list = await connection.get(requests, 'FlowReservationRequestList');
    assert.equal(list.all, 0, 'its order was withdrawn');
    assert.equal(await order('three'), 201);
  });

  test('a revoked certificate is refused within 5 s on the connection that it has, and at the next handshake', async () => {
    const identity = identities.get('M2')!;
    await using connection = connect(identity);
    assert.ok(await isLetIn(connection));
    // As `gridtokenx provision revoke` does, in a program of its own.
    const other = await CertificateAuthority.open(join(folder, 'ca'));
    await other.revoke({ lfdi: identity.lfdi }, 'keyCompromise');
    assert.ok((await untilRefused(connection)) < 5000);
    await using again = connect(identity);
    assert.equal(await isLetIn(again), false);
    const list = await fetch(`${revocations}/crl/issuing.crl`);
    assert.equal(list.headers.get('content-type'), 'application/pkix-crl');
  });

  test('a board renews 10 days before the end, over its old certificate, and the old one is over', async () => {
    const old = identities.get('M3')!;
    await using connection = connect(old);
    assert.ok(await isLetIn(connection));
    const options = { origin, folder: join(folder, 'boards', 'M3') };
    const next = await renewed(old, options);
    assert.notEqual(next.lfdi, old.lfdi);
    await using anew = connect(next);
    assert.match(await endDeviceOf(anew), /^\/edev\/\d+$/);
    assert.ok(await isLetIn(anew));
    assert.ok((await untilRefused(connection)) < 5000);
    await using stale = connect(old);
    assert.equal(await isLetIn(stale), false);
    assert.equal(await readFile(join(options.folder, 'device.pem'), 'utf8'), next.certificatePem);
    assert.equal(await renewed(next, options), next, 'it is not due');
  });

  test('an answer that is lost locks nobody out: the old certificate serves until the new one comes', async () => {
    const old = identities.get('M4')!;
    await using connection = connect(old);
    // The board is cut off before it can write down what it was given.
    await assert.rejects(renewed(old, { origin, folder: '/dev/null/nowhere' }), { code: 'GTX-HAL-020' });
    assert.ok(await isLetIn(connection));
    const issued = (await authority.issuances()).all().filter(({ serial }) => serial === 'M4');
    assert.equal(issued.length, 2);
    const folderOf = join(folder, 'boards', 'M4');
    const next = await renewed(old, { origin, folder: folderOf });
    await using anew = connect(next);
    assert.ok(await isLetIn(anew));
    // It is the one that was lost: a board that asks again and again does not have the authority issue without end.
    assert.equal(next.lfdi, issued[1]!.lfdi);
    assert.equal((await authority.issuances()).all().filter(({ serial }) => serial === 'M4').length, 2);
    identities.set('M4', next);
  });

  test('a certificate that is not due is not renewed', async () => {
    const isDue = (): boolean => true;
    const options = { origin, folder: join(folder, 'boards', 'M1'), isDue };
    await assert.rejects(renewed(identities.get('M1')!, options), { code: 'GTX-REN-002' });
  });

  test('boards take the head-end only while it proves that its own certificate is not revoked', async () => {
    const identity = identities.get('M4')!;
    const demanding = (): Connection => new Connection(origin, identity, { staple: demandedStaple });
    await using first = demanding();
    assert.ok(await isLetIn(first));
    const [own] = certificatesOf(await readFile(join(folder, 'head-end', 'device.pem'), 'utf8'));
    const other = await CertificateAuthority.open(join(folder, 'ca'));
    await other.revoke({ certificate: own!.raw }, 'keyCompromise');
    const began = monotonicMs();
    for (;;) {
      await using next = demanding();
      const reached = await next.get('/mup', 'MirrorUsagePointList').then(
        () => undefined,
        (error: unknown) => String(error),
      );
      if (reached !== undefined) {
        assert.match(reached, /does not prove that its certificate is not revoked/);
        break;
      }
      assert.ok(monotonicMs() - began < 10_000, 'it is taken all the same');
      await delay(100);
    }
  });

  test('everything of it is in the security log, which holds', async () => {
    const log = join(folder, 'data', 'head-end', 'security-log');
    await verifyChain(log, 'security');
    const text = await readFile(join(log, 'security-0000000000.jsonl'), 'utf8');
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; subject?: string });
    const told = (what: string): (string | undefined)[] =>
      entries.filter((entry) => entry.what === what).map(({ subject }) => subject);
    assert.deepEqual(told('quarantine'), ['M1']);
    assert.deepEqual(told('release'), ['M1']);
    assert.deepEqual(told('renewal'), ['M3', 'M4']);
    assert.equal(told('revocation')[0], identities.get('M2')!.lfdi);
  });
});
