import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { SiteState } from '#drivers/site/site.ts';

/** Its name in the data folder of boards. */
export const fieldFile = 'field.db';

/**
 * Where the emulated buildings stand: their registers and stores must outlive the process, as real ones do. All
 * are written in one transaction, so that after `kill -9` they are of one instant.
 */
export class FieldStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;

  constructor(file: string) {
    try {
      this.#database = new DatabaseSync(file);
      this.#database.exec(`
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS site (meter_id TEXT PRIMARY KEY, state TEXT) STRICT, WITHOUT ROWID;`);
    } catch (error) {
      const hint = 'Check that the folder is writable and that the disk has space left.';
      throw new GridError('GTX-FLT-001', `Cannot open ${file}: ${reasonOf(error)}`, { hint, cause: error });
    }
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO site (meter_id, state) VALUES (?, ?)');
  }

  /** The buildings that are kept here. */
  meterIds(): readonly string[] {
    return this.#database
      .prepare('SELECT meter_id FROM site')
      .all()
      .map((row) => String(row['meter_id']));
  }

  load(meterId: string): SiteState | undefined {
    const row = this.#database.prepare('SELECT state FROM site WHERE meter_id = ?').get(meterId);
    return row === undefined ? undefined : (JSON.parse(String(row['state'])) as SiteState);
  }

  save(states: Iterable<readonly [meterId: string, state: SiteState]>): void {
    this.#database.exec('BEGIN');
    try {
      for (const [meterId, state] of states) this.#put.run(meterId, JSON.stringify(state));
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const hint = 'Check that the disk has space left.';
      throw new GridError('GTX-FLT-002', `Cannot keep the emulated sites: ${reasonOf(error)}`, { hint, cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
