import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { type Board, postSeconds } from '#edge/board.ts';
import { Connection } from '#edge/client/connection.ts';
import { CertificateWatch } from '#edge/identity/certificate-watch.ts';
import { type IdentityStore, identityInFiles, identityInTpm } from '#edge/identity/identity-store.ts';
import type { Database } from '#head-end/database/database.ts';
import { startTestDatabase } from '#head-end/database/test-database.ts';
import type { HeadEnd } from '#head-end/head-end.ts';
import { CertificateAuthority } from '#provisioning/ca.ts';
import { writeIdentity } from '#provisioning/identity-files.ts';
import { isTpmKeyPem, loadTpmProvider } from '#provisioning/tpm/provider/provider.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { boardFile, emulatedBoard } from '../campus/one-board.ts';
import { enrolmentGround, hashOf } from '../campus/tpm-ground.ts';
import { debianPackage } from '../debian-packages.ts';
import { issuedLongAgo, openRenewingHeadEnd, operationalInFiles } from './identities-ground.ts';

const start = UnixSeconds(1_782_000_000);
const file = boardFile('dorm-001');
const { meterId } = file;

interface Stand {
  readonly resources: AsyncDisposableStack;
  readonly folder: string;
  readonly authority: CertificateAuthority;
  readonly database: Database;
  readonly store: IdentityStore;
}

interface Running extends Stand {
  readonly board: Board;
  readonly origin: string;
  /** The ends of the periods that were posted, in order, seconds from the start. */
  readonly posted: number[];
  readonly runTo: (seconds: number) => Promise<void>;
  readonly watch: () => void;
}

/** A board in its emulated building at a real head-end; nobody watches its certificate yet. */
async function running(stand: Stand): Promise<Running> {
  const { resources, folder, store } = stand;
  const identity = await store.load();
  const { headEnd, origin } = await openRenewingHeadEnd(resources, {
    ...stand,
    devices: new Map([[meterId, identity.lfdi]]),
  });
  const clock = new VirtualClock(start);
  const serverUrl = `${origin}/dcap`;
  const board = await emulatedBoard(resources, { file, clock, serverUrl, identity, folder });
  const posted: number[] = [];
  const post = board.connection.post.bind(board.connection);
  board.connection.post = async (href, name, document) => {
    const result = await post(href, name, document);
    const { MirrorMeterReading: [reading] = [] } = document as { MirrorMeterReading?: readonly PostedReading[] };
    const period = name === 'MirrorMeterReadingList' ? reading?.Reading?.timePeriod : undefined;
    if (period !== undefined) posted.push(Number(period.start) + period.duration - start);
    return result;
  };
  const next = await headEnd.begin({ start });
  await board.start();
  const watch = (): void => {
    const log = createLog('test', 'silent');
    resources.use(new CertificateWatch({ board, store, clock, log })).start();
  };
  return { ...stand, board, origin, posted, runTo: together(headEnd, next, clock), watch };
}

interface PostedReading {
  readonly Reading?: { readonly timePeriod?: { readonly start: bigint; readonly duration: number } };
}

/** Both go on to a time, nobody ahead of the other. */
function together(
  headEnd: HeadEnd,
  begun: Awaited<ReturnType<HeadEnd['begin']>>,
  clock: VirtualClock,
): Running['runTo'] {
  const boards = {
    name: 'the board',
    runUntil: async (bound: Parameters<VirtualClock['runUntil']>[0]) => {
      await clock.runUntil(bound);
      return clock.next();
    },
  };
  const participant = { name: 'the head-end', runUntil: headEnd.runUntil.bind(headEnd) };
  let next = begun;
  return async (seconds) => {
    const parts = [
      { participant: boards, next: clock.next() },
      { participant, next },
    ];
    const leader = new LockstepLeader(parts, { start: clock.now(), end: UnixSeconds(start + seconds), speed: 'max' });
    await leader.run(AbortSignal.timeout(60_000));
    const end = { time: start + seconds + 1, phase: 0 };
    await boards.runUntil(end);
    next = await participant.runUntil(end);
  };
}

const deviceOf = async ({ pool }: Database): Promise<{ id: number; lfdi: string; identities: number }> => {
  const { rows } = await pool.query<{ id: number; lfdi: Buffer; identities: string }>(
    `SELECT d.id, l.lfdi, (SELECT count(*) FROM device_lfdis a WHERE a.device_id = d.id) AS identities
     FROM devices d JOIN device_lfdis l ON l.device_id = d.id AND l.retired_at IS NULL WHERE d.meter_id = $1`,
    [meterId],
  );
  assert.equal(rows.length, 1);
  const [{ id, lfdi, identities }] = rows as [(typeof rows)[0]];
  return { id, lfdi: lfdi.toString('hex').toUpperCase(), identities: Number(identities) };
};

/** The board renews while it posts, and nobody but its certificate changes. */
async function renewsWhileItRuns({
  board,
  posted,
  runTo,
  watch,
  origin,
  database,
  store,
  folder,
}: Running): Promise<void> {
  await runTo(100);
  const [old, before] = [await store.load(), await deviceOf(database)];
  assert.equal(before.lfdi, old.lfdi);
  assert.equal(board.connection.handshakes, 1);
  watch();
  await runTo(400);
  const next = await store.load();
  assert.notEqual(next.lfdi, old.lfdi);
  assert.equal(board.identity.lfdi, next.lfdi);
  assert.deepEqual(await deviceOf(database), { id: before.id, lfdi: next.lfdi, identities: before.identities + 1 });
  assert.equal(board.connection.handshakes, 2);
  const ends = Array.from({ length: Math.floor(400 / postSeconds) + 1 }, (_, n) => n * postSeconds);
  assert.deepEqual(posted, ends, 'each period once and in order');
  const { queued, acknowledged } = board.outbox.totals;
  assert.deepEqual([board.outbox.size, acknowledged], [0, queued]);
  const { rows } = await database.pool.query<{ n: string }>(
    'SELECT count(DISTINCT (period_start, duration)) AS n FROM readings',
  );
  assert.equal(Number(rows[0]?.n), ends.length);
  assert.equal(board.utility.registration(), 'registered');
  assert.equal(board.utility.lastError, undefined);
  assert.deepEqual(board.health.find(({ part }) => part === 'head-end')?.isWell, true);
  // What it has seen stapled it demands from then on.
  using remembered = new DatabaseSync(join(folder, 'outbox.db'), { readOnly: true });
  assert.deepEqual(
    remembered
      .prepare("SELECT value FROM client_memory WHERE name = 'staple'")
      .all()
      .map(({ value }) => value),
    [origin],
  );
  await using stale = new Connection(origin, old);
  await assert.rejects(stale.get('/dcap', 'DeviceCapability'), { code: 'GTX-SEP-001' });
}

async function withKeyInFiles(t: TestContext): Promise<Stand> {
  const resources = new AsyncDisposableStack();
  t.after(() => resources.disposeAsync());
  const folder = temporaryFolder(t, 'running');
  const authority = await CertificateAuthority.create(join(folder, 'ca'));
  const identity = join(folder, 'boards', meterId);
  await operationalInFiles(authority, { serial: meterId, days: 10, folder: identity });
  return {
    resources,
    folder,
    authority,
    database: resources.use(await startTestDatabase()),
    store: identityInFiles(identity),
  };
}

test('a running board renews its certificate, and loses and repeats no post', async (t) => {
  await renewsWhileItRuns(await running(await withKeyInFiles(t)));
});

test('a renewal that fails leaves the old certificate in use, and no post waits for it', async (t) => {
  const stand = await withKeyInFiles(t);
  let asked = 0;
  const store: IdentityStore = {
    load: () => stand.store.load(),
    renew: async () => {
      asked++;
      await stand.store.renew('https://127.0.0.1:1');
    },
  };
  const { board, posted, runTo, watch } = await running({ ...stand, store });
  const { lfdi } = board.identity;
  watch();
  await runTo(200);
  assert.equal(asked, 1);
  assert.equal(board.identity.lfdi, lfdi);
  assert.equal(board.connection.handshakes, 1);
  assert.equal(posted.length, Math.floor(200 / postSeconds) + 1);
});

test('a board that does not hear the end of its renewal goes over to what lies on its disk', async (t) => {
  const stand = await withKeyInFiles(t);
  const store: IdentityStore = {
    load: () => stand.store.load(),
    renew: async (origin) => {
      await stand.store.renew(origin);
      throw new GridError('GTX-RNW-001', 'the answer was lost');
    },
  };
  await renewsWhileItRuns(await running({ ...stand, store }));
});

test('a running board whose key is in its TPM renews with it', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools') || !debianPackage(t, 'gcc')) return;
  const ground = await enrolmentGround(t);
  const { first, list, client, authority } = ground;
  await list.allow({ endorsementHash: await hashOf(first.board), serial: meterId, building: meterId }, wallSeconds());
  await first.board.enrol(client, { serial: meterId, building: meterId }, authority.rootPem);
  const { publicKey } = await first.board.keys.signingKey('operational');
  const issued = await issuedLongAgo(authority, { serial: meterId, publicKey, days: 10, keyIn: 'tpm' });
  await writeIdentity(first.board.folderOf('operational'), { issued, caPem: authority.rootPem });
  const stand = await running({ ...ground, store: identityInTpm(first.board) });
  const { signatures } = (await loadTpmProvider()).statistics();
  await renewsWhileItRuns(stand);
  assert.ok(isTpmKeyPem(stand.board.identity.keyPem));
  // Two links of the renewal, two handshakes of the board, and the one that is refused in the end.
  assert.equal((await loadTpmProvider()).statistics().signatures - signatures, 5);
});
