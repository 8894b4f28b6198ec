import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** PEM texts. */
export interface PemIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

/** IEEE 2030.5-2018 §6.7: the one mandatory suite on P-256, and nothing else: a client without it cannot come in. */
export const mandatoryTls = {
  ciphers: 'ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0',
  ecdhCurve: 'prime256v1',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;

/** A request as it came. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Of the client's certificate: the leftmost 160 bits of its SHA-256, upper case (IEEE 2030.5-2018 §6.3.4). */
  readonly lfdi: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request; `undefined` breaks the connection off. */
export type RawHandler = (request: RawRequest) => RawAnswer | undefined;

const bodyLimit = 1 << 20;

/** An HTTPS server that asks for a client's certificate and leaves every answer to a handler. */
export class RawServer implements AsyncDisposable {
  readonly #server: https.Server;
  #requestsUnderWay = 0;
  /** What every connection negotiated, in order; the oldest are forgotten. */
  readonly handshakes: { cipher: string; protocol: string; lfdi: string }[] = [];
  /** A handler that threw: the test that runs fails with it. */
  failure: unknown;

  constructor(identity: PemIdentity, handler: RawHandler, tls: https.ServerOptions = {}) {
    this.#server = https.createServer(
      {
        ...mandatoryTls,
        cert: identity.certificatePem,
        key: identity.keyPem,
        ca: identity.caPem,
        requestCert: true,
        rejectUnauthorized: true,
        ...tls,
      },
      (request, response) => void this.#answer(request, response, handler),
    );
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      if (this.handshakes.length >= 1000) this.handshakes.shift();
      this.handshakes.push({
        cipher: socket.getCipher().name,
        protocol: socket.getProtocol() ?? '',
        lfdi: lfdiOf(socket),
      });
    });
  }

  /** Listens on loopback, on a free port unless one is given. */
  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Whether a request waits for its answer. */
  get isBusy(): boolean {
    return this.#requestsUnderWay > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(message: IncomingMessage, response: ServerResponse, handler: RawHandler): Promise<void> {
    this.#requestsUnderWay++;
    try {
      const answered = handler(await requestOf(message));
      if (answered === undefined) {
        response.destroy();
        return;
      }
      const { status, body = '', headers = {} } = answered;
      response.writeHead(status, {
        ...(body === '' ? {} : { 'content-type': 'application/sep+xml' }),
        'content-length': Buffer.byteLength(body),
        ...headers,
      });
      response.end(body);
    } catch (error) {
      this.failure ??= error;
      response.destroy();
    } finally {
      this.#requestsUnderWay--;
    }
  }
}

async function requestOf(message: IncomingMessage): Promise<RawRequest> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message) {
    length += (chunk as Buffer).length;
    if (length > bodyLimit) throw new Error(`a body of more than ${bodyLimit} bytes`);
    chunks.push(chunk as Buffer);
  }
  const { method = '', headers } = message;
  const url = new URL(message.url ?? '/', 'https://server');
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: Buffer.concat(chunks).toString(),
    lfdi: lfdiOf(message.socket as TLSSocket),
  };
}

/** Asked for once a connection: to have the certificate taken apart costs more than most requests. */
const lfdis = new WeakMap<TLSSocket, string>();

function lfdiOf(socket: TLSSocket): string {
  const known = lfdis.get(socket);
  if (known !== undefined) return known;
  const { raw } = socket.getPeerCertificate();
  const lfdi = createHash('sha256').update(raw).digest('hex').slice(0, 40).toUpperCase();
  lfdis.set(socket, lfdi);
  return lfdi;
}
