import { closeSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sumOf } from './outbox-sum.ts';

/** A file that could not be used on, and what of it could. */
export interface Repair {
  /** Where the damaged file is now; the one before it is overwritten, so that they do not fill the disk. */
  readonly aside: string;
  /** Postings and boards that were whole, and are in the new file. */
  readonly postings: number;
  readonly boards: number;
}

/** SQLite's primary result codes, as node:sqlite tells them (`errcode`). */
const [corrupt, noDatabase] = [11, 26];

/** SQLite says that the file is damaged, rather than that it is full, locked or out of reach. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && [corrupt, noDatabase].includes(Number(error.errcode) & 0xff);

/** The parts of an SQLite database on the disk. */
const parts = ['', '-wal', '-shm'];

/**
 * Opens the file and makes its tables. A damaged one is set aside and replaced by a new one with every row in it that
 * can be read and has the checksum that it was written with: a worn card must not keep a board from working.
 * @throws what node:sqlite does where the file cannot be opened for another reason
 */
export function openWhole(file: string, tables: string): { readonly database: DatabaseSync; readonly repair?: Repair } {
  try {
    return { database: open(file, tables) };
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const aside = `${file}.damaged`;
  for (const part of parts) rmSync(aside + part, { force: true });
  for (const part of parts) renameIfThere(file + part, aside + part);
  const database = open(file, tables);
  return { database, repair: { aside, ...takeOver(aside, database) } };
}

function open(file: string, tables: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; ${tables}`,
    );
    // To one of a version to come SQLite does not write (SQLite file format, §1.3.3): nobody else made it so.
    if (headerByte(file, 18) > 2) throw damage('its write version is not known');
    const [found] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (found !== 'ok') throw damage(String(found));
    for (const { table, columns } of kept) checkColumns(database, table, columns);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const damage = (text: string): Error => Object.assign(new Error(text), { errcode: corrupt });

/** The tables are kept as text, which a card may change like everything else. */
function checkColumns(database: DatabaseSync, table: string, columns: string): void {
  const there = database
    .prepare(`PRAGMA table_info(${table})`)
    .all()
    .map(({ name }) => String(name));
  const names = columns.replaceAll('"', '').split(', ');
  // A file of a version that had no checksums.
  if (there.join(', ') === names.slice(0, -1).join(', ') && names.at(-1) === 'sum') {
    database.exec(`ALTER TABLE ${table} ADD COLUMN sum INTEGER`);
  } else if (there.join(', ') !== names.join(', ')) throw damage(`table ${table} has columns ${there.join(', ')}`);
}

function headerByte(file: string, at: number): number {
  const byte = Buffer.alloc(1);
  const header = openSync(file, 'r');
  try {
    readSync(header, byte, 0, 1, at);
  } finally {
    closeSync(header);
  }
  return byte[0]!;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

type Cells = readonly unknown[];

/** What is kept of the damaged file: its columns, their types, and whether a row is what was written. */
interface KeptTable {
  readonly table: string;
  readonly columns: string;
  readonly key: string;
  readonly types: readonly ('string' | 'number')[];
  readonly hasSum: boolean;
}

const kept: readonly KeptTable[] = [
  {
    table: 'outbox',
    columns: 'board, sequence, start, duration, "values", sum',
    key: 'board, sequence',
    types: ['string', 'number', 'number', 'number', 'string', 'number'],
    hasSum: true,
  },
  // Gaps have no checksum: a wrong one misleads a reader, and no reading.
  {
    table: 'gap',
    columns: 'id, board, start, end, why',
    key: 'id',
    types: ['number', 'string', 'number', 'number', 'string'],
    hasSum: false,
  },
  { table: 'state', columns: 'board, value, sum', key: 'board', types: ['string', 'string', 'number'], hasSum: true },
];

function isWhole(cells: Cells, { types, hasSum }: KeptTable): cells is readonly (string | number)[] {
  if (cells.length !== types.length || !types.every((type, i) => typeof cells[i] === type)) return false;
  const written = cells as readonly (string | number)[];
  return !hasSum || written.at(-1) === sumOf(...written.slice(0, -1));
}

function takeOver(aside: string, database: DatabaseSync): { postings: number; boards: number } {
  const [postings = 0, , boards = 0] = kept.map((keptTable) => {
    const { table, columns, key } = keptTable;
    const marks = columns.replaceAll(/[^,]+/g, '?');
    const insert = database.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${marks})`);
    database.exec('BEGIN');
    // A bad page ends a pass: what is beyond it is come to from the other end.
    for (const order of ['ASC', 'DESC']) {
      const by = key.replaceAll(/\w+/g, `$& ${order}`);
      for (const cells of readable(aside, `SELECT ${columns} FROM ${table} ORDER BY ${by}`)) {
        if (isWhole(cells, keptTable)) insert.run(...cells);
      }
    }
    database.exec('COMMIT');
    return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
  });
  return { postings, boards };
}

/** The rows up to the first that the damage makes unreadable. */
function* readable(file: string, sql: string): Generator<Cells> {
  try {
    using database = new DatabaseSync(file);
    for (const row of database.prepare(sql).iterate()) yield Object.values(row);
  } catch (error) {
    if (!isDamage(error) && !isSchemaLost(error)) throw error;
  }
}

/** The table itself was on the damaged pages. */
const isSchemaLost = (error: unknown): boolean =>
  error instanceof Error && /^no such (table|column)/.test(error.message);
