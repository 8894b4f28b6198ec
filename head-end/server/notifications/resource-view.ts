import { hash } from 'node:crypto';
import { maxPageItems } from '#ieee2030_5/list.ts';
import type { AnyResource, Condition, Reading, RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Engine } from '../engine.ts';
import type { Principal, SepResponse } from '../exchange.ts';

/** A resource as one principal sees it at present. */
export type ResourceView =
  | {
      readonly at: 'shown';
      readonly name: RootName;
      readonly value: object;
      /** The member that holds the items, of a list. */
      readonly items: string | undefined;
      /** The same as long as nothing of it has changed, all pages of a list included. */
      readonly fingerprint: string;
    }
  /** There could be one, but there is none now. */
  | { readonly at: 'empty' }
  | { readonly at: 'gone' | 'withheld' | 'redefined' }
  | { readonly at: 'moved'; readonly to: string };

/** What a GET of a resource answers a principal. Rejects as the resource's source does. */
export async function viewOf(engine: Engine, principal: Principal, href: string): Promise<ResourceView> {
  const resource = engine.visible(principal, href);
  const kind = resource?.kind;
  const first = await get(engine, principal, href, 0);
  const { status, location, document } = first;
  if (location !== undefined) return { at: 'moved', to: location };
  if (status === 404) return { at: kind === undefined ? 'gone' : 'empty' };
  if (status === 403) return { at: 'withheld' };
  if (document === undefined || kind?.subscribable === undefined) return { at: 'redefined' };
  const { name, value } = document;
  const texts = [textOf(document)];
  // What was stored as a reading stays as it is: a change is one of their number.
  const isPaged = kind.items === undefined || resource?.source.page !== undefined;
  const all = isPaged ? 0 : ((value as { all?: number }).all ?? 0);
  for (let start = maxPageItems; start < all; start += maxPageItems) {
    const page = await get(engine, principal, href, start);
    if (page.document !== undefined) texts.push(textOf(page.document));
  }
  return { at: 'shown', name, value, items: kind.items, fingerprint: hash('sha1', texts.join(''), 'base64url') };
}

/**
 * Whether what is shown meets the condition of a subscription, which is one on the value of a Reading: it is below
 * the lower threshold or above the upper one (IEEE 2030.5-2018 §8.6, Condition).
 */
export function meets({ value }: ResourceView & { at: 'shown' }, condition: Condition | undefined): boolean {
  if (condition === undefined) return true;
  const { value: read } = value as Reading;
  return read !== undefined && (read < condition.lowerThreshold || read > condition.upperThreshold);
}

/**
 * What a Notification carries of it (IEEE 2030.5-2018, Subscription.limit): of a list at most `limit` items; of
 * anything else nothing when the limit is 0.
 */
export function carried(view: ResourceView & { at: 'shown' }, limit: number): AnyResource | undefined {
  const { name, value, items } = view;
  if (items === undefined) return limit === 0 ? undefined : ({ ...value, xsiType: name } as AnyResource);
  const page = ((value as Record<string, readonly unknown[] | undefined>)[items] ?? []).slice(0, limit);
  return { ...value, xsiType: name, results: page.length, [items]: page } as AnyResource;
}

async function get(engine: Engine, principal: Principal, href: string, start: number): Promise<SepResponse> {
  const query = `s=${start}&l=${maxPageItems}`;
  const peer = { edition: '2018' } as const;
  return engine.handle({ method: 'GET', href, query, ids: [], principal, peer, body: new Uint8Array() });
}

const textOf = ({ name, value }: NonNullable<SepResponse['document']>): string =>
  writeDocument(name, value as Roots[RootName]);
