import https from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

export interface TrustingRequest {
  readonly method?: string;
  readonly headers: Headers;
  readonly body?: string;
}

/**
 * As `fetch`, of a server that some certificates (PEM) lead to, and nobody else's: its root, or its own certificate
 * alone, as a head-end leaves it to the programs of its machine. Its name has to fit all the same.
 */
export async function fetchTrusting(address: URL, ca: string, request: TrustingRequest): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { method = 'GET', body = '' } = request;
  const headers = { ...Object.fromEntries(request.headers), 'content-length': Buffer.byteLength(body) };
  const tls = { ca, allowPartialTrustChain: true, minVersion: 'TLSv1.2', agent: false } as const;
  const asked = https.request(address, { ...tls, method, headers }, (answer) => {
    const { statusCode = 500, statusMessage = '' } = answer;
    const type = { 'content-type': answer.headers['content-type'] ?? '' };
    const stream = statusCode === 204 ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>);
    resolve(new Response(stream, { status: statusCode, statusText: statusMessage, headers: type }));
  });
  asked.on('error', reject);
  asked.end(body);
  return promise;
}
