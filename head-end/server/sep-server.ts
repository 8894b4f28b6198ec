import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import type { Registry } from '../registry/devices.ts';
import { errorResponse, forbidden, type SepResponse } from './exchange.ts';
import type { Router } from './router.ts';

export interface SepServerOptions {
  readonly port: number;
  readonly host: string;
  /** PEM texts of the server's own certificate chain and key, and the CA that devices must come from. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly registry: Registry;
  readonly router: Router;
  /** Told of requests that were refused because the head-end cannot store anything now. */
  readonly onUnavailable: (reason: string) => void;
  readonly log: Log;
}

const maxBodyBytes = 1 << 20;
/** A board posts every 15 s at most; idle connections are kept so that handshakes stay rare. */
const keepAliveMs = 3_600_000;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** When a device may try again what could not be stored. */
const retryAfterSeconds = 60;

/**
 * The IEEE 2030.5 server: mutual TLS (§6), requests authorised by the LFDI of the client's certificate, errors as
 * Error documents. What it serves is the router's.
 */
export class SepServer implements AsyncDisposable {
  readonly #options: SepServerOptions;
  readonly #server: https.Server;
  readonly #lfdis = new WeakMap<TLSSocket, Lfdi>();
  handshakes = 0;

  constructor(options: SepServerOptions) {
    this.#options = options;
    this.#server = https.createServer({
      ...serverTls(options.tls),
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      maxHeaderSize: 16_384,
    });
    this.#server.on('secureConnection', () => this.handshakes++);
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('tlsClientError', (error) => options.log.info({ reason: reasonOf(error) }, 'handshake refused'));
  }

  /** Listens; answers the port (the one taken, when 0 was asked for). Rejects with `GTX-SRV-001`. */
  async start(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        const why = systemCode(error) === 'EADDRINUSE' ? 'is taken' : `cannot be used: ${reasonOf(error)}`;
        reject(
          new GridError('GTX-SRV-001', `Port ${port} of the IEEE 2030.5 server ${why}`, {
            hint: 'Choose another with --sep-port PORT; 0 takes any free one.',
            cause: error,
          }),
        );
      });
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else if (!response.headersSent) {
        // The rest is not read: the connection ends with the answer.
        response.setHeader('connection', 'close');
        send(response, errorResponse(413, ReasonCode.resourceLimit));
      }
    });
    request.on('error', (error) => this.#options.log.info({ reason: reasonOf(error) }, 'request broken off'));
    request.on('end', () => {
      if (response.headersSent) return;
      this.#answer(request, chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)).then(
        (answer) => send(response, answer),
        (error: unknown) => {
          this.#options.log.error(
            { url: request.url, reason: reasonOf(error), stack: (error as Error).stack },
            'request failed',
          );
          send(response, errorResponse(500, ReasonCode.invalidValues));
        },
      );
    });
  }

  async #answer(request: IncomingMessage, body: Uint8Array): Promise<SepResponse> {
    const lfdi = this.#lfdiOf(request.socket as TLSSocket);
    const device = this.#options.registry.byLfdi(lfdi);
    if (device === undefined) {
      this.#options.log.warn({ lfdi, url: request.url }, 'request of a device that is not registered');
      return forbidden;
    }
    const { method = 'GET', url = '/' } = request;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'DELETE' && !isSep(request.headers['content-type'])) {
      return errorResponse(415, ReasonCode.invalidFormat);
    }
    if (!accepts(request.headers.accept)) return { status: 406 };
    const question = url.indexOf('?');
    const path = question < 0 ? url : url.slice(0, question);
    const query = new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
    try {
      return await this.#options.router.handle(method, { device, path, query, body });
    } catch (error) {
      return this.#refuse(error, device.meterId, path);
    }
  }

  /** Errors of the sender's making become statuses; the rest is ours and rejects. */
  #refuse(error: unknown, meterId: string, path: string): SepResponse {
    if (!(error instanceof GridError)) throw error;
    const refusal = refusals.find(([start]) => error.code.startsWith(start));
    if (refusal === undefined) throw error;
    const [, status, reasonCode] = refusal;
    this.#options.log.warn(
      { meter: meterId, path, code: error.code, reason: error.message, status },
      'request refused',
    );
    if (status !== 503) return errorResponse(status, reasonCode);
    this.#options.onUnavailable(error.message);
    return errorResponse(status, reasonCode, retryAfterSeconds);
  }

  /** The certificate is hashed once a connection. */
  #lfdiOf(socket: TLSSocket): Lfdi {
    const known = this.#lfdis.get(socket);
    if (known !== undefined) return known;
    const certificate = socket.getPeerX509Certificate();
    // The TLS options demand a verified certificate; without one the request must not go on.
    if (certificate === undefined || !socket.authorized)
      throw new GridError('GTX-SRV-002', 'Connection without a verified certificate');
    const lfdi = lfdiOf(certificate.raw);
    this.#lfdis.set(socket, lfdi);
    return lfdi;
  }
}

const isSep = (contentType: string | undefined): boolean =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() === mediaType;

const accepts = (accept: string | undefined): boolean =>
  accept === undefined || /(^|,)\s*(application\/(sep\+xml|\*)|\*\/\*)/i.test(accept);

const { invalidFormat, invalidValues, resourceLimit } = ReasonCode;

/**
 * Status and reasonCode by how an error's code begins; the first that fits counts, and where none does the fault is
 * ours. 503: too much waiting, stopping, or a database that did not take it, so the same post may go through later.
 */
const refusals: readonly (readonly [start: string, status: number, reasonCode: ReasonCode])[] = [
  ['GTX-XML-02', 400, invalidValues],
  ['GTX-XML-', 400, invalidFormat],
  ['GTX-LST-', 400, invalidValues],
  ['GTX-ORD-003', 400, resourceLimit],
  ['GTX-ORD-', 400, invalidValues],
  ['GTX-MKT-001', 400, invalidValues],
  ['GTX-MKT-003', 400, invalidValues],
  ['GTX-RDG-004', 400, invalidValues],
  ['GTX-RDG-005', 400, invalidValues],
  ['GTX-RDG-006', 400, resourceLimit],
  ['GTX-RDG-007', 404, invalidValues],
  ['GTX-RDG-001', 503, resourceLimit],
  ['GTX-RDG-002', 503, resourceLimit],
  ['GTX-RDG-003', 503, resourceLimit],
  ['GTX-DB-003', 503, resourceLimit],
  ['GTX-DB-008', 503, resourceLimit],
];

function send(response: ServerResponse, { status, body, location, allow }: SepResponse): void {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string | number> = {
    'content-length': body === undefined ? 0 : Buffer.byteLength(body),
  };
  if (body !== undefined) headers['content-type'] = mediaType;
  if (location !== undefined) headers['location'] = location;
  if (allow !== undefined) headers['allow'] = allow;
  response.writeHead(status, headers);
  response.end(body);
}
