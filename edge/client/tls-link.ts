import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import type { GridError } from '#hal/errors.ts';
import { HttpConnection, type HttpRequest, placeOf } from '#hal/http-connection.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import { chainFault } from './peer-chain.ts';
import { keepStaple, stapleFault, type StapleRule } from './staple.ts';

/** What a board proves itself with; PEM texts. */
export interface ClientIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
  /** Why it cannot be had, where it cannot: no connection is opened by it then. */
  readonly fault?: GridError;
}

/** In place of one that is not there, or not yet. */
export const lostIdentity = (fault: GridError): ClientIdentity => ({
  certificatePem: '',
  keyPem: '',
  caPem: '',
  fault,
});

export interface TlsLinkOptions {
  readonly origin: string;
  readonly identity: ClientIdentity;
  /** Whether the server's certificate must name the host: certificates of foreign utilities have no host names. */
  readonly checkHostName: boolean;
  /** The server is asked for a proof that its certificate is not revoked, and this is made of it; not asked unless told. */
  readonly staple?: StapleRule;
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
const idleMs = 600_000;
const maxResponseBytes = 1 << 20;

/**
 * A kept-alive mutual TLS connection to one origin, opened anew when it is lost, and then resumed where it can be. With
 * an identity that is lost every request rejects with its fault.
 */
export function openTlsLink({ origin, identity, checkHostName, staple, onConnected }: TlsLinkOptions): HttpConnection {
  const { host, tls } = placeOf(origin);
  let session: Buffer | undefined;
  // Made once, and only when it is needed: a TPM is asked for its key with it.
  let secured: ReturnType<typeof securedBy> | undefined;
  return new HttpConnection({
    host,
    connect: (isReady) => {
      secured ??= securedBy(identity, checkHostName);
      const stapled = staple !== undefined && { requestOCSP: true };
      const socket = connect({ ...secured, ...tls, ...stapled, ...(session && { session }) });
      if (staple !== undefined) keepStaple(socket);
      socket.on('session', (next) => {
        session = next;
      });
      socket.once('secureConnect', () => {
        const fault = faultOf(socket, staple);
        if (fault !== undefined) {
          socket.destroy(new Error(fault));
          return;
        }
        onConnected(socket);
        isReady();
      });
      return socket;
    },
    timeoutMs,
    idleMs,
    maxBodyBytes: maxResponseBytes,
  });
}

/** Throws the fault of an identity that is lost, and what OpenSSL does where its key cannot be had. */
function securedBy({ certificatePem: cert, keyPem: key, caPem: ca, fault }: ClientIdentity, hostname: boolean) {
  if (fault !== undefined) throw fault;
  const options = clientTls({ cert, key, ca }, { hostname });
  return { ...options, secureContext: createSecureContext(options) };
}

/** What is wrong with a server that OpenSSL takes, if something is. */
function faultOf(socket: TLSSocket, staple: StapleRule | undefined): string | undefined {
  // Node gives a chain away once.
  const certificate = socket.getPeerX509Certificate();
  const fault = chainFault({ getPeerX509Certificate: () => certificate });
  return fault ?? (staple && stapleFault(socket, certificate, staple));
}

/** One request, and what of its answer matters. Rejects as `HttpConnection.request` does. */
export async function exchange(link: HttpConnection, request: HttpRequest): Promise<RawResponse> {
  const { status, headers, body } = await link.request(request);
  const retryAfter = headers.get('retry-after');
  return {
    status,
    location: headers.get('location'),
    etag: headers.get('etag'),
    retryAfter: retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined,
    body,
  };
}
