import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';
import type { FileStatement } from '../outbox-database.ts';
import type { OutboxFile } from '../outbox-file.ts';
import type { ResourceNode } from './resource-node.ts';

/** A post that waits for its acknowledgement. */
export interface QueuedPost {
  readonly sequence: number;
  /** Absolute URL. */
  readonly href: string;
  /** LFDI of the device that responds. */
  readonly device: string;
  /** mRID of the event. */
  readonly subject: string;
  readonly status: number;
  /** XML. */
  readonly body: string;
}

export interface StoredResource {
  readonly url: string;
  readonly name: RootName;
  readonly parent: string | undefined;
  readonly isFixed: boolean;
  readonly without: string | undefined;
  readonly pages: readonly Uint8Array[];
}

/** Between the pages of a list in one column: no XML document has it. */
const separator = Buffer.from([0]);

/** Under which the LFDI is kept that the rest belongs to. */
const ownName = 'lfdi';

const tables = `
  CREATE TABLE IF NOT EXISTS client_posts (board TEXT, sequence INTEGER, href TEXT, device TEXT, subject TEXT,
    status INTEGER, body TEXT, PRIMARY KEY (board, sequence), UNIQUE (board, device, subject, status)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS client_memory (board TEXT, name TEXT, value TEXT, PRIMARY KEY (board, name))
    STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS client_resources (board TEXT, depth INTEGER, url TEXT, name TEXT, parent TEXT,
    fixed INTEGER, without TEXT, pages BLOB, PRIMARY KEY (board, url)) STRICT, WITHOUT ROWID;`;

/** What the client of this run knows is newer than what the file has. */
const carryOver = `
  INSERT OR REPLACE INTO file.client_memory SELECT * FROM main.client_memory;
  DELETE FROM file.client_resources WHERE board IN (SELECT board FROM main.client_resources);
  INSERT INTO file.client_resources SELECT * FROM main.client_resources;
  INSERT OR IGNORE INTO file.client_posts SELECT board,
    sequence + (SELECT coalesce(max(sequence), 0) FROM file.client_posts), href, device, subject, status, body
    FROM main.client_posts;`;

/**
 * What one board's 2030.5 client keeps in the outbox's file: posts that wait, what it remembers of events, and the
 * resources as it saw them last, so that a board that starts without its server knows its programs.
 */
export class ClientFile {
  readonly #file: OutboxFile;
  readonly #board: string;
  readonly #statements: Readonly<
    Record<
      | 'post'
      | 'done'
      | 'next'
      | 'count'
      | 'readdress'
      | 'keep'
      | 'forget'
      | 'kept'
      | 'put'
      | 'remove'
      | 'all'
      | 'rewrite',
      FileStatement
    >
  >;

  constructor(file: OutboxFile, board: string) {
    this.#file = file;
    this.#board = board;
    file.define(tables, carryOver);
    this.#statements = {
      post: file.prepare(
        `INSERT OR IGNORE INTO client_posts SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4, ?5, ?6
          FROM client_posts WHERE board = ?1`,
      ),
      done: file.prepare('DELETE FROM client_posts WHERE board = ? AND sequence <= ?'),
      next: file.prepare('SELECT * FROM client_posts WHERE board = ? ORDER BY sequence LIMIT 1'),
      count: file.prepare('SELECT count(*) AS n FROM client_posts WHERE board = ?'),
      readdress: file.prepare(
        'UPDATE OR REPLACE client_posts SET device = ?, body = replace(body, ?, ?) WHERE board = ? AND device = ?',
      ),
      keep: file.prepare('INSERT OR REPLACE INTO client_memory VALUES (?, ?, ?)'),
      forget: file.prepare('DELETE FROM client_memory WHERE board = ? AND name = ?'),
      kept: file.prepare('SELECT name, value FROM client_memory WHERE board = ?'),
      put: file.prepare('INSERT OR REPLACE INTO client_resources VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
      remove: file.prepare('DELETE FROM client_resources WHERE board = ? AND url = ?'),
      all: file.prepare('SELECT * FROM client_resources WHERE board = ? ORDER BY depth, url'),
      rewrite: file.prepare('UPDATE client_resources SET pages = ? WHERE board = ? AND url = ?'),
    };
  }

  /** Whether the file is there. One that comes later may have posts of an earlier run. */
  get isOpen(): boolean {
    return this.#file.isOpen;
  }

  get waitingPosts(): number {
    return Number(this.#statements.count.get(this.#board)?.['n']);
  }

  /** The post to send next. */
  nextPost(): QueuedPost | undefined {
    const row = this.#statements.next.get(this.#board);
    if (row === undefined) return undefined;
    return {
      sequence: Number(row['sequence']),
      href: String(row['href']),
      device: String(row['device']),
      subject: String(row['subject']),
      status: Number(row['status']),
      body: String(row['body']),
    };
  }

  /** The post was answered, as were all before it. Resolves when that is committed. */
  finishPost({ sequence }: QueuedPost): Promise<void> {
    return this.#file.transact(() => this.#statements.done.run(this.#board, sequence));
  }

  /** Under which it went last; `undefined` for a board that never had an identity. */
  get lfdi(): Lfdi | undefined {
    return this.memory().get(ownName) as Lfdi | undefined;
  }

  /** What was kept under each name. */
  memory(): ReadonlyMap<string, string> {
    return new Map(this.#statements.kept.all(this.#board).map((row) => [String(row['name']), String(row['value'])]));
  }

  /**
   * Keeps values by name (`undefined` forgets one) and queues posts, all or nothing; resolves when it is committed.
   * A post that waits already is not queued twice.
   */
  remember(
    values: ReadonlyMap<string, string | undefined>,
    posts: readonly Omit<QueuedPost, 'sequence'>[],
  ): Promise<void> {
    return this.#file.transact(() => {
      for (const [name, value] of values) {
        if (value === undefined) this.#statements.forget.run(this.#board, name);
        else this.#statements.keep.run(this.#board, name, value);
      }
      for (const { href, device, subject, status, body } of posts) {
        this.#statements.post.run(this.#board, href, device, subject, status, body);
      }
    });
  }

  /**
   * Says under which LFDI the client goes. Where that is another than before, the certificate was renewed: what is
   * remembered, what waits and what the server showed of the device are the new one's then, all or nothing. Throws
   * `GTX-OUT-002`.
   */
  belongTo(lfdi: Lfdi): void {
    const memory = this.memory();
    const before = memory.get(ownName);
    if (before === lfdi) return;
    this.#file.transactNow(() => {
      if (before !== undefined) this.#rename(memory, before, lfdi);
      this.#statements.keep.run(this.#board, ownName, lfdi);
    });
  }

  /** Parents first. */
  resources(): StoredResource[] {
    return this.#statements.all.all(this.#board).map((row) => ({
      url: String(row['url']),
      name: String(row['name']) as RootName,
      parent: row['parent'] === null ? undefined : String(row['parent']),
      isFixed: row['fixed'] === 1,
      without: row['without'] === null ? undefined : String(row['without']),
      pages: pagesOf(row['pages'] as Uint8Array),
    }));
  }

  /** Keeps what a walk found changed. */
  keepResources(changed: readonly ResourceNode[], removed: readonly ResourceNode[]): Promise<void> {
    const rows = changed.map((node) => ({ node, blob: blobOf(node.pages) }));
    return this.#file.transact(() => {
      for (const { url } of removed) this.#statements.remove.run(this.#board, url);
      for (const { node, blob } of rows) {
        const { url, name, parent, depth, isFixed, without } = node;
        if (node.document === undefined) this.#statements.remove.run(this.#board, url);
        else {
          const above = parent?.url ?? null;
          this.#statements.put.run(this.#board, depth, url, name, above, isFixed ? 1 : 0, without ?? null, blob);
        }
      }
    });
  }

  #rename(memory: ReadonlyMap<string, string>, before: string, lfdi: Lfdi): void {
    const { readdress, forget, keep, all, rewrite } = this.#statements;
    readdress.run(lfdi, before, lfdi, this.#board, before);
    for (const [name, value] of memory) {
      const renamed = name.replace(before, lfdi);
      if (renamed === name) continue;
      forget.run(this.#board, name);
      // What a full disk has left behind is older.
      if (!memory.has(renamed)) keep.run(this.#board, renamed, value);
    }
    for (const { url, pages } of all.all(this.#board)) {
      // Octets are kept as they are; servers write the digits of an LFDI in either case.
      const text = Buffer.from(pages as Uint8Array).toString('latin1');
      const rewritten = text.replace(new RegExp(before, 'gi'), lfdi);
      if (rewritten !== text) rewrite.run(Buffer.from(rewritten, 'latin1'), this.#board, String(url));
    }
  }
}

const blobOf = (pages: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(pages.flatMap((page, i) => (i === 0 ? [page] : [separator, page])));

function pagesOf(blob: Uint8Array): Uint8Array[] {
  const pages: Uint8Array[] = [];
  let from = 0;
  for (let to = blob.indexOf(0); to >= 0; to = blob.indexOf(0, from)) {
    pages.push(blob.subarray(from, to));
    from = to + 1;
  }
  pages.push(blob.subarray(from));
  return pages;
}
