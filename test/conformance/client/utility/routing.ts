import { namespaces } from '../../xml.ts';
import { type Attributes, document } from '../xml.ts';
import type { Rendered } from './documents.ts';
import type { RawAnswer, RawRequest } from '../raw-server.ts';
import type { UtilityDevice } from './state.ts';
import type { Utility } from './utility.ts';

/** A page has at most so many items, whatever is asked for: a client has to page. */
export const mostInPage = 5;

export const xml = (body: string): RawAnswer => ({ status: 200, body });
export const notFound: RawAnswer = { status: 404 };
export const noContent: RawAnswer = { status: 204 };
export const created = (location: string, status = 201): RawAnswer => ({ status, headers: { location } });

/** The root of a document with the namespaces in it. */
export const rooted = (rendered: Rendered | undefined): RawAnswer =>
  rendered === undefined ? notFound : xml(rendered(namespaces));

interface ListOptions {
  readonly pollRate?: number | undefined;
  readonly isSubscribable?: boolean | undefined;
}

/** A page of a list by the query's s and l (§5.5.2); `a` is not needed by what is asked here. */
export function listDocument(
  name: string,
  href: string,
  items: readonly Rendered[],
  query: URLSearchParams,
  { pollRate, isSubscribable }: ListOptions = {},
): string {
  const start = Number(query.get('s') ?? 0);
  const limit = Math.min(Number(query.get('l') ?? 1), mostInPage);
  const page = items.slice(start, start + limit);
  const attributes: Attributes = {
    href,
    subscribable: isSubscribable === undefined ? undefined : Number(isSubscribable),
    all: items.length,
    results: page.length,
    // A rate of 0 is none: the list does not tell one.
    pollRate: pollRate || undefined,
  };
  return document(name, attributes, ...page.map((item) => item()));
}

export type Groups = readonly string[];
export type Handler = (request: RawRequest, groups: Groups) => RawAnswer;
export type Route = readonly [method: string, path: RegExp, handler: Handler];

/** Whether a certificate may act for a device: its own, or that of the aggregator. */
export const mayAct = (utility: Utility, lfdi: string, device: UtilityDevice): boolean =>
  device.lfdi === lfdi || utility.devices.some(({ id, lfdi: own }) => id === 0 && own === lfdi);

type DeviceHandler = (device: UtilityDevice, request: RawRequest, groups: Groups) => RawAnswer;

/** Handlers of what lies below an EndDevice, the first group of the path; one that is not the client's own is not there. */
export const deviceHandlers =
  (utility: Utility) =>
  (answer: DeviceHandler): Handler =>
  (request, groups) => {
    const device = utility.devices.find(({ id, removed }) => id === Number(groups[0]) && !removed);
    if (device === undefined || !mayAct(utility, request.lfdi, device)) return notFound;
    return answer(device, request, groups);
  };

type ItemHandler<Item> = (device: number, item: Item, request: RawRequest, groups: Groups) => RawAnswer;

/** Handlers of an item that a device sees, whose id is the second group, and of what lies below it. */
export const itemHandlers =
  <Item>(utility: Utility, find: (device: number, id: number) => Item | undefined) =>
  (answer: ItemHandler<Item>): Handler =>
    deviceHandlers(utility)(({ id: device }, request, groups) => {
      const item = find(device, Number(groups[1]));
      return item === undefined ? notFound : answer(device, item, request, groups);
    });
