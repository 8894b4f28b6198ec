import assert from 'node:assert/strict';
import { type RawClient, documentOf, expectStatus } from './raw-client.ts';
import { pathTo, placeOf, type ResourceName } from './resource-tree.ts';
import type { XmlElement } from '../xml.ts';

/** A resource as a client saw it last. */
export interface Seen {
  readonly name: ResourceName;
  readonly href: string;
  readonly element: XmlElement;
  readonly parent: Seen | undefined;
  /** The subscription that brought it. */
  readonly subscription?: string;
}

/** The page that a client asks for. */
const pageSize = 3;

/** What one client has discovered, resource by resource; links alone lead from one to the next. */
export class ClientContext {
  #seen = new Map<ResourceName, readonly Seen[]>();

  all(name: ResourceName): readonly Seen[] {
    return this.#seen.get(name) ?? [];
  }

  /** The one resource of its kind; throws where there is none. */
  one(name: ResourceName): Seen {
    const [seen] = this.all(name);
    assert.ok(seen !== undefined, `the client has discovered no ${name}`);
    return seen;
  }

  forget(name: ResourceName): void {
    this.#seen.delete(name);
  }

  set(name: ResourceName, seen: readonly Seen[]): void {
    this.#seen.set(name, seen);
  }

  /** Puts a resource in the place of what was seen under its href, or adds it. */
  upsert(seen: Seen): void {
    const others = this.all(seen.name).filter(({ href }) => href !== seen.href);
    this.#seen.set(seen.name, [...others, seen]);
  }

  /** Fetches everything from DeviceCapability down to what is wanted, anew. `limit` asks for one page only. */
  async discover(client: RawClient, wanted: readonly ResourceName[], limit?: number): Promise<void> {
    for (const name of pathTo(wanted)) {
      const place = placeOf(name);
      if (place === undefined) {
        const element = await client.get('/dcap');
        assert.equal(element.name, 'DeviceCapability');
        this.#seen.set(name, [{ name, href: '/dcap', element, parent: undefined }]);
      } else if ('list' in place) {
        const found: Seen[] = [];
        for (const list of this.all(place.list)) found.push(...(await itemsOf(client, list, name, limit)));
        this.#seen.set(name, found);
      } else {
        const found: Seen[] = [];
        for (const parent of this.all(place.parent)) {
          const href = parent.element.link(place.link);
          if (href === undefined) continue;
          const element = await client.get(href);
          assert.equal(element.name, name, `what ${place.link} leads to`);
          found.push({ name, href, element, parent });
        }
        this.#seen.set(name, found);
      }
    }
  }

  /** Fetches what is known of a kind again. */
  async refresh(client: RawClient, name: ResourceName): Promise<void> {
    const fresh: Seen[] = [];
    for (const seen of this.all(name)) {
      const element = documentOf(expectStatus(await client.ask('GET', seen.href), 200));
      fresh.push({ ...seen, element });
    }
    this.#seen.set(name, fresh);
  }
}

/** The items of a list, page by page, with `all` and `results` held against what came. */
async function itemsOf(client: RawClient, list: Seen, name: ResourceName, limit?: number): Promise<Seen[]> {
  const found: Seen[] = [];
  for (let start = 0; ; start += pageSize) {
    const page = await client.get(`${list.href}?s=${start}&l=${limit ?? pageSize}`);
    assert.equal(page.name, list.name);
    const items = page.all(name);
    assert.equal(items.length, Number(page.attributes['results']), `${list.href}: results`);
    assert.ok(items.length <= (limit ?? pageSize), `${list.href}: more items than were asked for`);
    for (const element of items) {
      assert.ok(element.href !== undefined, `${list.href}: an item without href`);
      found.push({ name, href: element.href, element, parent: list });
    }
    const all = Number(page.attributes['all']);
    if (limit !== undefined || items.length === 0 || found.length >= all) {
      if (limit === undefined) assert.equal(found.length, all, `${list.href}: all`);
      return found;
    }
  }
}
