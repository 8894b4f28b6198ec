/** A response of HTTP/1.1 as it came. */
export interface HttpResponse {
  readonly status: number;
  /** By name in lower case; what came several times is joined by `, ` (RFC 9110 §5.2). */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Whether the connection can carry another request. */
  readonly isKept: boolean;
}

export const maxHeadBytes = 16_384;
const maxChunkLine = 256;
const crlf = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const nothing = Buffer.alloc(0);

type Framing =
  | { readonly by: 'length'; readonly bytes: number }
  | { readonly by: 'chunks' }
  | { readonly by: 'the end of the connection' };

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly isHttp11: boolean;
}

/** What of a chunked body comes next: the line with a chunk's size, its octets and the line end, or the trailers. */
type ChunkState =
  | { readonly at: 'size' }
  | { readonly at: 'octets'; readonly left: number }
  | { readonly at: 'trailers' };

/**
 * Reads the response to one request that is no HEAD and no CONNECT, however it is cut into pieces (RFC 9112). It is
 * strict where being lenient lets two readers see two responses. Its errors are plain: whoever asked says what for.
 */
export class HttpResponseReader {
  readonly #maxBodyBytes: number;
  #rest: Buffer = nothing;
  #head: (Head & { readonly framing: Framing }) | undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #trailerBytes = 0;
  #chunk: ChunkState = { at: 'size' };

  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether something has come. */
  get hasBegun(): boolean {
    return this.#head !== undefined || this.#rest.length > 0;
  }

  /** Takes the next piece and answers the response when it is whole. Throws an Error for what is no HTTP/1.1. */
  push(piece: Buffer): HttpResponse | undefined {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#head === undefined) {
      const head = this.#readHead();
      if (head === undefined) return undefined;
      // Interim responses announce the one that counts (RFC 9110 §15.2).
      if (head.status >= 200) this.#head = { ...head, framing: framingOf(head) };
      else if (head.status === 101) throw new Error('the server switches to another protocol');
    }
    const { framing } = this.#head;
    if (framing.by === 'chunks') return this.#readChunks() ? this.#whole() : undefined;
    const left = framing.by === 'length' ? framing.bytes - this.#bodyBytes : this.#rest.length;
    this.#keep(this.#take(Math.min(left, this.#rest.length)));
    return framing.by === 'length' && this.#bodyBytes === framing.bytes ? this.#whole() : undefined;
  }

  /** The connection has ended: answers a response whose end that is, and throws for any other. */
  end(): HttpResponse {
    if (this.#head?.framing.by === 'the end of the connection') return this.#whole();
    throw new Error(
      this.hasBegun ? 'the server ended the connection amid its response' : 'the server ended the connection',
    );
  }

  #whole(): HttpResponse {
    const { status, headers, isHttp11, framing } = this.#head!;
    const isAskedToClose = /(?:^|,)\s*close\s*(?:,|$)/i.test(headers.get('connection') ?? '');
    const isWhole = framing.by !== 'the end of the connection' && this.#rest.length === 0;
    const body = this.#body.length === 1 ? this.#body[0]! : Buffer.concat(this.#body);
    return { status, headers, body, isKept: isWhole && isHttp11 && !isAskedToClose };
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  #keep(octets: Buffer): void {
    this.#bodyBytes += octets.length;
    if (this.#bodyBytes > this.#maxBodyBytes)
      throw new Error(`the response is longer than ${this.#maxBodyBytes} octets`);
    if (octets.length > 0) this.#body.push(octets);
  }

  #readHead(): Head | undefined {
    const end = this.#rest.indexOf(headEnd);
    if (end > maxHeadBytes || (end < 0 && this.#rest.length > maxHeadBytes)) {
      throw new Error(`the head of the response is longer than ${maxHeadBytes} octets`);
    }
    if (end < 0) return undefined;
    const [line = '', ...fields] = this.#take(end + headEnd.length)
      .toString('latin1', 0, end)
      .split('\r\n');
    const [, minor, status] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/.exec(line) ?? [];
    if (status === undefined) throw new Error('what answers does not speak HTTP/1.1');
    return { status: Number(status), headers: headersOf(fields), isHttp11: minor === '1' };
  }

  /** A line without its end; `undefined` while it is not whole. */
  #readLine(most: number): string | undefined {
    const end = this.#rest.indexOf(crlf);
    if (end > most || (end < 0 && this.#rest.length > most + 1)) throw new Error('a line of the response is too long');
    return end < 0 ? undefined : this.#take(end + crlf.length).toString('latin1', 0, end);
  }

  /** Whether the last chunk and the trailers are through. */
  #readChunks(): boolean {
    for (;;) {
      const chunk = this.#chunk;
      if (chunk.at === 'octets') {
        const octets = this.#take(Math.min(chunk.left, this.#rest.length));
        this.#keep(octets);
        this.#chunk = { at: 'octets', left: chunk.left - octets.length };
        if (chunk.left > octets.length) return false;
        const after = this.#readLine(0);
        if (after === undefined) return false;
        this.#chunk = { at: 'size' };
        continue;
      }
      const line = this.#readLine(maxChunkLine);
      if (line === undefined) return false;
      if (chunk.at === 'trailers') {
        this.#trailerBytes += line.length;
        if (this.#trailerBytes > maxHeadBytes) throw new Error('the trailers of the response are too long');
        if (line === '') return true;
      } else {
        const [, digits] = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/.exec(line) ?? [];
        if (digits === undefined) throw new Error('a chunk of the response has no size');
        const left = Number.parseInt(digits, 16);
        this.#chunk = left === 0 ? { at: 'trailers' } : { at: 'octets', left };
      }
    }
  }
}

function headersOf(fields: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const field of fields) {
    const colon = field.indexOf(':');
    const name = field.slice(0, Math.max(0, colon)).toLowerCase();
    if (!token.test(name)) throw new Error('a header of the response has no name');
    const value = field.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

/** How long the body is (RFC 9112 §6.3). */
function framingOf({ status, headers }: Head): Framing {
  if (status === 204 || status === 304) return { by: 'length', bytes: 0 };
  const [coding, length] = [headers.get('transfer-encoding'), headers.get('content-length')];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw new Error(`the response is coded as ${coding}`);
    if (length !== undefined) throw new Error('the response is told to be chunked and to have a length');
    return { by: 'chunks' };
  }
  if (length === undefined) return { by: 'the end of the connection' };
  if (!/^\d{1,15}$/.test(length)) throw new Error('the length of the response is no number');
  return { by: 'length', bytes: Number(length) };
}
