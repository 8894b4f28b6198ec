import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { numberOf } from './authority-folder.ts';
import type { CertificateAuthority } from './ca.ts';
import { elementOf, timeOf, within } from './der-reader.ts';
import type { Issuances } from './issuances.ts';
import {
  type OcspAnswer,
  type OcspRequest,
  ocspRefusal,
  ocspResponse,
  type OcspStatus,
  readOcspRequest,
} from './ocsp.ts';

/** A response of the OCSP responder is good for so long; a revocation shows no later. */
const ocspSeconds = 3600;
/** A peer may keep a revocation list for so long at most: a revocation shows no later. */
const listSeconds = 300;
const largestRequest = 4096;
/** Requests that come too slowly are cut off: there is nothing here to wait for. */
const requestTimeoutMs = 10_000;

export interface ResponderOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Told of failures that the peer only sees as "internal error". */
  readonly onError: (error: unknown) => void;
}

interface Reply {
  readonly status: number;
  readonly type?: string;
  readonly body?: Uint8Array;
  /** Seconds for which it may be kept; none for one that answers a nonce or a refusal. */
  readonly keepFor?: number;
}

/**
 * Serves what an authority has revoked, over plain HTTP as certificates point to it (what it serves is signed):
 * `/crl/NAME.crl`, and OCSP at `/ocsp` by POST and GET (RFC 6960 §A.1, RFC 5019).
 */
export class RevocationResponder {
  readonly #ca: CertificateAuthority;
  readonly #options: ResponderOptions;
  #server: Server | undefined;

  constructor(ca: CertificateAuthority, options: ResponderOptions) {
    this.#ca = ca;
    this.#options = options;
  }

  /** Resolves with the port. Rejects with GTX-PRV-040 where it cannot listen. */
  async start(): Promise<number> {
    const { host, port } = this.#options;
    const server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
      (request, response) => {
        void this.#serve(request, response);
      },
    );
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(
          new GridError(
            'GTX-PRV-040',
            `The revocation responder cannot listen on ${host}:${port}: ${reasonOf(cause)}`,
            {
              hint:
                systemCode(cause) === 'EADDRINUSE'
                  ? 'Another program has the port: --port takes another.'
                  : 'Check --host.',
              cause,
            },
          ),
        ),
      );
      server.listen(port, host, resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  /** The answer to an OCSP request (DER), also for a server that staples it to its handshakes. */
  async answer(request: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.#ocsp(request)).body;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(response, await this.#reply(request), request.method === 'HEAD');
    } catch (error) {
      // The peer that went away is no failure of ours.
      if (!request.destroyed || request.complete) this.#options.onError(error);
      send(response, { status: 500 });
    }
  }

  async #reply(request: IncomingMessage): Promise<Reply> {
    const { method = '', url = '' } = request;
    const path = url.split('?', 1)[0]!;
    const list = /^\/crl\/([a-z0-9-]+)\.crl$/.exec(path)?.[1];
    if (list !== undefined) return method === 'GET' || method === 'HEAD' ? await this.#list(list) : { status: 405 };
    if (Number(request.headers['content-length'] ?? 0) > largestRequest) return { status: 413 };
    if (path === '/ocsp' && method === 'POST') return await this.#ocsp(await bodyOf(request));
    const encoded = /^\/ocsp\/(.+)$/.exec(path)?.[1];
    if (encoded !== undefined && method === 'GET') return await this.#ocsp(decoded(encoded));
    return { status: path === '/ocsp' ? 405 : 404 };
  }

  async #list(name: string): Promise<Reply> {
    if (!this.#ca.listNames().includes(name)) return { status: 404 };
    const body = await this.#ca.revocationList(name);
    return { status: 200, type: 'application/pkix-crl', body, keepFor: Math.min(listSeconds, leftOf(body)) };
  }

  async #ocsp(encoded: Uint8Array | undefined): Promise<Reply> {
    const type = 'application/ocsp-response';
    const request = encoded === undefined ? undefined : readOcspRequest(encoded);
    if (request === undefined) return { status: 200, type, body: ocspRefusal('malformedRequest') };
    try {
      const body = await this.#answer(request);
      if (body === undefined) return { status: 200, type, body: ocspRefusal('unauthorized') };
      return { status: 200, type, body, ...(request.nonce === undefined && { keepFor: ocspSeconds }) };
    } catch (error) {
      this.#options.onError(error);
      return { status: 200, type, body: ocspRefusal('internalError') };
    }
  }

  /** Undefined where it is asked after certificates of others, or of several issuers at once. */
  async #answer({ questions, nonce }: OcspRequest): Promise<Uint8Array | undefined> {
    const name = this.#ca
      .listNames()
      .filter((one) => /^(rest-)?issuing/.test(one))
      .find((one) => questions.every(({ isOf }) => isOf(this.#ca.authority(one).certificate.raw)));
    if (name === undefined) return undefined;
    const issuances = await this.#ca.issuances();
    const issuerNumber = numberOf(this.#ca.authority(name).certificate);
    const answers = questions.map(
      (question): OcspAnswer => ({ question, status: statusOf(question.number, issuerNumber, issuances) }),
    );
    const now = wallSeconds();
    const times = { thisUpdate: now, nextUpdate: (now + ocspSeconds) as UnixSeconds };
    return await ocspResponse(answers, await this.#ca.issuingAuthority(name), times, nonce);
  }
}

/** Only what is in the log is good: a certificate that the authority never wrote down is not its own. */
function statusOf(number: string, issuer: string, issuances: Issuances): OcspStatus {
  const revocation = issuances.revocationOf(number);
  if (revocation !== undefined) return revocation;
  return issuances.find({ number })?.issuer === issuer ? 'good' : 'unknown';
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestRequest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The path of a GET: base64 in percent-encoding. */
function decoded(text: string): Uint8Array | undefined {
  if (text.length > largestRequest) return undefined;
  try {
    return Buffer.from(decodeURIComponent(text), 'base64');
  } catch {
    // Percent signs that encode nothing: as good as a malformed request.
    return undefined;
  }
}

/** Seconds until a revocation list that we made says nothing any more. */
const leftOf = (list: Uint8Array): number => Math.max(0, timeOf(within(within(elementOf(list))[0])[4]) - wallSeconds());

function send(response: ServerResponse, { status, type, body, keepFor }: Reply, isHead = false): void {
  if (response.headersSent || response.destroyed) return;
  const now = wallSeconds();
  const keep = keepFor ?? 0;
  response.writeHead(status, {
    'content-length': body?.length ?? 0,
    ...(type !== undefined && { 'content-type': type }),
    ...(keep > 0 && body !== undefined
      ? {
          // RFC 5019 §6.2
          'cache-control': `max-age=${keep}, public, no-transform, must-revalidate`,
          expires: new Date((now + keep) * 1000).toUTCString(),
          'last-modified': new Date(now * 1000).toUTCString(),
          etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`,
        }
      : { 'cache-control': 'no-store' }),
  });
  response.end(isHead ? undefined : body);
}
