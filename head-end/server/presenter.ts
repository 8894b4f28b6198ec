import { SubscribableType } from '#ieee2030_5/enumerations.ts';
import type { Event, EventStatus, RootName } from '#ieee2030_5/types.generated.ts';
import { schemaOf } from '#ieee2030_5/schema.ts';
import { linkToCome } from './computed-members.ts';
import { type EventStates, isEvent } from './event-states.ts';
import type { Context, Principal } from './exchange.ts';
import { type ResourceRule, resourceRules, type ServedId } from './resource-rules.ts';
import type { Router } from './router.ts';
import type { StoredResource } from './resource-store.ts';
import type { Settings } from './settings.ts';
import type { Entry, Source } from './source.ts';

/** A resource as it is served: its rule, where it comes from, and what is known of its kind of document. */
export interface ServedResource {
  readonly rule: ResourceRule;
  readonly source: Source;
  readonly kind: Kind;
  /** The time that the list parameter `a` goes by. */
  readonly timeOf: ((document: object) => bigint) | undefined;
}

/** What the schema says of a kind of document, so far as serving it depends on it. */
export interface Kind {
  readonly name: RootName;
  /** The member that holds the items, of a list. */
  readonly items: string | undefined;
  /** The root element of the items. */
  readonly item: RootName | undefined;
  /** See `pollKeyOf`; undefined for a document without a poll rate. */
  readonly pollKey: string | undefined;
  /** SubscribableType; undefined for a document without the attribute. */
  readonly subscribable: SubscribableType | undefined;
  /** Links to what stands one constant segment below it: member, segment. */
  readonly links: readonly (readonly [member: string, segment: string])[];
}

const planOf = (name: string) => {
  const schema = schemaOf('any');
  const plan = (schema.root('sep', name) ?? schema.root('aus', name))?.type;
  if (plan === undefined) throw new TypeError(`The schema has no root element ${name}`);
  return plan;
};

/** What is known of a kind of document from the schema and the table of resources. */
export function kindOf(rule: ResourceRule): Kind {
  const { attributes, elements } = planOf(rule.root);
  const has = (name: string): boolean => attributes.some((attribute) => attribute.name === name);
  const isList = has('all') && has('results');
  const items = isList ? elements.find(({ max }) => max > 1) : undefined;
  const members = new Set(elements.map(({ name }) => name));
  const links: (readonly [string, string])[] = [];
  for (const child of resourceRules.values()) {
    const segment = segmentBelow(rule, child.path);
    const member =
      segment === undefined ? undefined : [`${child.id}Link`, `${child.root}Link`].find((m) => members.has(m));
    if (segment !== undefined && member !== undefined) links.push([member, segment]);
  }
  return {
    name: rule.root as RootName,
    items: items?.name,
    item: items?.type.name as RootName | undefined,
    pollKey: has('pollRate') ? pollKeyOf(rule) : undefined,
    subscribable: has('subscribable') ? subscribableOf(rule) : undefined,
    links,
  };
}

/** A condition is one on the value of a Reading (IEEE 2030.5-2018, Condition.attributeIdentifier). */
const subscribableOf = ({ root }: ResourceRule): SubscribableType =>
  root === 'Reading' ? SubscribableType.both : SubscribableType.nonConditional;

/** The constant segment by which `path` stands below a rule's path; everything of one segment, below dcap. */
function segmentBelow({ id, path }: ResourceRule, child: string): string | undefined {
  const parent = id === ('DeviceCapability' satisfies ServedId) ? '' : path;
  const segment = child.startsWith(`${parent}/`) ? child.slice(parent.length + 1) : '';
  return segment === '' || segment.includes('/') || segment.startsWith('{') ? undefined : segment;
}

/** Bits of responseRequired: that it was received, and what became of it. */
const receivedAndSpecific = Uint8Array.of(3);

/** Completes documents on their way out: href, links with their counts, poll rates, the status of events. */
export class Presenter {
  readonly #router: Router<ServedResource>;
  readonly #settings: Settings;
  readonly #events: EventStates;

  constructor(router: Router<ServedResource>, settings: Settings, events: EventStates) {
    this.#router = router;
    this.#settings = settings;
    this.#events = events;
  }

  /** A document as a principal sees it. */
  present(entry: Entry, principal: Principal): object {
    const found = this.#router.find(entry.href)?.value;
    const document = { ...(entry.document as object) };
    if (found !== undefined) {
      Object.assign(document, this.#links(found.kind, entry, principal), this.attributes(found, principal));
    }
    if (isEvent(entry)) Object.assign(document, this.#eventMembers(entry));
    return Object.assign(document, { href: entry.href });
  }

  /** pollRate and subscribable, where the document has them. */
  attributes({ kind }: ServedResource, { device }: Principal): { pollRate?: number; subscribable?: number } {
    const { pollKey, subscribable } = kind;
    const attributes: { pollRate?: number; subscribable?: number } = {};
    if (pollKey !== undefined) attributes.pollRate = device?.pollRate ?? this.#settings.pollRateOf(pollKey);
    if (subscribable !== undefined) attributes.subscribable = subscribable;
    return attributes;
  }

  /** A link to a list with the number of items that the principal would see there; to anything else without. */
  link(href: string, principal: Principal): { readonly href: string; readonly all?: number } | undefined {
    const found = this.#router.find(href);
    if (found === undefined) return undefined;
    const { rule, source } = found.value;
    if (principal.device === undefined && rule.whose !== 'anyone') return undefined;
    const context: Context = { href, ids: found.ids, principal };
    if (source.isLinked?.(context) === false) return undefined;
    const all = source.count?.(context) ?? source.entries?.(context)?.length;
    return all === undefined ? { href } : { href, all };
  }

  #links(kind: Kind, entry: Entry, principal: Principal): object {
    const links: Record<string, unknown> = {};
    const parent = kind.name === 'DeviceCapability' ? '' : entry.href;
    for (const [member, segment] of kind.links) {
      const given = (entry.document as Record<string, typeof linkToCome | undefined>)[member];
      // A link that the operator gave to a resource of another place stays.
      if (given !== undefined && given.href !== '') continue;
      links[member] = this.link(`${parent}/${segment}`, principal);
    }
    return links;
  }

  #eventMembers(entry: Entry): { EventStatus: EventStatus; replyTo: string; responseRequired: Uint8Array } {
    const { replyTo, responseRequired } = entry.document as Event;
    return {
      EventStatus: this.#events.statusOf(entry as StoredResource),
      replyTo: replyTo ?? responseList,
      responseRequired: responseRequired ?? receivedAndSpecific,
    };
  }
}

/** Where responses go, unless the operator says otherwise. */
export const responseSet = '/rsps/1';
export const responseList = `${responseSet}/rsp`;

/** The key of a resource's poll rate: the last constant segment of its path. */
export function pollKeyOf({ path }: ResourceRule): string {
  const constants = path.split('/').filter((segment) => !segment.startsWith('{'));
  return constants.at(-1) ?? '';
}
