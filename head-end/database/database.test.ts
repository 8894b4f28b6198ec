import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { type Database, openDatabase } from './database.ts';
import { startTestDatabase } from './test-database.ts';

const log = createLog('test', 'silent');

suite('a database', { concurrency: false }, () => {
  let database: Database;
  const url = (password: string): string =>
    `postgres://gridtokenx:${password}@${encodeURIComponent(database.connection.host ?? '')}/postgres`;

  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database[Symbol.asyncDispose]());

  test('that is already there is used by its address, with the same schema', async () => {
    await using other = await openDatabase({ url: url(database.connection.password ?? ''), log });
    assert.equal(other.pid, undefined);
    assert.deepEqual((await other.pool.query('SELECT * FROM devices')).rows, []);
  });

  test('that refuses the password is told as such', async () => {
    await assert.rejects(openDatabase({ url: url('guess'), log }), { code: 'GTX-DB-008' });
  });

  test('survives the loss of a connection', async () => {
    const client = await database.pool.connect();
    await assert.rejects(client.query('SELECT pg_terminate_backend(pg_backend_pid())'));
    client.release(true);
    assert.equal((await database.pool.query('SELECT 1 AS n')).rows.length, 1);
  });

  test('is closed although a connection is still in use, twice without harm', async () => {
    const other = await startTestDatabase();
    const client = await other.pool.connect();
    await Promise.all([other[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
    await assert.rejects(client.query('SELECT 1'));
  });
});
