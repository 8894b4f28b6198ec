import type { StoredResource } from '../../server/resource-store.ts';
import { deviceOf } from './device-json.ts';
import type { DocumentKind } from './document-kinds.ts';
import { apiBase, type OperatorRequest } from './operation.ts';
import { absent } from './refusals.ts';

/** Where a kind's documents stand below what the path names. */
export interface Place {
  readonly path: string;
  /** In names of operations: `TariffRateComponent`. */
  readonly name: string;
  readonly tag: string;
  href(request: OperatorRequest): string;
}

export const topPlace = (tag: string): Place => ({ path: '', name: '', tag, href: () => '' });

/** Below a device, which is named by its meterId or LFDI. */
export const devicePlace: Place = {
  path: '/devices/{device}',
  name: 'Device',
  tag: 'devices',
  href: ({ parts, params }) => `/edev/${deviceOf(parts.registry, params['device']).id}`,
};

/** What is no number is no id of the store's, and would name another path. */
export const numeral = (id: string | undefined): string => (id !== undefined && /^[1-9]\d{0,8}$/.test(id) ? id : '-');

/** Throws `GTX-OPR-001` where what the path begins with is not there. */
export function requireParent(request: OperatorRequest, parent: Place): void {
  if (parent.path === '') return;
  const href = parent.href(request);
  const { registry, sep } = request.parts;
  const isDevice = href.startsWith('/edev/') && registry.byId(Number(href.slice('/edev/'.length))) !== undefined;
  if (!isDevice && sep.store.get(href) === undefined) {
    throw absent(filled(parent.path, request), collectionOf(parent.path, request));
  }
}

/** Throws `GTX-OPR-001` where there is none of the kind. */
export function found(kind: DocumentKind, place: Place, request: OperatorRequest): StoredResource {
  const resource = request.parts.sep.store.get(place.href(request));
  if (resource?.name === kind.name) return resource;
  throw absent(filled(place.path, request), collectionOf(place.path, request));
}

const collectionOf = (path: string, request: OperatorRequest): string =>
  `${apiBase}${filled(path.slice(0, path.lastIndexOf('/')), request)}`;

/** A path with the request's values in the place of its parameters. */
export const filled = (path: string, { params }: OperatorRequest): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
