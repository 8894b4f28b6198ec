import type { TLSSocket } from 'node:tls';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { HttpConnection } from '#hal/http-connection.ts';
import { monotonicMs } from '#hal/wall.ts';
import { extensionTable } from '#ieee2030_5/ext/table.ts';
import { type Edition, mediaType, type ProfileName } from '#ieee2030_5/namespaces.ts';
import { parseDocument } from '#ieee2030_5/parse.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { RefusedError, refusalOf } from './refused-error.ts';
import type { StapleRule } from './staple.ts';
import { type ClientIdentity, exchange, openTlsLink, type RawResponse } from './tls-link.ts';

export { type ClientIdentity, RefusedError };

export interface TlsFacts {
  readonly cipher: string;
  readonly version: string;
}

export interface PostResult {
  readonly status: number;
  readonly location: string | undefined;
  readonly elapsedMs: number;
}

/** A resource as it lies on the server. */
export interface Fetched {
  /** `undefined`: not modified since the ETag that was given. */
  readonly body: Uint8Array | undefined;
  readonly etag: string | undefined;
  /** Where it was found in the end: links in it are relative to this. */
  readonly url: string;
}

export interface ConnectionOptions {
  /** Whether servers' certificates must name their host; those of foreign utilities do not. Default true. */
  readonly checkHostName?: boolean;
  /** What is made of servers' proofs that they are not revoked, as our own head-end gives; not asked for unless told. */
  readonly staple?: StapleRule;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const maxRedirects = 5;
/** Servers that redirects may lead to; the one redirected to longest ago is left. */
const maxOrigins = 4;
const redirects: readonly number[] = [301, 302, 307, 308];
/** Hrefs that are remembered: a client asks for few, and for the same again and again. */
const maxPlaces = 64;

const asking = { accept: mediaType };
const sending = { accept: mediaType, 'content-type': mediaType };

/**
 * One kept-alive mutual TLS connection to a 2030.5 server (IEEE 2030.5-2018 §6). Requests go one after another;
 * a lost connection is opened anew by the next request. Redirects are followed (§4.6): within the server, or to
 * another one whose certificate chains to the same authority, over a connection of its own.
 */
export class Connection implements AsyncDisposable {
  readonly origin: string;
  #identity: ClientIdentity;
  readonly #checkHostName: boolean;
  readonly #staple: StapleRule | undefined;
  /** By origin; the first is the server itself. */
  readonly #links = new Map<string, HttpConnection>();
  /** Where hrefs lead to. */
  readonly #places = new Map<string, URL>();
  /** The edition that the server speaks: it is answered in the same. */
  #edition: Edition = '2018';
  /**
   * CSIP-AUS elements go to a server that has shown some itself, in the namespace of its version: one of plain 2030.5
   * that holds documents against the XSD would refuse them.
   */
  #profile: ProfileName = 'ieee-2018';
  /** Of the last handshake. */
  tls: TlsFacts | undefined;
  handshakes = 0;

  constructor(origin: string, identity: ClientIdentity, options: ConnectionOptions = {}) {
    this.origin = origin;
    this.#identity = identity;
    this.#checkHostName = options.checkHostName ?? true;
    this.#staple = options.staple;
    this.#open(origin);
  }

  /** Uses another identity from the next request on; requests under way end with the one that they began with. */
  use(identity: ClientIdentity): void {
    this.#identity = identity;
    for (const [origin, link] of this.#links) {
      void link.close();
      this.#openLink(origin);
    }
  }

  /**
   * GETs a resource. Rejects with `GTX-SEP-001` (no connection), `-002` (status), a parser's `GTX-XML-…`, or with the
   * fault of an identity that is lost.
   */
  async get<N extends RootName>(href: string, name: N): Promise<Roots[N]> {
    const { response } = await this.#request('GET', href, null);
    return this.parse(name, response.body);
  }

  /** GETs a resource unparsed, unless it still has this ETag (RFC 9110 §13.1.2). Rejects as `get` does. */
  async fetch(href: string, etag?: string): Promise<Fetched> {
    const { response, url } = await this.#request('GET', href, null, etag);
    return { body: response.status === 304 ? undefined : response.body, etag: response.etag, url: url.href };
  }

  /** Reads a document of this server, its elements in any order, and takes note of the edition that it speaks. */
  parse<N extends RootName>(name: N, body: Uint8Array): Roots[N] {
    const document = parseDocument(body, { expect: [name], order: 'any' });
    this.#edition = document.namespace;
    if (document.csipAus !== undefined) this.#profile = document.csipAus === '1.2' ? 'csip-aus-1.2' : 'any';
    return document.value;
  }

  /** POSTs a resource; 2xx only, else `GTX-SEP-002`. */
  post<N extends RootName>(href: string, name: N, document: Roots[N]): Promise<PostResult> {
    return this.send('POST', href, this.#write(name, document));
  }

  /** POSTs a document that was written in 2018's namespace and kept, as the server wants it now; as `post` otherwise. */
  postKept(href: string, text: string): Promise<PostResult> {
    const { name, value } = parseDocument(text);
    return this.post(href, name, value);
  }

  /** PUTs a resource; 2xx only, else `GTX-SEP-002`. */
  put<N extends RootName>(href: string, name: N, document: Roots[N]): Promise<PostResult> {
    return this.send('PUT', href, this.#write(name, document));
  }

  /** DELETEs a resource; 2xx only, else `GTX-SEP-002`. */
  delete(href: string): Promise<PostResult> {
    return this.send('DELETE', href, null);
  }

  /** Sends a document that is written already; 2xx only, else `GTX-SEP-002`. */
  async send(method: Exclude<Method, 'GET'>, href: string, body: string | null): Promise<PostResult> {
    const started = monotonicMs();
    const { response, url } = await this.#request(method, href, body);
    const { status, location } = response;
    // A Location is relative to whom it comes from, which after a redirect is not this connection's server.
    const isElsewhere = location !== undefined && url.origin !== this.origin;
    return {
      status,
      location: isElsewhere ? new URL(location, url).href : location,
      elapsedMs: monotonicMs() - started,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.destroy()));
  }

  #write<N extends RootName>(name: N, document: Roots[N]): string {
    const profile = Object.hasOwn(extensionTable.roots, name) ? 'any' : this.#profile;
    return writeDocument(name, document, { namespace: this.#edition, profile });
  }

  async #request(
    method: Method,
    href: string,
    body: string | null,
    etag?: string,
  ): Promise<{ readonly response: RawResponse; readonly url: URL }> {
    let url = this.#resolve(href);
    for (let hops = 0; ; hops++) {
      const response = await this.#exchange(method, url, body, etag);
      const { status, location } = response;
      if (redirects.includes(status) && location !== undefined) {
        url = this.#redirected(url, location, hops);
        continue;
      }
      const isTaken = method === 'GET' ? status === 200 : status >= 200 && status < 300;
      if (!isTaken && (status !== 304 || etag === undefined)) throw refusalOf(method, href, response);
      return { response, url };
    }
  }

  async #exchange(method: Method, url: URL, body: string | null, etag: string | undefined): Promise<RawResponse> {
    const path = url.pathname + url.search;
    const link = this.#links.get(url.origin) ?? this.#open(url.origin);
    const headers = body === null ? asking : sending;
    try {
      return await exchange(link, {
        method,
        path,
        headers: etag === undefined ? headers : { ...headers, 'if-none-match': etag },
        body,
      });
    } catch (error) {
      if (error instanceof GridError) throw error;
      const hint =
        'Check that the head-end runs, its address, and that its certificate is of the CA that this board trusts.';
      throw new GridError('GTX-SEP-001', `${method} ${url.href}: ${reasonOf(error)}`, { hint, cause: error });
    }
  }

  /** Hrefs may be absolute; links lead to this server, or to one that it has redirected to. */
  #resolve(href: string): URL {
    let url = this.#places.get(href);
    if (url === undefined) {
      url = new URL(href, this.origin);
      if (this.#places.size >= maxPlaces) this.#places.clear();
      this.#places.set(href, url);
    }
    if (!this.#links.has(url.origin)) {
      throw new GridError('GTX-SEP-003', `The server links to another server: ${href}`, {
        hint: 'Links are followed within one server only.',
      });
    }
    return url;
  }

  #redirected(from: URL, location: string, hops: number): URL {
    const to = URL.parse(location, from.href);
    if (hops >= maxRedirects || to === null || to.protocol !== 'https:') {
      const reason = hops >= maxRedirects ? `more than ${maxRedirects} redirects` : 'a redirect to no https address';
      throw new GridError('GTX-SEP-005', `${from.href}: ${reason}: ${location.slice(0, 200)}`, {
        hint: 'The redirects of the server are wrong; its operator has to mend them.',
      });
    }
    // A server that redirects a path does not repeat the page that was asked for.
    if (to.search === '') to.search = from.search;
    return to;
  }

  #open(origin: string): HttpConnection {
    for (const oldest of [...this.#links.keys()].slice(1)) {
      if (this.#links.size < maxOrigins) break;
      void this.#links.get(oldest)?.close();
      this.#links.delete(oldest);
    }
    return this.#openLink(origin);
  }

  #openLink(origin: string): HttpConnection {
    const link = openTlsLink({
      origin,
      identity: this.#identity,
      checkHostName: this.#checkHostName,
      ...(this.#staple !== undefined && { staple: this.#staple }),
      onConnected: (socket) => this.#connected(socket),
    });
    this.#links.set(origin, link);
    return link;
  }

  #connected(socket: TLSSocket): void {
    this.handshakes++;
    this.tls = { cipher: socket.getCipher().name, version: socket.getProtocol() ?? '' };
  }
}
