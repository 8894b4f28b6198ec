import type { ReasonCode } from '#ieee2030_5/enumerations.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../registry/devices.ts';

/** A request of a registered device, authenticated by its certificate. */
export interface SepRequest {
  readonly device: Device;
  readonly path: string;
  /** The path's variable parts, by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
}

export interface SepResponse {
  readonly status: number;
  readonly body?: string;
  readonly location?: string;
  readonly allow?: string;
}

export type Handler = (request: SepRequest) => SepResponse | Promise<SepResponse>;

export const ok = <N extends RootName>(name: N, document: Roots[N]): SepResponse => ({
  status: 200,
  body: writeDocument(name, document),
});

export const created = (location: string): SepResponse => ({ status: 201, location });
export const replaced = (location: string): SepResponse => ({ status: 204, location });

/** An Error document with its status. */
export const errorResponse = (status: number, reasonCode: ReasonCode, maxRetryDuration?: number): SepResponse => ({
  status,
  body: writeDocument('Error', maxRetryDuration === undefined ? { reasonCode } : { maxRetryDuration, reasonCode }),
});

export const notFound: SepResponse = { status: 404 };
export const forbidden: SepResponse = { status: 403 };
