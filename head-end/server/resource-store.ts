import type { Pool, PoolClient } from 'pg';
import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { parseDocument } from '#ieee2030_5/parse.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { SharedCommits } from '../database/shared-commits.ts';
import { withComputedMembers } from './computed-members.ts';
import { listRule } from './list-rules.ts';
import { type ResourceRow, sql } from './resource-sql.ts';

/** A document that an operator or a device put here. */
export interface StoredResource<N extends RootName = RootName> {
  readonly href: string;
  /** The href of its list; undefined for a resource that stands alone. */
  readonly list: string | undefined;
  readonly name: N;
  /** Without href and links: these are added when it is served. */
  readonly document: Roots[N];
  /** The id of the one device that may see it, where its path does not say so. */
  readonly owner: number | undefined;
  readonly changedAt: UnixSeconds;
}

export interface ResourceChange {
  readonly href: string;
  readonly list: string | undefined;
  readonly kind: 'added' | 'changed' | 'removed';
  /** What was stored there until now. */
  readonly before?: StoredResource | undefined;
}

export interface ResourceStoreOptions {
  readonly pool: Pool;
  readonly now: () => UnixSeconds;
}

/** Bytes of one document's XML. */
const maxDocumentBytes = 16_384;

interface List {
  readonly items: Map<string, StoredResource>;
  /** In the standard's order; made when it is asked for. */
  sorted: readonly StoredResource[] | undefined;
}

/**
 * Every resource that is put here and not computed: in memory for reading, in PostgreSQL for keeping. Changes go on in
 * the order in which they came, and each is answered and told after its commit.
 */
export class ResourceStore {
  readonly #pool: Pool;
  readonly #now: () => UnixSeconds;
  readonly #commits: SharedCommits<Kept, Kept>;
  readonly #resources = new Map<string, StoredResource>();
  readonly #lists = new Map<string, List>();
  readonly #listeners = new Set<(change: ResourceChange) => void>();
  #version = 0;

  constructor({ pool, now }: ResourceStoreOptions) {
    this.#pool = pool;
    this.#now = now;
    this.#commits = new SharedCommits(pool, storeAll);
  }

  /** Loads everything. */
  async start(): Promise<void> {
    const { rows } = await this.#pool.query<ResourceRow>(sql.allResources);
    // As they came: an id is not given twice.
    for (const row of rows.toSorted((a, b) => idOf(a.href) - idOf(b.href))) this.#remember(resourceOf(row));
  }

  /** Rises with every change, so that what is made from resources knows when to be made anew. */
  get version(): number {
    return this.#version;
  }

  get(href: string): StoredResource | undefined {
    return this.#resources.get(href);
  }

  /** The document at `href`, if it is there and of that name. */
  document<N extends RootName>(href: string, name: N): Roots[N] | undefined {
    const found = this.#resources.get(href);
    return found?.name === name ? (found.document as Roots[N]) : undefined;
  }

  /** The lists that have items. */
  lists(): readonly string[] {
    return [...this.#lists.keys()];
  }

  /** The items of a list, in the standard's order. */
  items(listHref: string): readonly StoredResource[] {
    const list = this.#lists.get(listHref);
    if (list === undefined) return [];
    list.sorted ??= sortedItems(list.items);
    return list.sorted;
  }

  /** The items of a list in the order in which they came. */
  asTheyCame(listHref: string): readonly StoredResource[] {
    return [...(this.#lists.get(listHref)?.items.values() ?? [])];
  }

  /**
   * Adds an item to a list, with an id of its own. Rejects with `GTX-RES-001` when the list is full (some lists drop
   * their oldest item instead), `GTX-RES-002` when the document is too large, and `GTX-XML-03…` when it cannot be one.
   */
  async add<N extends RootName>(
    list: string,
    name: N,
    given: Roots[N],
    { owner }: { readonly owner?: number } = {},
  ): Promise<StoredResource<N>> {
    const document = withComputedMembers(name, given);
    const text = textOf(name, document);
    return this.#commits.take(list, async (client) => {
      const { limit, beyond } = listRule(name);
      const present = this.#lists.get(list)?.items;
      const full = (present?.size ?? 0) >= limit;
      if (full && beyond === 'refuse') throw tooMany(list, limit);
      const [oldest] = full ? (present?.keys() ?? []) : [];
      const { rows } = await client.query<{ last_id: number }>(sql.nextId, [list]);
      const href = `${list}/${rows[0]?.last_id}`;
      const added: StoredResource<N> = { href, list, name, document, owner, changedAt: this.#now() };
      if (oldest !== undefined) await client.query(sql.removeResource, [oldest]);
      const answer = (): StoredResource<N> => {
        const dropped = oldest === undefined ? undefined : this.#resources.get(oldest);
        if (dropped !== undefined) this.#forget(dropped.href);
        this.#remember(added);
        if (dropped !== undefined) this.announce({ href: dropped.href, list, kind: 'removed', before: dropped });
        this.announce({ href: added.href, list, kind: 'added' });
        return added;
      };
      return { row: { resource: added, text }, answer };
    });
  }

  /**
   * Puts a document in the place of the one at `href`, or where there was none. An item of a list comes in by `add`;
   * a resource that stands alone comes in here. Rejects as `add` does.
   */
  async put<N extends RootName>(href: string, name: N, given: Roots[N]): Promise<'created' | 'replaced'> {
    const document = withComputedMembers(name, given);
    const text = textOf(name, document);
    const scope = this.#resources.get(href)?.list ?? href;
    return this.#commits.keep(scope, () => {
      const present = this.#resources.get(href);
      const { list, owner } = present ?? { list: undefined, owner: undefined };
      const resource = { href, list, name, document, owner, changedAt: this.#now() };
      const answer = (): 'created' | 'replaced' => {
        this.#remember(resource);
        this.announce({ href, list, kind: present === undefined ? 'added' : 'changed', before: present });
        return present === undefined ? 'created' : 'replaced';
      };
      return { row: { resource, text }, answer };
    });
  }

  /** Removes what is at `href` and everything below it; answers whether there was anything. */
  remove(href: string): Promise<boolean> {
    // What is below may be changed by anything else that shares the commit.
    return this.#commits.take(undefined, async (client) => {
      const below = [...this.#resources.values()].filter((item) => item.href === href || isBelow(item.href, href));
      if (below.length === 0) return { answer: () => false };
      await client.query(sql.removeResource, [href]);
      await client.query(sql.removeLists, [href]);
      const answer = (): boolean => {
        for (const item of below) this.#forget(item.href);
        for (const item of below) this.announce({ href: item.href, list: item.list, kind: 'removed', before: item });
        return true;
      };
      return { answer };
    });
  }

  /** Called after every change, with the memory as it is then. */
  onChange(listener: (change: ResourceChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Tells of a change, also of one in what is computed from elsewhere: an event that begins, a device that comes. */
  announce(change: ResourceChange): void {
    this.#version++;
    for (const listener of this.#listeners) listener(change);
  }

  #remember(resource: StoredResource): void {
    this.#resources.set(resource.href, resource);
    if (resource.list === undefined) return;
    const list = this.#lists.get(resource.list) ?? { items: new Map<string, StoredResource>(), sorted: undefined };
    this.#lists.set(resource.list, list);
    list.items.set(resource.href, resource);
    list.sorted = undefined;
  }

  #forget(href: string): void {
    const list = this.#resources.get(href)?.list;
    this.#resources.delete(href);
    const items = list === undefined ? undefined : this.#lists.get(list);
    if (list === undefined || items === undefined) return;
    items.items.delete(href);
    items.sorted = undefined;
    if (items.items.size === 0) this.#lists.delete(list);
  }
}

const isBelow = (href: string, parent: string): boolean =>
  href.length > parent.length && href.startsWith(parent) && href.charCodeAt(parent.length) === 47;

const idOf = (href: string): number => Number(href.slice(href.lastIndexOf('/') + 1)) || 0;

function sortedItems(items: ReadonlyMap<string, StoredResource>): readonly StoredResource[] {
  const all = [...items.values()];
  const order = all[0] === undefined ? undefined : listRule(all[0].name).order;
  if (order === undefined) return all;
  return all.toSorted((a, b) => order(a.document as never, b.document as never));
}

/** A resource as it is kept: with its document as XML. */
interface Kept {
  readonly resource: StoredResource;
  readonly text: string;
}

async function storeAll(client: PoolClient, kept: readonly Kept[]): Promise<readonly Kept[]> {
  const resources = kept.map(({ resource }) => resource);
  await client.query(sql.putResources, [
    resources.map(({ href }) => href),
    resources.map(({ list }) => list ?? null),
    resources.map(({ name }) => name),
    kept.map(({ text }) => text),
    resources.map(({ owner }) => owner ?? null),
    resources.map(({ changedAt }) => changedAt),
  ]);
  return kept;
}

/** The document as XML, which keeps bytes and 64-bit integers. */
function textOf<N extends RootName>(name: N, document: Roots[N]): string {
  const text = writeDocument(name, document);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxDocumentBytes) return text;
  throw new GridError('GTX-RES-002', `The ${name} has ${bytes} bytes, at most ${maxDocumentBytes} are kept`, {
    hint: 'Shorten its texts and URIs.',
    kind: 'input',
  });
}

const tooMany = (list: string, limit: number): GridError =>
  new GridError('GTX-RES-001', `${list} already has ${limit} items, as many as are kept`, {
    hint: 'Remove what is not needed any more.',
    kind: 'input',
  });

function resourceOf({ href, list, name, document, owner, changed_at: changedAt }: ResourceRow): StoredResource {
  const { value } = parseDocument(document, { expect: [name as RootName] });
  return {
    href,
    list: list ?? undefined,
    name: name as RootName,
    document: value,
    owner: owner ?? undefined,
    changedAt: changedAt as UnixSeconds,
  };
}
