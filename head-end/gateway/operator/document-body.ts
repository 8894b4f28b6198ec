import { randomUUID } from 'node:crypto';
import type { UnixSeconds } from '#hal/units.ts';
import { formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import { fromJson, type Json, type JsonObject, toJson } from '#ieee2030_5/json.ts';
import { schemaOf } from '#ieee2030_5/schema.ts';
import type { Event, RootName, Roots } from '#ieee2030_5/types.generated.ts';
import type { StoredResource } from '../../server/resource-store.ts';
import type { DocumentKind } from './document-kinds.ts';
import { conflict, unfit } from './refusals.ts';

/** What the server says of each resource when it serves it; an operator may not. */
const servedMembers = ['subscribable', 'pollRate'] as const;

/** What the schema demands, though the server completes it unless an operator does. */
const completed: { readonly [N in RootName]?: JsonObject } = {
  RateComponent: { ReadingTypeLink: { href: '' }, TimeTariffIntervalListLink: { href: '' } },
  File: { fileURI: '' },
};

/** What is shown with a document, and left aside when it is sent back. */
export const readOnlyMembers = (kind: DocumentKind): readonly string[] => [
  'id',
  'href',
  ...(demands(kind, 'EventStatus') ? ['EventStatus'] : []),
];

/** Members that the schema demands and that are made where they are not given. */
export const madeMembers = (kind: DocumentKind): readonly string[] => [
  ...['mRID', 'creationTime'].filter((member) => demands(kind, member)),
  ...Object.keys(completed[kind.name] ?? {}),
];

export const isServedMember = (member: string): boolean => (servedMembers as readonly string[]).includes(member);

/** Whether documents of a kind must have a member. */
export const demands = ({ name }: DocumentKind, member: string): boolean =>
  schemaOf('any')
    .rootOf(name)
    ?.type.elements.some((element) => element.name === member && element.min > 0) ?? false;

export interface GivenDocument {
  readonly kind: DocumentKind;
  readonly body: unknown;
  /** The one in whose place it comes. */
  readonly present: StoredResource | undefined;
  readonly now: UnixSeconds;
}

/**
 * The document that an operator gave as JSON, completed with what need not be said: mRID, creationTime, the status of
 * an event. Throws `GTX-JSN-…` where it does not fit its schema, `GTX-OPR-003` when it would change an mRID.
 */
export function documentOf({ kind, body, present, now }: GivenDocument): Roots[RootName] {
  const { name } = kind;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return fromJson(name, body);
  const given: Record<string, Json> = { ...(body as JsonObject) };
  for (const member of readOnlyMembers(kind)) delete given[member];
  for (const member of servedMembers) {
    if (Object.hasOwn(given, member)) throw unfit(`/${member}`, 'the server says this', 'Leave it out.');
  }
  const before = present?.document as Partial<Event> | undefined;
  if (demands(kind, 'mRID')) given['mRID'] ??= hex(before?.mRID ?? mridOf(randomUUID()));
  if (demands(kind, 'creationTime')) given['creationTime'] ??= String(before?.creationTime ?? now);
  if (demands(kind, 'EventStatus')) given['EventStatus'] = statusOf(before, given['creationTime'] ?? null);
  const document = fromJson(name, { ...completed[name], ...given }) as Partial<Event>;
  if (before?.mRID !== undefined && formatMrid(before.mRID) !== formatMrid(document.mRID ?? before.mRID)) {
    const hint = 'Leave it out, or POST a document of its own.';
    throw conflict(`The mRID of ${present?.href ?? name} is ${hex(before.mRID)} and stays`, hint);
  }
  return document;
}

/** The status that an event is kept with: the one that it has, else scheduled since its creation. */
function statusOf(before: Partial<Event> | undefined, creationTime: Json): JsonObject {
  const known = before?.EventStatus;
  if (known === undefined) return { currentStatus: 0, dateTime: creationTime, potentiallySuperseded: false };
  const { potentiallySupersededTime: time, ...members } = known;
  const times = {
    dateTime: String(known.dateTime),
    ...(time !== undefined && { potentiallySupersededTime: String(time) }),
  };
  return Object.fromEntries(
    Object.entries({ ...members, ...times }).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}

const hex = (mRID: Uint8Array): string => formatMrid(mRID).toUpperCase();

/** A stored document as an operator sees it: as it was given, with its id and href, an event with its present status. */
export function documentJson(
  kind: DocumentKind,
  resource: StoredResource,
  status: (event: StoredResource) => Event['EventStatus'],
): JsonObject {
  const { href } = resource;
  const isEvent = demands(kind, 'EventStatus');
  const document = isEvent
    ? { ...(resource.document as object), EventStatus: status(resource) }
    : (resource.document as object);
  const json = toJson(kind.name, document as Roots[RootName]) as JsonObject;
  const toCome = completed[kind.name] ?? {};
  const known = Object.entries(json).filter(([member, value]) => !isSame(toCome[member], value));
  const id = kind.isSingle === true ? {} : { id: href.slice(href.lastIndexOf('/') + 1) };
  return { ...id, ...Object.fromEntries(known), href };
}

const isSame = (a: Json | undefined, b: Json): boolean => a !== undefined && JSON.stringify(a) === JSON.stringify(b);
