import type { TLSSocket } from 'node:tls';
import type { Dispatcher } from 'undici';
import { buildConnector, Client } from '#hal/http-client.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { chainFault } from './peer-chain.ts';
import { keepStaple, stapleFault } from './staple.ts';

/** What a board proves itself with; PEM texts. */
export interface ClientIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

export interface TlsLinkOptions {
  readonly origin: string;
  readonly identity: ClientIdentity;
  /** Whether the server's certificate must name the host: certificates of foreign utilities have no host names. */
  readonly checkHostName: boolean;
  /** Whether the server must prove that its certificate is not revoked: ours does. */
  readonly mustStaple?: boolean;
  readonly onConnected: (socket: TLSSocket) => void;
}

/** A server's answer as it came. */
export interface RawResponse {
  readonly status: number;
  readonly location: string | undefined;
  readonly etag: string | undefined;
  /** Retry-After in seconds; a date is not read. */
  readonly retryAfter: number | undefined;
  readonly body: Uint8Array;
}

const timeoutMs = 30_000;
const maxResponseBytes = 1 << 20;

/** A kept-alive mutual TLS connection to one origin, opened anew when it is lost. */
export function openTlsLink({
  origin,
  identity,
  checkHostName,
  mustStaple = false,
  onConnected,
}: TlsLinkOptions): Client {
  const { certificatePem: cert, keyPem: key, caPem: ca } = identity;
  const connect = buildConnector({
    ...clientTls({ cert, key, ca }, { hostname: checkHostName }),
    timeout: timeoutMs,
    ...(mustStaple && { requestOCSP: true }),
  });
  return new Client(origin, {
    connect: (options, callback) => {
      const connecting = connect(options, (...result) => {
        const [error, socket] = result;
        // With an error undici passes no socket at all, whatever its types say.
        if (error !== null) {
          callback(...result);
          return;
        }
        const fault = faultOf(socket as TLSSocket, mustStaple);
        if (fault !== undefined) {
          (socket as TLSSocket).destroy();
          callback(new Error(fault), null);
          return;
        }
        onConnected(socket as TLSSocket);
        callback(...result);
      });
      // Undici gives the socket back before its handshake, whatever its types say.
      if (mustStaple) keepStaple(connecting as unknown as TLSSocket);
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 600_000,
    maxResponseSize: maxResponseBytes,
  });
}

/** What is wrong with a server that OpenSSL takes, if something is. */
function faultOf(socket: TLSSocket, mustStaple: boolean): string | undefined {
  // Node gives a chain away once.
  const certificate = socket.getPeerX509Certificate();
  const fault = chainFault({ getPeerX509Certificate: () => certificate });
  return fault ?? (mustStaple ? stapleFault(socket, certificate) : undefined);
}

/**
 * One request by undici's dispatcher: a posting every 15 s of every board is the hot path, and most of the cost of
 * `client.request` is a stream for a body that is mostly empty.
 */
export function exchange(client: Client, options: Dispatcher.DispatchOptions): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let head: Omit<RawResponse, 'body'> | undefined;
    const chunks: Buffer[] = [];
    client.dispatch(options, {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, status, headers) => {
        const retryAfter = single(headers['retry-after']);
        head = {
          status,
          location: single(headers['location']),
          etag: single(headers['etag']),
          retryAfter: retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined,
        };
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd: () => {
        if (head === undefined) reject(new Error('the answer has no status'));
        else resolve({ ...head, body: Buffer.concat(chunks) });
      },
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined;
