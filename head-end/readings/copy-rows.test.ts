import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Database } from '../database/database.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { copyRows } from './copy-rows.ts';
import type { ReadingRow } from './reading-sql.ts';

const row = (channelId: number, value: number): ReadingRow => ({
  channelId,
  periodStart: 1_782_000_000,
  duration: 15,
  value,
});
const stored =
  'SELECT channel_id AS "channelId", period_start AS "periodStart", duration, value FROM readings ORDER BY 1';

suite('rows that are copied', { concurrency: false }, () => {
  let database: Database;
  before(async () => {
    database = await startTestDatabase();
  });
  after(() => database[Symbol.asyncDispose]());

  test('rows are copied with their values, and a COPY that fails leaves its connection in order', async () => {
    const { pool } = database;
    const client = await pool.connect();
    try {
      const extremes = [
        row(1, Number.MIN_SAFE_INTEGER),
        row(2, -1),
        row(3, 0),
        row(0x7fff_ffff, Number.MAX_SAFE_INTEGER),
      ];
      await copyRows(client, extremes);
      assert.deepEqual((await client.query(stored)).rows, extremes);

      // A key that is there: refused with the data.
      await assert.rejects(copyRows(client, [row(4, 1), row(2, 5)]), { code: '23505' });
      // Refused at the statement, with the data behind it.
      await client.query('SET default_transaction_read_only = on');
      await assert.rejects(copyRows(client, [row(4, 1)]), { code: '25006' });
      await client.query('SET default_transaction_read_only = off');
      assert.deepEqual((await client.query(stored)).rows, extremes);

      await copyRows(client, [row(4, 1)]);
      assert.equal((await client.query(stored)).rowCount, 5);
    } finally {
      client.release();
    }
  });

  test('a COPY on a connection that breaks is refused', async () => {
    const { pool } = database;
    const [client, other] = [await pool.connect(), await pool.connect()];
    const { rows: present } = await other.query(stored);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    // The COPY waits for the table until its connection is ended.
    await other.query('BEGIN');
    await other.query('LOCK TABLE readings IN ACCESS EXCLUSIVE MODE');
    const copying = assert.rejects(copyRows(client, [row(9, 1)]));
    await other.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await copying;
    client.release(true);
    await other.query('ROLLBACK');
    assert.deepEqual((await other.query(stored)).rows, present);
    other.release();
  });
});
