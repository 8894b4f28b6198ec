import type { ReasonCode } from '#ieee2030_5/enumerations.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { Edition } from '#ieee2030_5/namespaces.ts';
import { parseDocument, type ParsedDocument } from '#ieee2030_5/parse.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Device } from '../registry/devices.ts';

/** Who asks, by the certificate of the connection. */
export interface Principal {
  readonly lfdi: Lfdi;
  /** Undefined for a certificate of the trusted CA that is not registered. */
  readonly device: Device | undefined;
  /** Those that it may act for: itself first, then the devices of which it is the aggregator. */
  readonly devices: readonly Device[];
}

/** What is remembered of a peer between its requests. */
export interface Peer {
  /** The edition whose namespace it wrote last. */
  edition: Edition;
}

/** A resource as one principal sees it. */
export interface Context {
  readonly principal: Principal;
  /** The path. */
  readonly href: string;
  /** The path's variable parts, in their order. */
  readonly ids: readonly string[];
}

export interface SepRequest extends Context {
  readonly method: string;
  readonly peer: Peer;
  /** Without the question mark. */
  readonly query: string;
  readonly body: Uint8Array;
  /** The header Range. */
  readonly range?: string | undefined;
}

export interface SepResponse {
  readonly status: number;
  /** Written in the namespace that the peer uses. */
  readonly document?: { readonly name: RootName; readonly value: object };
  /** The content of a File. */
  readonly content?: Uint8Array;
  readonly contentRange?: string;
  readonly location?: string;
  readonly allow?: string;
  /** The same object is answered again as long as it holds: what is written of it may be kept. */
  readonly isReusable?: boolean;
  /** When the document was last changed, where that is known. */
  readonly modifiedAt?: UnixSeconds | undefined;
}

export const ok = <N extends RootName>(name: N, value: Roots[N], modifiedAt?: UnixSeconds): SepResponse => ({
  status: 200,
  document: { name, value: value as object },
  modifiedAt,
});

export const created = (location: string): SepResponse => ({ status: 201, location });
export const replaced = (location: string): SepResponse => ({ status: 204, location });
export const done: SepResponse = { status: 204 };

/** An Error document with its status. */
export const errorResponse = (status: number, reasonCode: ReasonCode, maxRetryDuration?: number): SepResponse => ({
  status,
  document: {
    name: 'Error',
    value: maxRetryDuration === undefined ? { reasonCode } : { maxRetryDuration, reasonCode },
  },
});

export const notFound: SepResponse = { status: 404 };
export const forbidden: SepResponse = { status: 403 };

/** The document of a request; remembers the namespace that the peer uses. Throws `GTX-XML-…`. */
export function documentOf<N extends RootName>(request: SepRequest, ...expect: readonly N[]): ParsedDocument<N> {
  const document = parseDocument(request.body, { expect });
  request.peer.edition = document.namespace;
  return document;
}
