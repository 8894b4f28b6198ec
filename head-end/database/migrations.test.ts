import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { PoolClient } from 'pg';
import { selectUnsettled } from '../market/market-sql.ts';
import type { Database } from './database.ts';
import { type Migration, migrate, readMigrations } from './migrations.ts';
import { startTestDatabase } from './test-database.ts';

const step = (version: number, name: string, sql: string): Migration => ({
  version,
  name,
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
});

suite('migrations', { concurrency: false }, () => {
  let database: Database;
  let client: PoolClient;
  const known = readMigrations();
  const tables = async (): Promise<string[]> => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE tablename LIKE 'extra%' ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };

  before(async () => {
    database = await startTestDatabase();
    client = await database.pool.connect();
  });
  after(async () => {
    client.release();
    await database[Symbol.asyncDispose]();
  });

  test('are read in order, each with its checksum', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-sql-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, '002-b.sql'), 'SELECT 2');
    writeFileSync(join(folder, '001-a.sql'), 'SELECT 1');
    writeFileSync(join(folder, 'notes.txt'), '');
    assert.deepEqual(
      readMigrations(folder).map(({ version, name }) => [version, name]),
      [
        [1, '001-a'],
        [2, '002-b'],
      ],
    );
    assert.equal(known[0]?.name, '001-core');
  });

  test('applied before are not applied again', async () => {
    await migrate(client, known);
    const { rows } = await client.query<{ n: number }>('SELECT count(*) AS n FROM schema_migrations');
    assert.equal(rows[0]?.n, known.length);
  });

  test('that find windows of an older program know which of them are settled', async () => {
    const old = await database.pool.connect();
    await old.query('CREATE SCHEMA older; SET search_path TO older');
    await migrate(
      old,
      known.filter(({ version }) => version < 7),
    );
    await old.query(`
      INSERT INTO clearings (zone, window_start, orders, trades, matchable_wh, matched_wh, cleared_at)
      SELECT 'campus', 300 * n, 0, 0, 0, 0, 300 * n FROM generate_series(1, 5) AS n;
      INSERT INTO settlement_batches (zone, window_start, version, state, trades_hash, trades, volume_wh, payment_micro,
        transferred_micro, transfers, stored_at)
      SELECT 'campus', window_start, version, state, decode(repeat('00', 32), 'hex'), 0, 0, 0, 0, 0, 0
      FROM (VALUES (300, 1, 'confirmed'), (600, 1, 'stored'), (600, 2, 'confirmed'), (900, 1, 'failed'),
        (1200, 1, 'empty')) AS batch (window_start, version, state)`);
    await migrate(old, known);
    const { rows } = await old.query<{ window_start: bigint | number | string }>(selectUnsettled, ['campus', 9_000]);
    old.release(true);
    assert.deepEqual(
      rows.map(({ window_start: start }) => Number(start)),
      [600, 900, 1500],
    );
  });

  test('of which one fails leave nothing of that step behind', async () => {
    const failing = step(801, '801-failing', 'CREATE TABLE extra_half (n int); SELECT nonsense');
    await assert.rejects(migrate(client, [...known, failing]), { code: 'GTX-DB-011' });
    assert.deepEqual(await tables(), []);
  });

  test('that two programs apply at once are applied once', async () => {
    const extra = step(801, '801-extra', 'CREATE TABLE extra (n int)');
    const other = await database.pool.connect();
    await Promise.all([migrate(client, [...known, extra]), migrate(other, [...known, extra])]);
    other.release();
    assert.deepEqual(await tables(), ['extra']);
  });

  test('that were changed after they were applied are refused', async () => {
    const changed = step(801, '801-extra', 'CREATE TABLE extra (n bigint)');
    await assert.rejects(migrate(client, [...known, changed]), { code: 'GTX-DB-010' });
  });

  test('of a newer release are refused', async () => {
    await assert.rejects(migrate(client, known), { code: 'GTX-DB-009' });
  });

  test('read 64-bit integers as numbers, and refuse what a number cannot hold', async () => {
    const { rows } = await client.query<{ n: number }>('SELECT 9007199254740991::bigint AS n');
    assert.equal(rows[0]?.n, Number.MAX_SAFE_INTEGER);
    await assert.rejects(client.query('SELECT 9007199254740993::bigint AS n'), RangeError);
  });
});
