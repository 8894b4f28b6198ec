import type { Event, RootName } from '#ieee2030_5/types.generated.ts';
import { created, documentOf, done, notFound, replaced, type SepRequest, type SepResponse } from './exchange.ts';
import type { EventStates } from './event-states.ts';
import type { ResourceStore } from './resource-store.ts';
import type { Source } from './source.ts';

/** A list whose items were put here; an item that belongs to one device is shown to it alone. */
export const storedList = (store: ResourceStore, item: RootName): Required<Pick<Source, 'entries' | 'post'>> => ({
  entries: ({ href, principal }) =>
    store.items(href).filter(({ owner }) => owner === undefined || principal.devices.some(({ id }) => id === owner)),
  post: async (request) => {
    const { value } = documentOf(request, item);
    const { href } = await store.add(request.href, item, value);
    return created(href);
  },
});

/** An item of such a list, or a document that stands alone and that its device may put here first. */
export const storedDocument = (
  store: ResourceStore,
  name: RootName,
): Required<Pick<Source, 'read' | 'put' | 'remove'>> => ({
  read: ({ href }) => {
    const found = store.get(href);
    return found?.name === name ? found : undefined;
  },
  put: async (request) => putDocument(store, request, name),
  remove: async ({ href }) => ((await store.remove(href)) ? done : notFound),
});

/** Puts the document of a request in its place; 201 when it is the first one there (RFC 9110 §9.3.4). */
export async function putDocument(store: ResourceStore, request: SepRequest, name: RootName): Promise<SepResponse> {
  const { value } = documentOf(request, name);
  return (await store.put(request.href, name, value)) === 'created' ? created(request.href) : replaced(request.href);
}

/** A list of events: those that are over for every device do not stand in it any more. */
export const eventList = (events: EventStates): Source => ({ entries: ({ href }) => events.present(href) });

/** The list of active events beside the list of all: `…/actderc` of `…/derc`. */
export const activeEventList = (events: EventStates, segment: string): Source => ({
  entries: ({ href }) => events.active(`${href.slice(0, href.lastIndexOf('/'))}/${segment}`),
});

/** The time that the list parameter `a` goes by in a list of events. */
export const eventTime = (document: object): bigint => (document as Event).interval.start;
