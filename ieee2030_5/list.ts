import { GridError } from '#hal/errors.ts';

/** The query of a list resource (IEEE 2030.5-2018 §4.6.2, "query string parameters"). */
export interface ListQuery {
  /** `s`: ordinal of the first item, from 0. */
  readonly start: number;
  /** `a`: only items after this time, Unix seconds; for lists whose first key is a time. */
  readonly after: bigint | undefined;
  /** `l`: the most items that the client wants; 1 unless asked for. */
  readonly limit: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Items in the whole list. */
  readonly all: number;
  /** Items in this page. */
  readonly results: number;
}

/** The most items of one page, whatever a client asks for: the `l` of EPRI's client. */
export const maxPageItems = 255;

const whole = /^\d{1,10}$/;
const time = /^-?\d{1,18}$/;

/**
 * Reads `s`, `a` and `l`. Other parameters are ignored, as §4.6.2 asks; a parameter that is no number, or stands
 * twice, is `GTX-LST-001` (400 with reasonCode 1).
 */
export function parseListQuery(query: URLSearchParams): ListQuery {
  const after = single(query, 'a', time);
  return {
    start: Number(single(query, 's', whole) ?? 0),
    after: after === undefined ? undefined : BigInt(after),
    limit: Number(single(query, 'l', whole) ?? 1),
  };
}

function single(query: URLSearchParams, name: string, form: RegExp): string | undefined {
  const values = query.getAll(name);
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1 || !form.test(value)) {
    throw new GridError('GTX-LST-001', `The list parameter ${name}=${value.slice(0, 40)} is not one whole number`, {
      hint: 's is the first item (0…), l the number of items, a a time in Unix seconds.',
    });
  }
  return value;
}

/**
 * The page of a list that is in its standard's order (`orderings`). `timeOf` gives an item's time where the list can
 * be asked for items after a time; without it `a` has no effect. `l=0` is an empty page that tells `all`.
 */
export function pageOf<Item>(items: readonly Item[], query: ListQuery, timeOf?: (item: Item) => bigint): Page<Item> {
  const { start, after, limit } = query;
  const wanted = after === undefined || timeOf === undefined ? items : items.filter((item) => timeOf(item) > after);
  const page = wanted.slice(start, start + Math.min(limit, maxPageItems));
  return { items: page, all: wanted.length, results: page.length };
}
