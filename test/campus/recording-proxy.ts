import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { clientTls, serverTls } from '#ieee2030_5/tls.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';

/** One request and its answer, as the board saw them. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  /** XML; empty where there is none. */
  readonly request: string;
  readonly status: number;
  readonly location: string | undefined;
  readonly contentType: string | undefined;
  /** XML; empty where there is none. */
  readonly response: string;
}

/** How the server's hrefs look to the board. */
export interface Names {
  /** The server's path (and query) behind a URL of the board's; undefined for one that the board was never given. */
  toServer(url: string): string | undefined;
  toBoard(href: string): string;
}

export const sameNames: Names = { toServer: (url) => url, toBoard: (href) => href };

/**
 * Every path under another name, its segments reversed; those that were never handed out lead nowhere. The well-known
 * path stays where RFC 8615 puts it.
 */
export class OtherNames implements Names {
  readonly #real = new Map<string, string>();

  toServer(url: string): string | undefined {
    const [path = '', query] = url.split('?', 2);
    const real = path.startsWith('/.well-known/') ? path : this.#real.get(path);
    return real === undefined || query === undefined ? real : `${real}?${query}`;
  }

  toBoard(href: string): string {
    if (href.startsWith('/.well-known/')) return href;
    const name = `/elsewhere/${href.split('/').slice(1).toReversed().join('/')}`;
    this.#real.set(name, href);
    return name;
  }
}

export interface RecordingProxyOptions {
  /** Where the head-end listens. */
  readonly serverPort: number;
  readonly server: DeviceIdentity;
  readonly board: DeviceIdentity;
  readonly names: Names;
  /** Called with every exchange before the board gets its answer. */
  readonly onExchange?: (exchange: Exchange) => Promise<void>;
}

/** Stands between a board and the head-end, each of which takes it for the other, and writes down what passes. */
export class RecordingProxy implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  /** Handshakes with the board: the cipher suite of each. */
  readonly ciphers: string[] = [];
  /** What went wrong in here; a test looks at it last. */
  readonly failures: unknown[] = [];
  readonly #options: RecordingProxyOptions;
  readonly #server: https.Server;
  readonly #agent: https.Agent;

  constructor(options: RecordingProxyOptions) {
    const { server, board } = options;
    this.#options = options;
    this.#server = https.createServer(
      serverTls({ cert: server.certificatePem, key: server.keyPem, ca: server.caPem }),
      (request, response) => {
        this.#relay(request, response).catch((error: unknown) => {
          this.failures.push(error);
          response.destroy();
        });
      },
    );
    this.#server.on('secureConnection', (socket: TLSSocket) => this.ciphers.push(socket.getCipher().name));
    this.#agent = new https.Agent({
      ...clientTls({ cert: board.certificatePem, key: board.keyPem, ca: board.caPem }),
      keepAlive: true,
      maxSockets: 1,
    });
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const body = await textOf(request);
    const { names, onExchange } = this.#options;
    const path = names.toServer(url);
    const answer = path === undefined ? unknownPath : await this.#forward(method, path, request, body);
    const toBoard = (_: string, href: string): string => `href="${names.toBoard(href)}"`;
    const exchange: Exchange = {
      method,
      url,
      request: body,
      status: answer.status,
      location: answer.location === undefined ? undefined : names.toBoard(answer.location),
      contentType: answer.contentType,
      response: answer.body.replaceAll(/href="([^"]*)"/g, toBoard),
    };
    this.exchanges.push(exchange);
    await onExchange?.(exchange);
    response.writeHead(exchange.status, {
      'content-type': mediaType,
      'content-length': Buffer.byteLength(exchange.response),
      ...(exchange.location === undefined ? {} : { location: exchange.location }),
    });
    response.end(exchange.response);
  }

  #forward(method: string, path: string, { headers }: IncomingMessage, body: string): Promise<Answer> {
    const { accept, 'content-type': contentType } = headers;
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: '127.0.0.1',
          port: this.#options.serverPort,
          agent: this.#agent,
          method,
          path,
          headers: {
            ...(accept === undefined ? {} : { accept }),
            ...(contentType === undefined ? {} : { 'content-type': contentType }),
          },
        },
        (response) => {
          textOf(response).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                location: response.headers.location,
                contentType: response.headers['content-type'],
                body: text,
              }),
            reject,
          );
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

const unknownPath: Answer = { status: 404, location: undefined, contentType: undefined, body: '' };

async function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
