import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { GridError, reasonOf } from '#hal/errors.ts';
import { wallSeconds } from '#hal/wall.ts';

/** One step of the schema, `NNN-name.sql`. Never changed once it has landed; the next step mends it. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, hex. */
  readonly checksum: string;
}

/** The steps in a folder, in order. */
export function readMigrations(folder = join(import.meta.dirname, 'migrations')): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{3}-[a-z0-9-]+\.sql$/.test(name));
  return names.toSorted().map((file) => {
    const sql = readFileSync(join(folder, file), 'utf8');
    const checksum = createHash('sha256').update(sql).digest('hex');
    return { version: Number(file.slice(0, 3)), name: file.slice(0, -4), sql, checksum };
  });
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/** Any number; two programs that migrate one database at once take turns by it. */
const turn = 64_123;

/**
 * Brings the schema up to date, each step in a transaction of its own. Rejects with `GTX-DB-009` when the data is
 * of a newer release, `GTX-DB-010` when a step was changed after it was applied, `GTX-DB-011` when one fails.
 */
export async function migrate(client: pg.ClientBase, migrations: readonly Migration[]): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [turn]);
  try {
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL)`);
    const { rows } = await client.query<Applied>(
      'SELECT version, name, checksum FROM schema_migrations ORDER BY version',
    );
    const applied = new Map(rows.map((row) => [row.version, row]));
    check(rows, migrations);
    for (const migration of migrations) if (!applied.has(migration.version)) await apply(client, migration);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [turn]);
  }
}

function check(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const { version, name, checksum } of applied) {
    const migration = known.get(version);
    if (migration === undefined) {
      throw new GridError('GTX-DB-009', `The database was written by a newer release (its schema has ${name})`, {
        hint: 'Use that release, or choose another data folder with --data DIR.',
      });
    }
    if (migration.checksum !== checksum) {
      throw new GridError('GTX-DB-010', `The schema step ${name} is not the one that this database was made with`, {
        hint: 'Use the release that made it, or choose another data folder with --data DIR.',
      });
    }
  }
}

async function apply(client: pg.ClientBase, { version, name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(sql);
    await client.query('INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)', [
      version,
      name,
      checksum,
      wallSeconds(),
    ]);
    await client.query('COMMIT');
  } catch (cause) {
    await client.query('ROLLBACK');
    throw new GridError('GTX-DB-011', `The schema step ${name} failed: ${reasonOf(cause)}`, { cause });
  }
}
