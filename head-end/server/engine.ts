import { pageOf, parseListQuery } from '#ieee2030_5/list.ts';
import type { WadlMethod } from '#ieee2030_5/wadl-table.ts';
import { allowOf, decide } from './access.ts';
import { forbidden, notFound, type Principal, type SepRequest, type SepResponse } from './exchange.ts';
import { listRule } from './list-rules.ts';
import type { Redirect } from './operator-records.ts';
import { kindOf, Presenter, type ServedResource } from './presenter.ts';
import type { Relations } from './relations.ts';
import { type ResourceRule, resourceRules, type ServedId } from './resource-rules.ts';
import type { Visible } from './resources/subscriptions.ts';
import { Router } from './router.ts';
import type { Settings } from './settings.ts';
import type { EventStates } from './event-states.ts';
import type { Entry, Source } from './source.ts';

/** What handles a resource beside the standard's: our extension. */
export interface ExtensionResource {
  readonly rule: ResourceRule;
  handle(request: SepRequest): SepResponse | Promise<SepResponse>;
}

export interface EngineOptions {
  readonly settings: Settings;
  readonly events: EventStates;
  readonly relations: Relations;
  /** Every resource of the table, where it comes from. */
  readonly sources: (presenter: Presenter, visible: Visible) => Readonly<Record<ServedId, Source>>;
  readonly extensions: readonly ExtensionResource[];
  /** Where requests are to go instead, by the path that they start with. */
  readonly redirects: () => readonly Redirect[];
}

const handlers: Readonly<Record<WadlMethod, keyof Source>> = { GET: 'get', PUT: 'put', POST: 'post', DELETE: 'remove' };

/**
 * Answers requests by the table of resources: finds the resource, what it is to the one who asks, whether the method
 * is allowed, and its source; lists are paged, documents completed.
 */
export class Engine {
  readonly presenter: Presenter;
  readonly #router = new Router<ServedResource>();
  readonly #extensions: ReadonlyMap<string, ExtensionResource>;
  readonly #settings: Settings;
  readonly #relations: Relations;
  readonly #redirects: () => readonly Redirect[];

  constructor({ settings, events, relations, sources, extensions, redirects }: EngineOptions) {
    this.#settings = settings;
    this.#relations = relations;
    this.#redirects = redirects;
    this.presenter = new Presenter(this.#router, settings, events);
    const plugged = sources(this.presenter, (principal, href) => this.visible(principal, href));
    for (const rule of resourceRules.values()) this.#router.add(rule.path, served(rule, plugged[rule.id as ServedId]));
    this.#extensions = new Map(extensions.map((extension) => [extension.rule.path, extension]));
  }

  handle(request: SepRequest): SepResponse | Promise<SepResponse> {
    const { href, method, principal } = request;
    const found = this.#router.find(href);
    const extension = found === undefined ? this.#extensions.get(href) : undefined;
    const rule = found?.value.rule ?? extension?.rule;
    const context = { ...request, ids: found?.ids ?? [] };
    const relation = this.#relations.of(rule, context, this.#settings.current().inBandRegistration);
    const decision = decide(rule, relation, method);
    // Who may see nothing is told of no other place either.
    if (principal.device !== undefined || decision === 'allow') {
      const elsewhere = redirected(this.#redirects(), request);
      if (elsewhere !== undefined) return elsewhere;
    }
    if (decision === 'forbidden') return forbidden;
    if (decision === 'absent' || rule === undefined) return notFound;
    if (decision === 'no-such-method') return { status: 405, allow: allowOf(rule) };
    if (extension !== undefined) return extension.handle(context);
    return found === undefined ? notFound : this.#answer(found.value, context);
  }

  /** The rule of what stands at a path. */
  ruleOf(href: string): ResourceRule | undefined {
    return this.#router.find(href)?.value.rule;
  }

  /** What a principal may GET at a path. */
  visible(principal: Principal, href: string): ServedResource | undefined {
    const found = this.#router.find(href);
    if (found === undefined) return undefined;
    const { rule } = found.value;
    const relation = this.#relations.of(rule, { principal, href, ids: found.ids }, false);
    return decide(rule, relation, 'GET') === 'allow' ? found.value : undefined;
  }

  #answer(resource: ServedResource, request: SepRequest): SepResponse | Promise<SepResponse> {
    const { source } = resource;
    const method = (request.method === 'HEAD' ? 'GET' : request.method) as WadlMethod;
    const handler = source[handlers[method]] as ((request: SepRequest) => SepResponse) | undefined;
    if (handler !== undefined) return handler(request);
    if (source.read === undefined) return this.#list(resource, request);
    const entry = source.read(request);
    return entry instanceof Promise
      ? entry.then((resolved) => this.#document(resolved, request))
      : this.#document(entry, request);
  }

  #document(entry: Entry | undefined, { principal }: SepRequest): SepResponse {
    if (entry === undefined) return notFound;
    const { name, changedAt } = entry;
    return { status: 200, document: { name, value: this.presenter.present(entry, principal) }, modifiedAt: changedAt };
  }

  #list(resource: ServedResource, request: SepRequest): SepResponse | Promise<SepResponse> {
    const { source, timeOf } = resource;
    const query = parseListQuery(new URLSearchParams(request.query));
    if (source.entries === undefined) {
      return source.page?.(request, query).then((page) => this.#page(resource, request, page)) ?? notFound;
    }
    const time = timeOf === undefined ? undefined : ({ document }: Entry): bigint => timeOf(document as object);
    const entries = source.entries(request);
    return entries === undefined ? notFound : this.#page(resource, request, pageOf(entries, query, time));
  }

  #page(
    resource: ServedResource,
    { href, principal }: SepRequest,
    page: { readonly items: readonly Entry[]; readonly all: number; readonly results: number } | undefined,
  ): SepResponse {
    const { kind } = resource;
    if (page === undefined || kind.items === undefined) return notFound;
    const items = page.items.map((entry) => {
      const document = this.presenter.present(entry, principal);
      return entry.name === kind.item ? document : { ...document, xsiType: entry.name };
    });
    const attributes = this.presenter.attributes(resource, principal);
    const value = { href, ...attributes, all: page.all, results: page.results, [kind.items]: items };
    return { status: 200, document: { name: kind.name, value } };
  }
}

/** Joins a rule with its source; throws a TypeError when a method of the table has no handler. */
function served(rule: ResourceRule, source: Source): ServedResource {
  const kind = kindOf(rule);
  for (const method of rule.methods) {
    const reads = method === 'GET' && (kind.items === undefined ? source.read : (source.entries ?? source.page));
    if (source[handlers[method]] === undefined && !reads) throw new TypeError(`${rule.id} has no ${method}`);
  }
  const { timeOf } = kind.item === undefined ? { timeOf: undefined } : listRule(kind.item);
  return { rule, source, kind, timeOf: timeOf as ((document: object) => bigint) | undefined };
}

/** A request for a path that a redirect names, or for anything below it. */
function redirected(redirects: readonly Redirect[], { href, query }: SepRequest): SepResponse | undefined {
  for (const { from, to, status } of redirects) {
    if (href !== from && !href.startsWith(`${from}/`)) continue;
    const rest = href.slice(from.length);
    return { status, location: `${to}${rest}${query === '' ? '' : `?${query}`}` };
  }
  return undefined;
}
