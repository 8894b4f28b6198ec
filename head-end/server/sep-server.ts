import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { callbackify } from 'node:util';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { type Edition, mediaType } from '#ieee2030_5/namespaces.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import { Doorkeeper, type DoorkeeperOptions } from './doorkeeper.ts';
import type { Engine } from './engine.ts';
import { errorResponse, type Peer, type Principal, type SepRequest, type SepResponse } from './exchange.ts';
import type { ExchangeLog } from './exchange-log.ts';
import { type OwnService, sendOwn } from './own-service.ts';
import { RefusalLog, refusalOf } from './refusals.ts';
import { AnswerWriter } from './wire.ts';

export interface SepServerOptions extends DoorkeeperOptions {
  readonly port: number;
  readonly host: string;
  /** PEM texts of the server's own certificate chain and key, and the roots that devices must come from. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly engine: Engine;
  /** What is stapled to handshakes for clients that ask for it: an OCSP response for the server's certificate. */
  readonly staple?: () => Promise<Uint8Array | undefined>;
  /** What is served beside IEEE 2030.5. */
  readonly own?: OwnService;
  /** Told of requests that were refused because the head-end cannot store anything now. */
  readonly onUnavailable: (reason: string) => void;
  /** Records exchanges, when an operator wants them. */
  readonly exchanges?: Pick<ExchangeLog, 'wants' | 'note'>;
  /** Headers have to be complete by then; 10 s unless told. */
  readonly headersTimeoutMs?: number;
  /** A handshake has to be complete by then; 10 s unless told. */
  readonly handshakeTimeoutMs?: number;
}

/** A request with who asks, and where its answer goes. */
interface Asked extends Pick<SepRequest, 'href' | 'query' | 'principal' | 'peer' | 'body'> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Answer = SepResponse | Promise<SepResponse>;

const noBody = new Uint8Array(0);
const maxBodyBytes = 1 << 20;
/** A board posts every 15 s at most; idle connections are kept so that handshakes stay rare. */
const keepAliveMs = 3_600_000;
const defaultHeadersTimeoutMs = 10_000;
const defaultHandshakeTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** When a device may try again what could not be stored. */
const retryAfterSeconds = 60;

/**
 * The IEEE 2030.5 server: mutual TLS (§6) with devices of known authorities, requests authorised by the LFDI of the client's certificate, errors as
 * Error documents. What it serves is the engine's.
 */
export class SepServer implements AsyncDisposable {
  readonly #options: SepServerOptions;
  readonly #server: https.Server;
  /** Of the devices that write in another namespace than that of 2018. */
  readonly #editions = new Map<Lfdi, Edition>();
  readonly #writer = new AnswerWriter();
  readonly #refusals: RefusalLog;
  readonly #door: Doorkeeper;

  constructor(options: SepServerOptions) {
    this.#options = options;
    const { headersTimeoutMs = defaultHeadersTimeoutMs, handshakeTimeoutMs = defaultHandshakeTimeoutMs } = options;
    this.#refusals = new RefusalLog(options.log);
    this.#door = new Doorkeeper(options);
    this.#server = https.createServer({
      ...serverTls(options.tls),
      // Those are refused by the doorkeeper, who knows whom to name: Node would hang up without a word to us or to them.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // Headers that come a byte at a time end after twice their time at most.
      connectionsCheckingInterval: headersTimeoutMs,
      maxHeaderSize: 16_384,
      // No stream's life for a body that does not come.
      optimizeEmptyRequests: true,
    });
    this.#server.on('connection', (socket) => this.#door.begin(socket as Socket));
    this.#server.on('secureConnection', (socket) => this.#door.admit(socket));
    if (options.staple !== undefined) {
      this.#server.on('OCSPRequest', (_own, _issuer, done: (error: Error | null, response: Buffer | null) => void) =>
        callbackify(() => this.#stapleOf())(done),
      );
    }
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('tlsClientError', (error, socket) => this.#door.broken(error, socket));
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
    this.#door.start();
    return (this.#server.address() as AddressInfo).port;
  }

  /** Handshakes that ended with somebody being let in. */
  get handshakes(): number {
    return this.#door.handshakes;
  }

  /** Ends the connections of certificates that would not be let in any more; answers how many it ended. */
  recheck(): number {
    return this.#door.recheck();
  }

  /** The edition in whose namespace a device wrote last. */
  editionOf(lfdi: Lfdi): Edition {
    return this.#editions.get(lfdi) ?? '2018';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      this.#door[Symbol.dispose]();
    });
  }

  /** What is stapled to a handshake; without it a client of ours does not go on. */
  async #stapleOf(): Promise<Buffer | null> {
    const { staple, log } = this.#options;
    try {
      const response = await staple?.();
      return response === undefined ? null : Buffer.from(response);
    } catch (error) {
      log.error({ reason: reasonOf(error) }, 'no OCSP response could be stapled');
      return null;
    }
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const peer = this.#door.peerOf(request.socket);
    if (peer === undefined) return;
    const { lfdi, whenKnown } = peer;
    if (whenKnown === undefined) this.#read(request, response, lfdi);
    else void whenKnown.then(() => this.#read(request, response, lfdi));
  }

  #read(request: IncomingMessage, response: ServerResponse, lfdi: Lfdi): void {
    const { headers } = request;
    // What a GET needs no listeners for: they cost more than its answer.
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
      this.#respond(request, response, lfdi, noBody);
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else if (!response.headersSent) {
        // The rest is not read: the connection ends with the answer.
        response.setHeader('connection', 'close');
        this.#writer.send(response, errorResponse(413, ReasonCode.resourceLimit), '2018', undefined);
      }
    });
    request.on('error', (error) => this.#options.log.info({ reason: reasonOf(error) }, 'request broken off'));
    request.on('end', () => {
      if (response.headersSent) return;
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      this.#respond(request, response, lfdi, body);
    });
  }

  /** Answers at once what needs no waiting for. */
  #respond(request: IncomingMessage, response: ServerResponse, lfdi: Lfdi, body: Uint8Array): void {
    const fail = (error: unknown): void => {
      this.#options.log.error(
        { url: request.url, reason: reasonOf(error), stack: (error as Error).stack },
        'request failed',
      );
      this.#writer.send(response, errorResponse(500, ReasonCode.invalidValues), '2018', undefined);
    };
    try {
      const { method = '', url = '' } = request;
      const question = url.indexOf('?');
      const href = question < 0 ? url : url.slice(0, question);
      const query = question < 0 ? '' : url.slice(question + 1);
      const own = this.#options.own?.({ lfdi, method, href, body });
      if (own !== undefined) {
        own.then((answer) => sendOwn(response, answer)).catch(fail);
        return;
      }
      const principal = this.#principalOf(lfdi);
      const peer: Peer = { edition: this.editionOf(lfdi) };
      const asked: Asked = { request, response, href, query, principal, peer, body };
      const answer = this.#answer(asked);
      if (answer instanceof Promise) answer.then((resolved) => this.#send(asked, resolved)).catch(fail);
      else this.#send(asked, answer);
    } catch (error) {
      fail(error);
    }
  }

  #send({ request, response, principal, peer, body }: Asked, answer: SepResponse): void {
    const { device, lfdi } = principal;
    // Bounded by the devices: what an unregistered peer writes is forgotten.
    if (peer.edition !== '2018' && device !== undefined) this.#editions.set(lfdi, peer.edition);
    else if (this.#editions.size > 0) this.#editions.delete(lfdi);
    const { headers, method } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    const conditions = isRead
      ? { ifNoneMatch: headers['if-none-match'], ifModifiedSince: headers['if-modified-since'] }
      : undefined;
    const acceptable = !isRead || answer.document === undefined || accepts(headers.accept);
    const sent = this.#writer.send(response, acceptable ? answer : { status: 406 }, peer.edition, conditions);
    const { exchanges } = this.#options;
    if (sent !== undefined && exchanges?.wants(lfdi) === true) exchanges.note(lfdi, request, body, sent);
  }

  #answer({ request: { headers, method = 'GET' }, href, query, principal, peer, body }: Asked): Answer {
    if ((method === 'PUT' || method === 'POST') && principal.device !== undefined) {
      if (!isSep(headers['content-type'])) return errorResponse(415, ReasonCode.invalidFormat);
      if (!accepts(headers.accept)) return { status: 406 };
    }
    const who = principal.device?.meterId ?? principal.lfdi;
    try {
      const request = { method, href, query, ids: [], principal, peer, body, range: headers.range };
      const answer = this.#options.engine.handle(request);
      if (!(answer instanceof Promise)) return this.#noted(answer, who, href);
      return answer.then(
        (resolved) => this.#noted(resolved, who, href),
        (error: unknown) => this.#refuse(error, who, href),
      );
    } catch (error) {
      return this.#refuse(error, who, href);
    }
  }

  #noted(answer: SepResponse, who: string, href: string): SepResponse {
    if (answer.status === 403) this.#refusals.note(who, 'forbidden', { path: href, status: 403 });
    return answer;
  }

  /** Errors of the sender's making become statuses; the rest is ours and rejects. */
  #refuse(error: unknown, who: string, path: string): SepResponse {
    if (!(error instanceof GridError)) throw error;
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    const { status, reasonCode } = refusal;
    this.#refusals.note(who, error.code, { path, reason: error.message, status });
    if (status !== 503) return errorResponse(status, reasonCode);
    this.#options.onUnavailable(error.message);
    return errorResponse(status, reasonCode, retryAfterSeconds);
  }

  #principalOf(lfdi: Lfdi): Principal {
    const { registry } = this.#options;
    const device = registry.byLfdi(lfdi);
    return { lfdi, device, devices: device === undefined ? [] : registry.actingFor(device) };
  }
}

const isSep = (contentType: string | undefined): boolean =>
  contentType === mediaType || contentType?.split(';', 1)[0]?.trim().toLowerCase() === mediaType;

const accepts = (accept: string | undefined): boolean =>
  accept === undefined || accept === mediaType || /(^|,)\s*(application\/(sep\+xml|\*)|\*\/\*)/i.test(accept);
