import type { TLSSocket } from 'node:tls';
import { buildConnector, Client } from '#hal/http-client.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { clientTls, type TlsIdentity } from '#ieee2030_5/tls.ts';
import type { KnownAuthorities } from '../known-authorities.ts';

export interface NotificationLinkOptions {
  readonly origin: string;
  readonly identity: TlsIdentity;
  /** Those that the subscriber's certificate may come from; what they have revoked is refused. */
  readonly authorities: Pick<KnownAuthorities, 'check'>;
  /** Whether the holder of a certificate may be told. */
  readonly mayReceive: (lfdi: Lfdi) => boolean;
}

/** Wall time. */
const timeoutMs = 10_000;
const keepAliveMs = 600_000;

/** A kept-alive mutual TLS connection to a subscriber: his certificate is of our CA, and his own (§6.4, §8.6). */
export class NotificationLink {
  readonly #client: Client;
  readonly #origin: string;
  readonly #mayReceive: NotificationLinkOptions['mayReceive'];
  /** Who answered last. */
  #peer: Lfdi | undefined;

  constructor({ origin, identity, authorities, mayReceive }: NotificationLinkOptions) {
    // Who answers is seen in a full handshake only: a session that is resumed brings no certificate.
    const connect = buildConnector({ ...clientTls(identity), timeout: timeoutMs, maxCachedSessions: 0 });
    this.#origin = origin;
    this.#mayReceive = mayReceive;
    this.#client = new Client(origin, {
      connect: (options, callback) => {
        connect(options, (...result) => {
          const [error, socket] = result;
          const certificate = error === null ? (socket as TLSSocket).getPeerX509Certificate()?.raw : undefined;
          this.#peer = certificate && lfdiOf(certificate);
          const isChecked = certificate !== undefined && authorities.check(certificate).ok;
          const refusal = error !== null || (isChecked && this.isWelcome()) ? undefined : refused(origin, this.#peer);
          if (refusal === undefined) {
            callback(...result);
            return;
          }
          socket?.destroy();
          callback(refusal, null);
        });
      },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      keepAliveTimeout: keepAliveMs,
      maxResponseSize: 1 << 16,
    });
  }

  /**
   * POSTs a Notification. Rejects with `GTX-NTF-001` when it did not arrive or was not taken, and with `GTX-NTF-002`
   * when someone else answers at the address.
   */
  async post(path: string, body: string): Promise<void> {
    const headers = { 'content-type': mediaType, accept: mediaType };
    let status: number;
    try {
      const response = await this.#client.request({ method: 'POST', path, headers, body });
      status = response.statusCode;
      await response.body.dump();
    } catch (error) {
      if (error instanceof GridError) throw error;
      throw new GridError('GTX-NTF-001', `No notification reaches ${this.#origin}: ${reasonOf(error)}`, {
        hint: 'Check that the device listens at its notificationURI, with a certificate of the same CA.',
        cause: error,
      });
    }
    if (status >= 200 && status < 300) return;
    throw new GridError('GTX-NTF-001', `${this.#origin}${path} answered a notification with ${status}`, {
      hint: 'The device does not know its subscription any more, or cannot take notifications now.',
    });
  }

  /** Whether who answered last may still be told; true before anybody has. */
  isWelcome(): boolean {
    return this.#peer === undefined || this.#mayReceive(this.#peer);
  }

  /** Ends after what is under way. */
  close(): Promise<void> {
    return this.#client.close();
  }

  /** Ends at once. */
  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}

const refused = (origin: string, peer: Lfdi | undefined): GridError =>
  new GridError('GTX-NTF-002', `At ${origin} answers ${peer ?? 'nobody'}, who may not be told`, {
    hint: 'A notificationURI leads to the device that subscribed, or to its aggregator, with a certificate in force.',
  });
