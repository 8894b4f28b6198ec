import type { Clock } from '#hal/clock.ts';
import type { Principal } from '../../access/principal.ts';
import type { Right } from '../../access/roles.ts';
import type { FlashList } from '../../enrolment/flash-list.ts';
import type { Containment } from '../../registry/containment.ts';
import type { Registry } from '../../registry/devices.ts';
import type { ExpiryWatch } from '../../registry/expiry-watch.ts';
import type { Replacements } from '../../registry/replacements.ts';
import type { ExchangeLog } from '../../server/exchange-log.ts';
import type { KnownAuthorities } from '../../server/known-authorities.ts';
import type { SepResources } from '../../server/sep-resources.ts';

/** What operators manage. */
export interface OperatorParts {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly sep: SepResources;
  readonly exchanges: ExchangeLog;
  readonly authorities: KnownAuthorities;
  readonly containment: Containment;
  readonly replacements: Replacements;
  readonly expiry: Pick<ExpiryWatch, 'metrics'>;
  readonly flashList: FlashList;
}

/** A JSON schema (2020-12), or a reference to one of the components. */
export type SchemaObject = object;

export interface Content {
  readonly schema: SchemaObject;
  readonly example?: unknown;
  /** `application/json` unless told. */
  readonly mediaType?: string;
}

/** What an interface description says of one route (OpenAPI 3.1, Operation Object). */
export interface Operation {
  /** Unique, in camel case. */
  readonly id: string;
  readonly tag: string;
  /** Of whoever asks. */
  readonly needs: Right;
  readonly summary: string;
  readonly body?: Content & { readonly isOptional?: boolean };
  /** By status; `null` has no content. */
  readonly answers: Readonly<Record<number, (Content & { readonly what: string }) | null>>;
  /** Statuses of the problems that it may answer with, beside 400 and 500. */
  readonly refusals?: readonly number[];
}

export interface OperatorRequest {
  readonly parts: OperatorParts;
  /** Who asks. */
  readonly by: Principal;
  /** The path's variable parts, by their names. */
  readonly params: Readonly<Record<string, string>>;
  /** As JSON gave it, or bytes; undefined without one. */
  readonly body: unknown;
}

export interface OperatorAnswer {
  readonly status: number;
  readonly location?: string;
  readonly body?: unknown;
  /** Of another media type than JSON. */
  readonly stream?: { readonly mediaType: string; readonly chunks: NodeJS.ReadableStream };
}

/** One route below `/api/v1`: what it is called and does. */
export interface OperatorRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As OpenAPI writes it: `/programs/{program}`. */
  readonly path: string;
  readonly operation: Operation;
  /** Bytes of a body; 1 MiB unless told. */
  readonly bodyLimit?: number;
  handle(request: OperatorRequest): OperatorAnswer | Promise<OperatorAnswer>;
}

/** Where the interface stands. */
export const apiBase = '/api/v1';

export const reference = (name: string): SchemaObject => ({ $ref: `#/components/schemas/${name}` });
export const itemsOf = (schema: SchemaObject): SchemaObject => ({
  type: 'object',
  properties: { items: { type: 'array', items: schema } },
  required: ['items'],
  additionalProperties: false,
});
