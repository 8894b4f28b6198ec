import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';
import { backoffSeconds, backoffUpTo } from './backoff.ts';
import { type Connection, RefusedError } from './connection.ts';
import { defaultPollRate, type Followed, isOptional, itemNameOf, itemsOf, linksOf, type ListItem } from './links.ts';
import { pageHref, readList } from './list-reader.ts';
import { ResourceNode } from './resource-node.ts';

export interface WalkerOptions {
  readonly connection: Pick<Connection, 'fetch' | 'parse'>;
  /** Absolute URL of the DeviceCapability. */
  readonly root: string;
  readonly seed: number;
  readonly log: Log;
  /** Narrows the links of an item that are followed; the default is all of them. */
  readonly select: (node: ResourceNode, item: ListItem, links: readonly Followed[]) => readonly Followed[];
}

/** What a walk found changed; Times are not counted. */
export interface WalkResult {
  readonly changed: readonly ResourceNode[];
  readonly removed: readonly ResourceNode[];
}

/** Resources of one server that a client keeps; more are not followed. */
const maxNodes = 20_000;
/** A registration that the server refuses is tried again this seldom, seconds. */
const refusedRetrySeconds = 900;
/** A walk that sends itself back to what it has read already ends after so many rounds. */
const maxRounds = 4;

/**
 * Follows the links from the DeviceCapability on, and keeps what it finds current: each resource is read by its
 * pollRate, those without one together with the resource that links to them (IEEE 2030.5-2018 §4.6, pollRate).
 * Only links are followed; a resource that nothing links to any more is forgotten.
 */
export class Walker {
  readonly #options: WalkerOptions;
  #nodes = new Map<string, ResourceNode>();
  /** As the last walk that came to its end left them. */
  #told = this.#nodes;
  /** Since that walk. */
  #changed = new Set<ResourceNode>();

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  /** Absolute URL of the DeviceCapability. */
  get rootUrl(): string {
    return this.#options.root;
  }

  /** Everything that is linked, by its absolute URL. */
  get nodes(): ReadonlyMap<string, ResourceNode> {
    return this.#nodes;
  }

  get root(): ResourceNode | undefined {
    return this.#nodes.get(this.#options.root);
  }

  /** The resource that an href of a document leads to, where it was read. */
  linked(from: ResourceNode, href: string | undefined): ResourceNode | undefined {
    return href === undefined ? undefined : this.#nodes.get(from.resolve(href));
  }

  /** When the next resource is to be read; seconds. */
  nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const node of this.#nodes.values()) if (node.due < next) next = node.due;
    return this.root === undefined ? Number.NEGATIVE_INFINITY : next;
  }

  /** Takes a resource over from an earlier run; it is read again by the first walk. */
  restore(
    url: string,
    followed: Omit<Followed, 'href'>,
    parent: string | undefined,
    pages: readonly Uint8Array[],
  ): void {
    const above = parent === undefined ? undefined : this.#nodes.get(parent);
    const node = new ResourceNode(url, followed, above, this.#options.seed);
    node.document = this.#documentOf(node.name, pages);
    node.pages = pages;
    this.#nodes.set(url, node);
  }

  /**
   * Reads everything that is due. Rejects with `GTX-SEP-001` when the server is not reached: what was not read stays
   * due, nothing that was known is lost, and what was found changed until then is told by the walk that comes to its
   * end.
   */
  async walk(now: UnixSeconds): Promise<WalkResult> {
    for (let round = 0; round < maxRounds && this.nextDue() <= now; round++) await this.#round(now);
    const changed = [...this.#changed];
    const removed = [...this.#told.values()].filter(({ url }) => !this.#nodes.has(url));
    this.#changed = new Set();
    this.#told = this.#nodes;
    return { changed, removed };
  }

  async #round(now: UnixSeconds): Promise<void> {
    const reached = new Map<string, ResourceNode>();
    const root: Followed = { href: this.#options.root, name: 'DeviceCapability', isFixed: false, without: undefined };
    await this.#visit(this.#options.root, root, undefined, now, false, reached);
    this.#nodes = reached;
    for (const node of this.#changed) if (reached.get(node.url) !== node) this.#changed.delete(node);
  }

  async #visit(
    url: string,
    followed: Followed,
    parent: ResourceNode | undefined,
    now: UnixSeconds,
    isParentRead: boolean,
    reached: Map<string, ResourceNode>,
  ): Promise<void> {
    if (reached.has(url) || reached.size >= maxNodes) return;
    const known = this.#nodes.get(url);
    const node = known?.name === followed.name ? known : new ResourceNode(url, followed, parent, this.#options.seed);
    // At once, so that a walk that breaks off finds what it was at.
    this.#nodes.set(url, node);
    reached.set(url, node);
    const isDue = node.due <= now || (isParentRead && node.isWithParent && !node.isHeldBack);
    const isRead = isDue && (await this.#read(node, now));
    try {
      await this.#visitLinked(node, now, isRead, reached);
    } catch (error) {
      // What is read together with it was not all read.
      if (isRead) node.due = now;
      throw error;
    }
    if (isRead) this.#missComponents(node, now);
  }

  async #visitLinked(
    node: ResourceNode,
    now: UnixSeconds,
    isRead: boolean,
    reached: Map<string, ResourceNode>,
  ): Promise<void> {
    const visited = new Set<string>();
    // The Registration of an EndDevice decides whether its other links are followed: look twice.
    for (let links = this.#links(node); links.length > 0; ) {
      for (const link of links) {
        const target = node.resolve(link.href);
        visited.add(target);
        await this.#visit(target, link, node, now, isRead, reached);
      }
      links = this.#links(node).filter(({ href }) => !visited.has(node.resolve(href)));
    }
  }

  #links(node: ResourceNode): readonly Followed[] {
    if (node.document === undefined) return [];
    const item = itemNameOf(node.name);
    if (item === undefined) return linksOf(node.name, node.document, node.without);
    return node.items.flatMap((each) => this.#options.select(node, each, linksOf(item, each, node.without)));
  }

  /** Whether it was read; a refusal is handled here, a server that is not reached ends the walk. */
  async #read(node: ResourceNode, now: UnixSeconds): Promise<boolean> {
    const { log } = this.#options;
    try {
      const isChanged = await this.#fetch(node);
      if (node.failures > 0) log.info({ href: node.url }, 'resource read again');
      node.scheduleNext(now);
      if (isChanged && node.name !== 'Time') this.#changed.add(node);
      return true;
    } catch (error) {
      if (!(error instanceof GridError) || error.code === 'GTX-SEP-001') throw error;
      this.#failed(node, error, now);
      return false;
    }
  }

  #failed(node: ResourceNode, error: GridError, now: UnixSeconds): void {
    const status = error instanceof RefusedError ? error.status : undefined;
    const isGone = status === 404 || status === 410 || error.code === 'GTX-SEP-003';
    if (node.failures === 0 && !(isGone && isOptional(node.name))) {
      this.#options.log.warn({ href: node.url, reason: error.describe() }, 'resource not read');
    }
    if (isGone) {
      const wasThere = node.failures === 0 && node.readAt !== undefined;
      // A list that is not found says nothing of its events: they go on until what links to it says otherwise.
      if (itemNameOf(node.name) === undefined && node.forget()) this.#changed.add(node);
      node.scheduleRetry(now, defaultPollRate, error);
      // What links to it may lead elsewhere by now: walk anew from there, once.
      if (wasThere && node.parent !== undefined && !isOptional(node.name)) node.parent.due = now;
      return;
    }
    if (status === 401 || status === 403) {
      node.scheduleRetry(now, refusedRetrySeconds, error);
      return;
    }
    const told = error instanceof RefusedError ? error.retryAfter : undefined;
    node.scheduleRetry(now, told ?? backoffSeconds(backoffUpTo(node.patience), node.failures + 1, node.seed), error);
  }

  /** Whether it is another than before. */
  async #fetch(node: ResourceNode): Promise<boolean> {
    const { connection } = this.#options;
    const item = itemNameOf(node.name);
    const first = await connection.fetch(item === undefined ? node.url : pageHref(node.url, 0), node.etag);
    if (first.body === undefined) return false;
    node.base = withoutQuery(first.url);
    if (isSamePages(node, [first.body])) return false;
    const pages = item === undefined ? [first.body] : await this.#readPages(node, first.body);
    if (isSamePages(node, pages)) return false;
    node.document = this.#documentOf(node.name, pages);
    node.pages = pages;
    // An ETag is that of one page: it says nothing of the others.
    node.etag = pages.length === 1 ? first.etag : undefined;
    return true;
  }

  /** All pages of a list, of which the first was read. */
  async #readPages(node: ResourceNode, first: Uint8Array): Promise<readonly Uint8Array[]> {
    const { connection } = this.#options;
    let pages: Uint8Array[] = [];
    let known: Uint8Array | undefined = first;
    await readList(node.url, keyOf, async (start) => {
      const body = known ?? (await connection.fetch(pageHref(node.url, start))).body ?? new Uint8Array();
      known = undefined;
      if (start === 0) pages = [];
      pages.push(body);
      const page = connection.parse(node.name, body) as { all: number };
      return { items: itemsOf(node.name, page), all: page.all };
    });
    return pages;
  }

  #documentOf(name: RootName, pages: readonly Uint8Array[]): object {
    const { connection } = this.#options;
    const documents = pages.map((page) => connection.parse(name, page) as object);
    const item = itemNameOf(name);
    if (item === undefined || documents.length === 1) return documents[0] ?? {};
    // Pages overlap by one item.
    const byKey = new Map(documents.flatMap((each) => itemsOf(name, each)).map((each) => [keyOf(each), each]));
    return { ...documents[0], [item]: [...byKey.values()] };
  }

  /** An interval may name a RateComponent that was made since the components were read. */
  #missComponents(node: ResourceNode, now: UnixSeconds): void {
    if (node.name !== 'TimeTariffIntervalList' || node.parent === undefined) return;
    const { parent } = node;
    for (const profile of parent.items) {
      const { RateComponentListLink, CombinedTimeTariffIntervalListLink } = profile as {
        RateComponentListLink?: { href: string };
        CombinedTimeTariffIntervalListLink?: { href: string };
      };
      if (this.linked(parent, CombinedTimeTariffIntervalListLink?.href) !== node) continue;
      const components = this.linked(parent, RateComponentListLink?.href);
      const known = new Set(components?.items.map(({ href = '' }) => components.resolve(href)));
      const isMissed = node.items.some((interval) => {
        const { href } = (interval as { RateComponentLink?: { href: string } }).RateComponentLink ?? {};
        return href !== undefined && !known.has(node.resolve(href));
      });
      if (isMissed && components !== undefined) components.due = Math.min(components.due, now);
    }
  }
}

/** An item by its href, else its mRID, else all that it says. */
const keyOf = (item: ListItem): string => {
  if (item.href !== undefined) return item.href;
  if (item.mRID !== undefined) return formatMrid(item.mRID);
  return JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
};

const withoutQuery = (url: string): string => url.split('?')[0] ?? url;

const isSamePages = ({ pages, document }: ResourceNode, fresh: readonly Uint8Array[]): boolean =>
  document !== undefined &&
  pages.length === fresh.length &&
  pages.every((page, i) => Buffer.compare(page, fresh[i] ?? new Uint8Array()) === 0);
