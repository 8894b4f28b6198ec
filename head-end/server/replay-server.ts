import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { serverTls } from '#ieee2030_5/tls.ts';
import type { Exchange } from './exchange-record.ts';
import type { ReplayedAnswer } from './replay.ts';

/** The recorded answers, for a server that stands in for the one of the record. */
export class RecordedAnswers {
  readonly #byRequest = new Map<string, ReplayedAnswer[]>();

  constructor(exchanges: readonly Exchange[]) {
    for (const { method, url, status, answerHeaders, answerBody } of exchanges) {
      const key = `${method} ${url}`;
      const answers = this.#byRequest.get(key) ?? [];
      this.#byRequest.set(key, answers);
      answers.push({ status, headers: answerHeaders, body: answerBody });
    }
  }

  /** The next answer to a request, in the order of the record; the last one again and again; 404 where there is none. */
  answer(method: string, url: string): ReplayedAnswer {
    const answers = this.#byRequest.get(`${method} ${url}`) ?? [];
    const [next] = answers;
    if (answers.length > 1) answers.shift();
    return next ?? { status: 404, headers: {}, body: '' };
  }
}

export interface RecordedServerOptions {
  readonly exchanges: readonly Exchange[];
  readonly port: number;
  readonly host: string;
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** Answers a board from a record, over mutual TLS. What the board sends is read and left aside. */
export class RecordedServer implements AsyncDisposable {
  readonly #options: RecordedServerOptions;
  readonly #server: https.Server;

  constructor(options: RecordedServerOptions) {
    this.#options = options;
    const answers = new RecordedAnswers(options.exchanges);
    this.#server = https.createServer(serverTls(options.tls), (request, response) => {
      request.resume();
      request.on('end', () => {
        const { status, headers, body } = answers.answer(request.method ?? 'GET', request.url ?? '/');
        response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
      });
    });
  }

  /** Listens; answers the port. */
  async start(): Promise<number> {
    const { port, host } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
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
}
