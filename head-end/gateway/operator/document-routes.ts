import type { JsonObject } from '#ieee2030_5/json.ts';
import type { StoredResource } from '../../server/resource-store.ts';
import { deviceId } from './device-json.ts';
import { demands, documentJson } from './document-body.ts';
import { cancelled, CancelSchema, ownerOf, prepared, requireNew } from './document-checks.ts';
import { camel, type DocumentKind, pascal, words } from './document-kinds.ts';
import {
  apiBase,
  itemsOf,
  type OperatorAnswer,
  type OperatorParts,
  type OperatorRoute,
  reference,
} from './operation.ts';
import { filled, found, numeral, type Place, requireParent } from './place.ts';
import { checked, conflict } from './refusals.ts';

/** Every route of a kind of document and of those below it. */
export function documentRoutes(kind: DocumentKind, parent: Place): OperatorRoute[] {
  if (kind.isSingle === true) return singleRoutes(kind, parent);
  const list: Place = {
    ...parent,
    path: `${parent.path}/${kind.path}`,
    name: `${parent.name}${pascal(kind.noun)}`,
    href: (request) => `${parent.href(request)}/${kind.segment}`,
  };
  const parameter = camel(kind.noun);
  const item: Place = {
    ...list,
    path: `${list.path}/{${parameter}}`,
    href: (request) => `${list.href(request)}/${numeral(request.params[parameter])}`,
  };
  const children = (kind.children ?? []).flatMap((child) => documentRoutes(child, item));
  const cancelling = demands(kind, 'EventStatus') ? [cancelRoute(kind, item)] : [];
  return [...listRoutes(kind, parent, list), ...itemRoutes(kind, item), ...cancelling, ...children];
}

const schemaOfKind = ({ name }: DocumentKind) => reference(name);
const answerOf = (kind: DocumentKind, what: string) => ({ what, schema: schemaOfKind(kind) });
const bodyOf = (kind: DocumentKind) => ({ schema: schemaOfKind(kind), example: exampleOf(kind) });

/** An owned document names its device. */
export const exampleOf = ({ example, isOwned }: DocumentKind): JsonObject =>
  isOwned === true ? { device: 'METER_ENG_001', ...example } : example;

function listRoutes(kind: DocumentKind, parent: Place, list: Place): OperatorRoute[] {
  const { path, tag, name } = list;
  return [
    {
      method: 'GET',
      path,
      operation: {
        id: `list${name}s`,
        tag,
        needs: 'read',
        summary: `Every ${words(kind)}, in the standard's order`,
        answers: { 200: { what: 'The list', schema: itemsOf(schemaOfKind(kind)) } },
        refusals: parent.path === '' ? [] : [404],
      },
      handle: (request) => {
        requireParent(request, parent);
        const items = request.parts.sep.store.items(list.href(request));
        return { status: 200, body: { items: items.map((item) => jsonOf(kind, item, request.parts)) } };
      },
    },
    {
      method: 'POST',
      path,
      operation: {
        id: `add${name}`,
        tag,
        needs: 'operate',
        summary: `Adds a ${words(kind)}; answers it with its id`,
        body: bodyOf(kind),
        answers: { 201: answerOf(kind, 'As it was added; Location has its path') },
        refusals: [...(parent.path === '' ? [] : [404]), 409, 413, 422],
      },
      handle: async (request) => {
        requireParent(request, parent);
        const { parts } = request;
        const { body, owner } = ownerOf(kind, request.body, parts);
        const document = prepared(kind, body, undefined, parts);
        requireNew(kind, document, parts);
        const { store } = parts.sep;
        const added = await store.add(list.href(request), kind.name, document, owner === undefined ? {} : { owner });
        const id = added.href.slice(added.href.lastIndexOf('/') + 1);
        const location = `${apiBase}${filled(path, request)}/${id}`;
        return { status: 201, location, body: jsonOf(kind, added, parts) };
      },
    },
  ];
}

function itemRoutes(kind: DocumentKind, item: Place): OperatorRoute[] {
  const { path, tag, name } = item;
  return [
    readRoute(kind, item, `One ${words(kind)}`),
    {
      method: 'PUT',
      path,
      operation: {
        id: `replace${name}`,
        tag,
        needs: 'operate',
        summary: `Puts a ${words(kind)} in the place of the present one; mRID and, of an event, status stay`,
        body: bodyOf(kind),
        answers: { 200: answerOf(kind, 'As it stands now') },
        refusals: [404, 409, 413, 422],
      },
      handle: async (request) => {
        const { parts } = request;
        const present = found(kind, item, request);
        const { body, owner } = ownerOf(kind, request.body, parts);
        if (owner !== present.owner) {
          throw conflict(`${present.href} belongs to another device`, 'DELETE it, and POST it for the other one.');
        }
        await parts.sep.store.put(present.href, kind.name, prepared(kind, body, present, parts));
        return { status: 200, body: jsonOf(kind, found(kind, item, request), parts) };
      },
    },
    removeRoute(kind, item, `One ${words(kind)}, with everything below it, is removed`),
  ];
}

function singleRoutes(kind: DocumentKind, parent: Place): OperatorRoute[] {
  const path = `${parent.path}/${kind.path}`;
  const place: Place = {
    ...parent,
    path,
    name: `${parent.name}${pascal(kind.noun)}`,
    href: (request) => `${parent.href(request)}/${kind.segment}`,
  };
  const { name, tag } = place;
  return [
    readRoute(kind, place, `The ${words(kind)}`, parent),
    {
      method: 'PUT',
      path,
      operation: {
        id: `put${name}`,
        tag,
        needs: 'operate',
        summary: `Sets the ${words(kind)}`,
        body: bodyOf(kind),
        answers: { 200: answerOf(kind, 'As it stands now'), 201: answerOf(kind, 'The first one') },
        refusals: [404, 409, 413, 422],
      },
      handle: async (request) => {
        requireParent(request, parent);
        const { parts } = request;
        const href = place.href(request);
        const document = prepared(kind, request.body, parts.sep.store.get(href), parts);
        const outcome = await parts.sep.store.put(href, kind.name, document);
        const body = jsonOf(kind, found(kind, place, request), parts);
        const location = `${apiBase}${filled(path, request)}`;
        return outcome === 'created' ? { status: 201, location, body } : { status: 200, body };
      },
    },
    removeRoute(kind, place, `The ${words(kind)} is removed`),
  ];
}

const readRoute = (kind: DocumentKind, place: Place, summary: string, parent?: Place): OperatorRoute => ({
  method: 'GET',
  path: place.path,
  operation: {
    id: `get${place.name}`,
    tag: place.tag,
    needs: 'read',
    summary,
    answers: { 200: answerOf(kind, 'As it stands') },
    refusals: [404],
  },
  handle: (request) => {
    if (parent !== undefined) requireParent(request, parent);
    return { status: 200, body: jsonOf(kind, found(kind, place, request), request.parts) };
  },
});

const removeRoute = (kind: DocumentKind, place: Place, summary: string): OperatorRoute => ({
  method: 'DELETE',
  path: place.path,
  operation: {
    id: `remove${place.name}`,
    tag: place.tag,
    needs: 'operate',
    summary,
    answers: { 204: null },
    refusals: [404],
  },
  handle: async (request): Promise<OperatorAnswer> => {
    const { href } = found(kind, place, request);
    await request.parts.sep.store.remove(href);
    return { status: 204 };
  },
});

const cancelRoute = (kind: DocumentKind, item: Place): OperatorRoute => ({
  method: 'POST',
  path: `${item.path}/cancel`,
  operation: {
    id: `cancel${item.name}`,
    tag: item.tag,
    needs: 'operate',
    summary: `Cancels a ${words(kind)}; it stays in its list until it would have ended`,
    body: { schema: CancelSchema, example: { reason: 'Maintenance was put off' }, isOptional: true },
    answers: { 200: answerOf(kind, 'With its new status') },
    refusals: [404, 409, 413, 422],
  },
  handle: async (request) => {
    const { parts } = request;
    const how = checked(CancelSchema, request.body ?? {});
    const resource = found(kind, item, request);
    await parts.sep.store.put(resource.href, kind.name, cancelled(kind, resource, how, parts));
    return { status: 200, body: jsonOf(kind, found(kind, item, request), parts) };
  },
});

const jsonOf = (kind: DocumentKind, resource: StoredResource, { registry, sep }: OperatorParts): JsonObject => {
  const json = documentJson(kind, resource, (event) => sep.events.statusOf(event));
  const owner = resource.owner === undefined ? undefined : registry.byId(resource.owner);
  return owner === undefined ? json : { device: deviceId(owner), ...json };
};
