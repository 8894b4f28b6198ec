import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';

/** What is asked for. */
export interface PageRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Of the Host header; `undefined` where there is none. */
  readonly host: string | undefined;
}

export interface Page {
  readonly status: 200 | 403 | 404 | 405;
  /** Its media type, in UTF-8. */
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const reasons = { 200: 'OK', 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed' };
const maxHeadBytes = 16_384;
const maxConnections = 16;
const silenceMs = 5000;
const end = '\r\n\r\n';

/**
 * Shows pages to the few on this machine who ask for one: HTTP/1.1, a request a connection, bodies of requests are not
 * read. Node's own server has every feature there is, and takes 10 MB of a board's memory with it.
 */
export class PageServer implements AsyncDisposable {
  readonly #answer: (request: PageRequest) => Page;
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  constructor(answer: (request: PageRequest) => Page) {
    this.#answer = answer;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    this.#server.maxConnections = maxConnections;
  }

  /** Rejects with the system's error. */
  async listen(where: ListenOptions): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(where, resolve);
    });
  }

  /** The port it listens on; 0 for a socket of the file system, and before it listens. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#open) socket.destroy();
    });
  }

  #serve(socket: Socket): void {
    let head = '';
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    const take = (piece: Buffer): void => {
      head += piece.toString('latin1');
      const isWhole = head.includes(end);
      if (!isWhole && head.length <= maxHeadBytes) return;
      socket.off('data', take);
      // What follows is of no interest, but has to be taken for the answer to arrive.
      socket.resume();
      const request = isWhole ? requestOf(head) : undefined;
      socket.end(
        request === undefined
          ? textOf({ status: 400, type: 'text/plain', body: 'What is this?\n' })
          : textOf(this.#answer(request)),
      );
    };
    socket.on('data', take);
  }
}

function requestOf(head: string): PageRequest | undefined {
  const [line = '', ...fields] = head.slice(0, head.indexOf(end)).split('\r\n');
  const [, method, path] = /^([A-Z]+) (\/\S*) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (method === undefined || path === undefined) return undefined;
  const host = fields.find((field) => /^host:/i.test(field));
  return { method, path, host: host?.slice('host:'.length).trim() };
}

function textOf({
  status,
  type,
  body,
  headers = {},
}: Omit<Page, 'status'> & { readonly status: keyof typeof reasons }): string {
  const all = {
    ...headers,
    'content-type': `${type}; charset=utf-8`,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reasons[status]}\r\n${lines.join('')}\r\n${body}`;
}
