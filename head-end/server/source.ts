import type { UnixSeconds } from '#hal/units.ts';
import type { ListQuery, Page } from '#ieee2030_5/list.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';
import type { Context, SepRequest, SepResponse } from './exchange.ts';

/** A document on its way out: without href, links, pollRate and what else is the same for all of its kind. */
export interface Entry {
  readonly href: string;
  readonly name: RootName;
  readonly document: unknown;
  readonly changedAt?: UnixSeconds;
}

type Answer = SepResponse | Promise<SepResponse>;

/**
 * Where a resource comes from and what a request does to it. A list has `entries` (in the standard's order) or, where
 * they come page by page from the database, `page`; any other resource has `read`.
 */
export interface Source {
  /** Undefined when there is no such list. */
  readonly entries?: (context: Context) => readonly Entry[] | undefined;
  /** The number of its entries, where it is cheaper than making them. */
  readonly count?: (context: Context) => number;
  readonly page?: (context: Context, query: ListQuery) => Promise<Page<Entry> | undefined>;
  /** Undefined when there is no such resource. */
  readonly read?: (context: Context) => Entry | undefined | Promise<Entry | undefined>;
  /** Whether its parent links to it; always, unless told. */
  readonly isLinked?: (context: Context) => boolean;
  /** Answers a GET itself: what is no document. */
  readonly get?: (request: SepRequest) => Answer;
  readonly post?: (request: SepRequest) => Answer;
  readonly put?: (request: SepRequest) => Answer;
  readonly remove?: (request: SepRequest) => Answer;
}
