import type { TLSSocket } from 'node:tls';
import { buildConnector, Client, type Dispatcher } from 'undici';
import { GridError, reasonOf } from '#hal/errors.ts';
import { monotonicMs } from '#hal/wall.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';

/** What a board proves itself with; PEM texts. */
export interface ClientIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

export interface TlsFacts {
  readonly cipher: string;
  readonly version: string;
}

export interface PostResult {
  readonly status: number;
  readonly location: string | undefined;
  readonly elapsedMs: number;
}

const timeoutMs = 30_000;
const maxResponseBytes = 1 << 20;

/**
 * One kept-alive mutual TLS connection to a 2030.5 server (IEEE 2030.5-2018 §6). Requests go one after another;
 * a lost connection is opened anew by the next request.
 */
export class Connection implements AsyncDisposable {
  readonly origin: string;
  readonly #client: Client;
  /** Of the last handshake. */
  tls: TlsFacts | undefined;
  handshakes = 0;

  constructor(origin: string, identity: ClientIdentity) {
    this.origin = origin;
    const connect = buildConnector({
      ...clientTls({ cert: identity.certificatePem, key: identity.keyPem, ca: identity.caPem }, { hostname: true }),
      timeout: timeoutMs,
    });
    this.#client = new Client(origin, {
      connect: (options, callback) => {
        connect(options, (...result) => {
          const [error, socket] = result;
          // With an error undici passes no socket at all, whatever its types say.
          if (error === null) this.#connected(socket as TLSSocket);
          callback(...result);
        });
      },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      keepAliveTimeout: 600_000,
      maxResponseSize: maxResponseBytes,
    });
  }

  /** GETs a resource. Rejects with `GTX-SEP-001` (no connection), `-002` (status) or a parser's `GTX-XML-…`. */
  async get<N extends RootName>(href: string, name: N): Promise<Roots[N]> {
    const response = await this.#request('GET', href, null);
    if (response.status !== 200) throw refused('GET', href, response.status, response.body);
    return parseAs(name, response.body);
  }

  /** POSTs a resource; 2xx only, else `GTX-SEP-002`. */
  async post<N extends RootName>(href: string, name: N, document: Roots[N]): Promise<PostResult> {
    const started = monotonicMs();
    const { status, location, body } = await this.#request('POST', href, writeDocument(name, document));
    if (status < 200 || status > 299) throw refused('POST', href, status, body);
    return { status, location, elapsedMs: monotonicMs() - started };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }

  #connected(socket: TLSSocket): void {
    this.handshakes++;
    this.tls = { cipher: socket.getCipher().name, version: socket.getProtocol() ?? '' };
  }

  async #request(method: 'GET' | 'POST', href: string, body: string | null): Promise<Response> {
    const path = this.#pathOf(href);
    try {
      return await exchange(this.#client, { method, path, headers: body === null ? getHeaders : postHeaders, body });
    } catch (error) {
      const hint =
        'Check that the head-end runs, its address, and that its certificate is of the CA that this board trusts.';
      throw new GridError('GTX-SEP-001', `${method} ${this.origin}${path}: ${reasonOf(error)}`, { hint, cause: error });
    }
  }

  /** Hrefs may be absolute; this connection serves its own origin only. */
  #pathOf(href: string): string {
    const url = new URL(href, this.origin);
    if (url.origin !== this.origin) {
      throw new GridError('GTX-SEP-003', `The server links to another server: ${href}`, {
        hint: 'Links are followed within one server only.',
      });
    }
    return url.pathname + url.search;
  }
}

interface Response {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

const getHeaders = { accept: mediaType };
const postHeaders = { accept: mediaType, 'content-type': mediaType };

/**
 * One request by undici's dispatcher: a posting every 15 s of every board is the hot path, and most of the cost of
 * `client.request` is a stream for a body that is mostly empty.
 */
function exchange(client: Client, options: Dispatcher.DispatchOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let location: string | undefined;
    const chunks: Buffer[] = [];
    client.dispatch(options, {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, statusCode, headers) => {
        status = statusCode;
        location = typeof headers['location'] === 'string' ? headers['location'] : undefined;
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd: () => resolve({ status, location, body: Buffer.concat(chunks) }),
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

/** A refusal with its status; `404` asks the caller to discover anew. */
export class RefusedError extends GridError {
  readonly status: number;

  constructor(method: string, href: string, status: number, detail: string) {
    super('GTX-SEP-002', `${method} ${href}: the server answered ${status}${detail}`, {
      hint: 'Status 403: the device is not registered; 404: the resource moved, it is discovered anew; 503: try later.',
    });
    this.status = status;
  }
}

const refused = (method: string, href: string, status: number, body: Uint8Array): RefusedError => {
  let detail = '';
  if (body.length > 0) {
    try {
      const { reasonCode } = parseAs('Error', body);
      detail = ` (reasonCode ${reasonCode})`;
    } catch {
      // Not an Error document: a proxy's page, say. The status says enough.
      detail = '';
    }
  }
  return new RefusedError(method, href, status, detail);
};
