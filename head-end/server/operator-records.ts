import type { Pool } from 'pg';
import { GridError } from '#hal/errors.ts';
import { databaseError } from '../database/connect.ts';
import { Turns } from '../database/transaction.ts';
import { type RecordRow, sql } from './resource-sql.ts';

/** Which programs, tariffs, messages and demand response programs a set of devices is to see. */
export interface FunctionSetAssignment {
  readonly description: string;
  /** Ids below /derp. */
  readonly programs: readonly string[];
  /** Ids below /tp. */
  readonly tariffs: readonly string[];
  /** Ids below /msg. */
  readonly messagingPrograms: readonly string[];
  /** Ids below /dr. */
  readonly demandResponsePrograms: readonly string[];
  /** Ids of the registry. */
  readonly devices: readonly number[];
}

/** Where a request for a path, or for anything below it, is to go instead. */
export interface Redirect {
  /** A path of this server. */
  readonly from: string;
  /** A path, or an https address. */
  readonly to: string;
  readonly status: 301 | 302 | 307;
}

export interface SepSettings {
  /** Seconds, by the last constant part of a resource's path: dcap, edev, fsa, derp, der, mup, … */
  readonly pollRate: Readonly<Record<string, number>>;
  /** Seconds between posts that devices are asked for. */
  readonly postRate: number;
  /** Time.quality, IEEE 2030.5-2018: 3 to 7. */
  readonly timeQuality: number;
  /** Whether any certificate of the trusted CA may register itself. */
  readonly inBandRegistration: boolean;
}

/** An authority whose devices are let in beside those of the head-end's own. */
export interface AddedAuthority {
  /** PEM. */
  readonly certificate: string;
}

/** The bodies of the records, by their kind. */
export interface RecordBodies {
  readonly assignment: FunctionSetAssignment;
  readonly redirect: Redirect;
  readonly settings: SepSettings;
  readonly authority: AddedAuthority;
}
export type RecordKind = keyof RecordBodies;

/** A change of a record; undefined before it was there, and after it went. */
export type RecordChange = {
  readonly [K in RecordKind]: {
    readonly kind: K;
    readonly id: string;
    readonly before: RecordBodies[K] | undefined;
    readonly after: RecordBodies[K] | undefined;
  };
}[RecordKind];

const maxRecords = 1_000;

/** What operators say that is no 2030.5 document: in memory for reading, in PostgreSQL for keeping. */
export class OperatorRecords {
  readonly #pool: Pool;
  readonly #turns = new Turns();
  readonly #kinds = new Map<RecordKind, Map<string, unknown>>();
  readonly #listeners = new Set<(change: RecordChange) => void>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async start(): Promise<void> {
    const { rows } = await this.#pool.query<RecordRow>(sql.allRecords);
    for (const { kind, id, body } of rows) this.#of(kind as RecordKind).set(id, body);
  }

  get<K extends RecordKind>(kind: K, id: string): RecordBodies[K] | undefined {
    return this.#of(kind).get(id) as RecordBodies[K] | undefined;
  }

  /** All records of a kind with their ids, by id. */
  all<K extends RecordKind>(kind: K): readonly (readonly [id: string, body: RecordBodies[K]])[] {
    const entries = [...this.#of(kind)] as [string, RecordBodies[K]][];
    return entries.toSorted(([a], [b]) => Number(a) - Number(b) || (a < b ? -1 : 1));
  }

  /** Adds a record under the next number; answers its id. Rejects as `put` does. */
  async add<K extends RecordKind>(kind: K, body: RecordBodies[K]): Promise<string> {
    const id = String(Math.max(0, ...[...this.#of(kind).keys()].map((key) => Number(key) || 0)) + 1);
    await this.put(kind, id, body);
    return id;
  }

  /** Rejects with `GTX-RES-003` when there are too many of the kind. */
  put<K extends RecordKind>(kind: K, id: string, body: RecordBodies[K]): Promise<'created' | 'replaced'> {
    return this.#turns.take(async () => {
      const records = this.#of(kind);
      const before = records.get(id);
      if (before === undefined && records.size >= maxRecords) {
        throw new GridError('GTX-RES-003', `There are ${records.size} records of kind ${kind}, as many as are kept`, {
          hint: 'Remove what is not needed any more.',
          kind: 'input',
        });
      }
      await this.#query(sql.putRecord, [kind, id, JSON.stringify(body)]);
      records.set(id, body);
      this.#announce({ kind, id, before, after: body } as RecordChange);
      return before === undefined ? 'created' : 'replaced';
    });
  }

  remove(kind: RecordKind, id: string): Promise<boolean> {
    return this.#turns.take(async () => {
      const before = this.#of(kind).get(id);
      if (before === undefined) return false;
      await this.#query(sql.removeRecord, [kind, id]);
      this.#of(kind).delete(id);
      this.#announce({ kind, id, before, after: undefined } as RecordChange);
      return true;
    });
  }

  onChange(listener: (change: RecordChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #announce(change: RecordChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #of(kind: RecordKind): Map<string, unknown> {
    const records = this.#kinds.get(kind) ?? new Map<string, unknown>();
    this.#kinds.set(kind, records);
    return records;
  }

  async #query(text: string, values: unknown[]): Promise<void> {
    await this.#pool.query(text, values).catch((error: unknown) => {
      throw databaseError(error);
    });
  }
}
