import { isIP, type Socket } from 'node:net';
import { type HttpResponse, HttpResponseReader } from './http-response.ts';
import { deadline } from './wall.ts';

export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** UTF-8; `null`: none. */
  readonly body: string | null;
}

export interface HttpConnectionOptions {
  /** What the Host header says: host, and port where it is not the scheme's own. */
  readonly host: string;
  /** Begins a connection; `isReady` is called later, when requests may be sent, or not at all where it fails. May throw. */
  readonly connect: (isReady: () => void) => Socket;
  /** The longest that connecting takes, and that the server may be silent while it is asked, milliseconds. */
  readonly timeoutMs: number;
  /** The longest that an idle connection is kept, milliseconds; shorter where the server says so. */
  readonly idleMs: number;
  readonly maxBodyBytes: number;
}

interface Job {
  readonly text: string;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

interface Line {
  readonly socket: Socket;
  isReady: boolean;
}

/** So much sooner than a server says it closes an idle connection, this end does: a request might meet its end. */
const closeSoonerMs = 1000;
const none = /[\r\n\0]/;

/**
 * A kept-alive HTTP/1.1 connection to one server. Requests go one after another; a connection that is lost is opened
 * anew by the next request, and what was asked on it fails: nothing is asked twice. Node's own client and undici do the
 * same with far more code, of which a board has to hold 10 MB in memory.
 */
export class HttpConnection {
  readonly #options: HttpConnectionOptions;
  #jobs: Job[] = [];
  #active: { readonly job: Job; readonly reader: HttpResponseReader } | undefined;
  #line: Line | undefined;
  /** Resolves when nothing is under way any more. */
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: HttpConnectionOptions) {
    this.#options = options;
  }

  /**
   * Rejects with a plain Error when the server is not reached, is silent for too long or speaks no HTTP/1.1, with what
   * `connect` throws, and with RangeError for what must not stand in a request.
   */
  request(request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) {
        reject(closed());
        return;
      }
      this.#jobs.push({ text: textOf(request, this.#options.host), resolve, reject });
      this.#next();
    });
  }

  /** Takes no more requests, and resolves when those that there are have been answered. */
  async close(): Promise<void> {
    this.#closing ??= Promise.withResolvers();
    this.#next();
    await this.#closing.promise;
  }

  /** Ends at once: what is under way fails. */
  async destroy(): Promise<void> {
    this.#closing ??= Promise.withResolvers();
    const jobs = this.#jobs;
    this.#jobs = [];
    if (this.#line !== undefined) this.#lose(this.#line, closed());
    for (const { reject } of jobs) reject(closed());
    this.#next();
    await this.#closing.promise;
  }

  #next(): void {
    if (this.#active !== undefined) return;
    const job = this.#jobs[0];
    if (job === undefined) {
      if (this.#closing === undefined) return;
      if (this.#line !== undefined) this.#lose(this.#line, undefined);
      this.#closing.resolve();
      return;
    }
    try {
      this.#line ??= this.#connect();
    } catch (error) {
      this.#failWaiting(error as Error);
      this.#next();
      return;
    }
    if (!this.#line.isReady) return;
    this.#jobs.shift();
    this.#active = { job, reader: new HttpResponseReader(this.#options.maxBodyBytes) };
    const { socket } = this.#line;
    socket.setTimeout(this.#options.timeoutMs);
    // Texts of ASCII alone, as nearly all are, need no conversion.
    socket.write(job.text, Buffer.byteLength(job.text) === job.text.length ? 'latin1' : 'utf8');
  }

  #connect(): Line {
    const { connect, timeoutMs } = this.#options;
    const isReady = (): void => {
      limit[Symbol.dispose]();
      line.isReady = true;
      this.#next();
    };
    const line: Line = { isReady: false, socket: connect(isReady) };
    const limit = deadline(timeoutMs, () => this.#lose(line, new Error(`no connection within ${timeoutMs} ms`)));
    const { socket } = line;
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => this.#receive(line, piece));
    socket.on('end', () => this.#ended(line));
    socket.on('timeout', () => {
      this.#lose(line, this.#active && new Error(`no answer within ${timeoutMs} ms`));
    });
    socket.on('error', (error) => this.#lose(line, error));
    socket.on('close', () => {
      limit[Symbol.dispose]();
      this.#lose(line, ended());
    });
    return line;
  }

  #receive(line: Line, piece: Buffer): void {
    if (this.#line !== line) return;
    try {
      if (this.#active === undefined) throw new Error('the server speaks unasked');
      const response = this.#active.reader.push(piece);
      if (response !== undefined) this.#finish(line, response);
    } catch (error) {
      this.#lose(line, error as Error);
    }
  }

  #ended(line: Line): void {
    if (this.#line !== line) return;
    try {
      if (this.#active === undefined) this.#lose(line, undefined);
      else this.#finish(line, this.#active.reader.end());
    } catch (error) {
      this.#lose(line, error as Error);
    }
  }

  #finish(line: Line, response: HttpResponse): void {
    const job = this.#active?.job;
    this.#active = undefined;
    const idleMs = Math.min(this.#options.idleMs, promisedMs(response) - closeSoonerMs);
    if (response.isKept && idleMs > 0) line.socket.setTimeout(idleMs);
    else this.#letGo(line);
    job?.resolve(response);
    this.#next();
  }

  /** Once a connection, if it is the one in use: lets go of it, and what waits for it fails. */
  #lose(line: Line, fault: Error | undefined): void {
    if (this.#line !== line) return;
    const active = this.#active;
    this.#active = undefined;
    this.#letGo(line, fault);
    active?.job.reject(fault ?? ended());
    if (!line.isReady) this.#failWaiting(fault ?? ended());
    this.#next();
  }

  /** Whoever waits for a server that is not there would only wait for the same. */
  #failWaiting(fault: Error): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const { reject } of jobs) reject(fault);
  }

  /** In order where there is no fault; what still comes is of no interest. */
  #letGo(line: Line, fault?: Error): void {
    this.#line = undefined;
    const { socket } = line;
    if (fault === undefined && line.isReady) socket.end(() => socket.destroy());
    else socket.destroy();
  }
}

const ended = (): Error => new Error('the server ended the connection');
const closed = (): Error => new Error('the connection is closed');

/** Where an origin such as `https://[::1]:8443` is: what the Host header says of it, and how TLS gets there. */
export function placeOf(origin: string) {
  const { hostname, port, host } = new URL(origin);
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  // An address is no name to be asked for (RFC 6066 §3).
  const servername = isIP(address) === 0 ? address : '';
  return { host, tls: { host: address, port: Number(port || 443), servername, ALPNProtocols: ['http/1.1'] } };
}

/** How long the server keeps an idle connection, where it says so. */
function promisedMs({ headers }: HttpResponse): number {
  const [, seconds] = /(?:^|[ ,])timeout=(\d{1,6})/i.exec(headers.get('keep-alive') ?? '') ?? [];
  return seconds === undefined ? Infinity : Number(seconds) * 1000;
}

function textOf({ method, path, headers, body }: HttpRequest, host: string): string {
  if (/[^\x21-\x7e]/.test(path)) throw notToBeSent(path);
  let text = lineOf(`${method} ${path} HTTP/1.1`) + lineOf(`host: ${host}`);
  for (const name in headers) text += lineOf(`${name}: ${headers[name]}`);
  const hasLength = body !== null || method === 'POST' || method === 'PUT';
  if (hasLength) text += lineOf(`content-length: ${Buffer.byteLength(body ?? '')}`);
  return `${text}\r\n${body ?? ''}`;
}

function lineOf(text: string): string {
  if (none.test(text)) throw notToBeSent(text);
  return `${text}\r\n`;
}

const notToBeSent = (text: string): RangeError =>
  new RangeError(`not to be sent in a request: ${JSON.stringify(text)}`);
