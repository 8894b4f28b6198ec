import type { ServerResponse } from 'node:http';
import type { Lfdi } from '#ieee2030_5/identity.ts';

/** A request for something of ours beside IEEE 2030.5, over its mutual TLS. */
export interface OwnRequest {
  /** Of the client's certificate; whether it is a device's is for the service to say. */
  readonly lfdi: Lfdi;
  readonly method: string;
  /** The path without a query. */
  readonly href: string;
  readonly body: Uint8Array;
}

export interface OwnAnswer {
  readonly status: number;
  /** JSON. */
  readonly body?: object;
}

/** Answers what is its own; undefined for another path, which is for IEEE 2030.5 to answer. */
export type OwnService = (request: OwnRequest) => Promise<OwnAnswer> | undefined;

export function sendOwn(response: ServerResponse, { status, body }: OwnAnswer): void {
  if (response.headersSent) return;
  const text = body === undefined ? '' : JSON.stringify(body);
  const type = body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...type, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
