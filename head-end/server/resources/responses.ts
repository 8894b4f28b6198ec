import { responseOrder } from '#ieee2030_5/orderings.ts';
import type { Response } from '#ieee2030_5/types.generated.ts';
import { created, documentOf, notFound } from '../exchange.ts';
import { responseNames, type Responses } from '../responses.ts';
import type { SepServices } from '../services.ts';
import type { Source } from '../source.ts';
import { storedDocument, storedList } from '../stored-source.ts';

/** Where devices answer to events (IEEE 2030.5-2018 §10.2.3.3): each reads its own answers back. */
export function responseSources({ store }: SepServices, responses: Responses) {
  return {
    ResponseSetList: { entries: storedList(store, 'ResponseSet').entries },
    ResponseSet: { read: storedDocument(store, 'ResponseSet').read },
    ResponseList: {
      entries: ({ href, principal }) =>
        principal.devices
          .flatMap(({ id }) => responses.of(id))
          .filter(({ list }) => list === href)
          .toSorted((a, b) => responseOrder(a.document as Response, b.document as Response)),
      post: async (request) => {
        if (store.get(request.href.slice(0, request.href.lastIndexOf('/'))) === undefined) return notFound;
        const { name, value } = documentOf(request, ...responseNames);
        return created(await responses.add(request.href, name, value, request.principal.devices));
      },
    },
    Response: { read: ({ href }) => store.get(href) },
  } satisfies Readonly<Record<string, Source>>;
}
