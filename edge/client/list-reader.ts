import { GridError } from '#hal/errors.ts';

/** A page of a list, reduced to what paging needs. */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly all: number;
}

/** How an item is told from others while a list is read: its href or its mRID. */
export type ItemKey<Item> = (item: Item) => string;

/** Items asked for at once: the largest page that EPRI's server and ours give. */
export const pageLimit = 255;
/** A list that changes more often than this while it is read is read again with the next poll. */
const maxAttempts = 5;
/** Items of one list that are kept, whatever `all` says: memory of a board is bounded. */
const maxItems = 20_000;

/** The href of a page: query parameters s and l (IEEE 2030.5-2018 §4.6.2). */
export const pageHref = (href: string, start: number): string =>
  `${href}${href.includes('?') ? '&' : '?'}s=${start}&l=${pageLimit}`;

/**
 * Reads all pages of a list, however small the server's pages are. Each page after the first begins with the last
 * item of the one before, so that a list that changed while it was read is noticed, and read anew. `GTX-SEP-006` for
 * a list that never holds still, `GTX-SEP-007` for one that is too long.
 */
export async function readList<Item>(
  href: string,
  key: ItemKey<Item>,
  readPage: (start: number) => Promise<ListPage<Item>>,
): Promise<readonly Item[]> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const items = await readOnce(href, key, readPage);
    if (items !== undefined) return items;
  }
  throw new GridError('GTX-SEP-006', `The list ${href} changed each of the ${maxAttempts} times that it was read`, {
    hint: 'It is read again with the next poll; look at what changes it on the server.',
  });
}

/** The items, or `undefined` when the list changed meanwhile. */
async function readOnce<Item>(
  href: string,
  key: ItemKey<Item>,
  readPage: (start: number) => Promise<ListPage<Item>>,
): Promise<readonly Item[] | undefined> {
  const first = await readPage(0);
  const items = [...first.items];
  // A server that gives one item a page leaves no room for one that is known already.
  const overlap = items.length > 1 ? 1 : 0;
  while (items.length < first.all) {
    if (first.all > maxItems) {
      throw new GridError('GTX-SEP-007', `The list ${href} has ${first.all} items, at most ${maxItems} are read`, {
        hint: 'Ask the operator of the server to assign fewer resources to this device.',
      });
    }
    const last = items.at(-1);
    if (last === undefined) return undefined;
    const page = await readPage(items.length - overlap);
    const [known] = page.items;
    const fresh = page.items.slice(overlap);
    const isSame = page.all === first.all && (overlap === 0 || (known !== undefined && key(known) === key(last)));
    if (!isSame || fresh.length === 0) return undefined;
    items.push(...fresh);
  }
  return new Set(items.map(key)).size === items.length ? items : undefined;
}
