import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { delay } from '#hal/wall.ts';
import { EmbeddedPostgres, type EmbeddedPostgresOptions } from './postgres.ts';
import { eraseDatabase } from './postgres-place.ts';

const log = createLog('test', 'fatal');
const isRoot = process.getuid?.() === 0;
const root = join(import.meta.dirname, '../..');

const withCode = (code: string) => (error: unknown) => error instanceof GridError && error.code === code;

/** A head-end's process that holds the database of a folder, with a commit in it. */
async function holder(folder: string): Promise<{ process: ChildProcess; postgres: number }> {
  const program = `
    import { createLog } from '#hal/log.ts';
    import { EmbeddedPostgres } from '#head-end/database/postgres.ts';
    const postgres = new EmbeddedPostgres({ folder: process.argv[1], log: createLog('test', 'fatal') });
    await postgres.start();
    console.log(postgres.pid);`;
  const held = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: held.stdout }), 'line')) as [string];
  return { process: held, postgres: Number(line) };
}

async function kill(held: ChildProcess): Promise<void> {
  held.kill('SIGKILL');
  await once(held, 'exit');
}

/** Alive, and not a zombie that nobody reaps. */
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

async function gone(pid: number): Promise<void> {
  for (let i = 0; isAlive(pid); i++) {
    assert.ok(i < 500, `process ${pid} is still there`);
    await delay(10);
  }
}

suite('the embedded PostgreSQL', { concurrency: false }, () => {
  let parent: string;
  let folder: string;
  const embedded = (options: Partial<EmbeddedPostgresOptions> = {}): EmbeddedPostgres =>
    new EmbeddedPostgres({ folder, log, ...options });

  before(() => {
    parent = mkdtempSync(join(tmpdir(), 'gridtokenx-pg-'));
    chmodSync(parent, 0o711);
    folder = join(parent, 'database');
  });
  after(() => {
    eraseDatabase(folder);
    rmSync(parent, { recursive: true, force: true });
  });

  test('is created at the first start, with every commit on the disk, and listens on no port', async () => {
    const told: string[] = [];
    await using postgres = embedded({ onProgress: (what) => told.push(what) });
    const client = new Client(await postgres.start());
    await client.connect();
    const { rows } = await client.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'listen_addresses', 'ssl') ORDER BY 1`,
    );
    assert.deepEqual(
      rows.map(({ name, setting }) => `${name}=${setting}`),
      ['fsync=on', 'listen_addresses=', 'ssl=off', 'synchronous_commit=on'],
    );
    await client.query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)');
    await client.end();
    assert.deepEqual(told, ['creating the database']);
    assert.equal(statSync(join(folder, 'password')).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'run')).mode & 0o777, 0o700);
  });

  test('goes on with its data at the next start', async () => {
    await using postgres = embedded();
    const client = new Client(await postgres.start());
    await client.connect();
    assert.deepEqual((await client.query('SELECT n FROM kept')).rows, [{ n: 7 }]);
    await client.end();
  });

  test('refuses a connection without the password', async () => {
    await using postgres = embedded();
    const { host, port, user, database } = (await postgres.start()) as Required<
      Awaited<ReturnType<typeof postgres.start>>
    >;
    const client = new Client({ host, port, user, database, password: 'guess' });
    await assert.rejects(client.connect(), /password authentication failed/);
  });

  test('serves one head-end at a time: a second one on the folder is refused', async () => {
    const held = await holder(folder);
    await assert.rejects(embedded().start(), withCode('GTX-DB-005'));
    await kill(held.process);
  });

  test('ends when the head-end is killed, and starts again', async () => {
    const held = await holder(folder);
    await kill(held.process);
    await gone(held.postgres);
    await using postgres = embedded();
    assert.ok((await postgres.start()).host);
  });

  test('starts again while the server of a killed head-end is still ending', async () => {
    const held = await holder(folder);
    await kill(held.process);
    await using postgres = embedded();
    assert.ok((await postgres.start()).host);
  });

  test('takes over from an orphan whose guard was killed too', async () => {
    const held = await holder(folder);
    const guard = parentOf(held.postgres);
    const children = readFileSync(`/proc/${guard}/task/${guard}/children`, 'utf8').trim().split(' ').map(Number);
    for (const pid of [guard, ...children.filter((child) => child !== held.postgres)]) process.kill(pid, 'SIGKILL');
    await kill(held.process);
    assert.ok(isAlive(held.postgres));
    await using postgres = embedded();
    assert.ok((await postgres.start()).host);
    assert.notEqual(postgres.pid, held.postgres);
  });

  test('is not kept from starting by a lock file whose process is another program', async () => {
    writeFileSync(join(folder, 'pg', 'postmaster.pid'), `${process.pid}\n${join(folder, 'pg')}\n0\n5432\n\n\n`);
    await using postgres = embedded();
    assert.ok((await postgres.start()).host);
  });

  test('tells when the server ends unasked', async () => {
    const { promise, resolve } = Promise.withResolvers<GridError>();
    await using postgres = embedded({ onExit: resolve });
    await postgres.start();
    process.kill(postgres.pid as number, 'SIGKILL');
    assert.equal((await promise).code, 'GTX-DB-007');
  });

  test('recovers what was committed after the server was killed', async () => {
    await using postgres = embedded();
    const client = new Client(await postgres.start());
    await client.connect();
    assert.deepEqual((await client.query('SELECT n FROM kept')).rows, [{ n: 7 }]);
    await client.end();
  });

  test('is disposed of twice, or during its start, without harm', async () => {
    const postgres = embedded();
    const starting = postgres.start();
    await Promise.all([postgres[Symbol.asyncDispose](), postgres[Symbol.asyncDispose]()]);
    await starting;
    assert.equal(postgres.pid, undefined);
    await using again = embedded();
    await again.start();
  });

  test('refuses data of another PostgreSQL version', async () => {
    const file = join(folder, 'pg', 'PG_VERSION');
    const version = readFileSync(file, 'utf8');
    writeFileSync(file, '12\n');
    await assert.rejects(embedded().start(), withCode('GTX-DB-004'));
    writeFileSync(file, version);
  });

  test('refuses to go on without its password file', async () => {
    const file = join(folder, 'password');
    const password = readFileSync(file, 'utf8');
    rmSync(file);
    await assert.rejects(embedded().start(), withCode('GTX-DB-012'));
    writeFileSync(file, password, { mode: 0o600 });
  });
});

test('a folder that is not one cannot hold the database', async () => {
  await assert.rejects(new EmbeddedPostgres({ folder: '/dev/null/x', log }).start(), withCode('GTX-DB-002'));
});

test('a database whose path is too long for a socket, below a folder that only its owner may enter, works', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'gridtokenx-pg-'));
  const folder = join(parent, 'x'.repeat(120));
  mkdirSync(folder);
  t.after(() => {
    eraseDatabase(folder);
    rmSync(parent, { recursive: true });
  });
  let socketFolder = '';
  for (const _ of ['first start', 'second start']) {
    await using postgres = new EmbeddedPostgres({ folder, log });
    const client = new Client(await postgres.start());
    socketFolder = client.host;
    assert.ok(Buffer.byteLength(socketFolder) <= 93);
    await client.connect();
    await client.end();
  }
  assert.equal(existsSync(join(folder, 'kept-in')), isRoot);
  if (!isRoot) assert.ok(!existsSync(socketFolder));
});
