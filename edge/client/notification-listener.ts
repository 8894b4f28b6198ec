import type { IncomingMessage, ServerResponse } from 'node:http';
import https, { type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { parseDocument } from '#ieee2030_5/parse.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import type { Notification } from '#ieee2030_5/types.generated.ts';
import type { ClientIdentity } from './tls-link.ts';

export interface NotificationListenerOptions {
  readonly identity: ClientIdentity;
  /** Address to listen on; `::` for all. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly log: Log;
}

/** Whether the notification was for a subscription that is known. */
export type NotificationHandler = (key: string, notification: Notification) => boolean;

/** Notifications are POSTed below this path, each subscription's to a name of its own. */
export const notificationPath = '/ntfy/';
const maxBodyBytes = 1 << 20;
/** A notifier that takes longer, ms, is cut off; so are headers that trickle in. */
const requestTimeoutMs = 10_000;

/**
 * Takes notifications over mutual TLS (IEEE 2030.5-2018 §8.6): POST of a Notification → 204; no XML, or not that
 * document → 400; a subscription that is not known → 404; too long → 413; another content type → 415.
 */
export class NotificationListener implements AsyncDisposable {
  readonly #options: NotificationListenerOptions;
  readonly #handle: NotificationHandler;
  #server: Server | undefined;

  constructor(options: NotificationListenerOptions, handle: NotificationHandler) {
    this.#options = options;
    this.#handle = handle;
  }

  /** Rejects with `GTX-SEP-012` when the port is taken. */
  async start(): Promise<void> {
    const { identity, host, port } = this.#options;
    const { certificatePem: cert, keyPem: key, caPem: ca } = identity;
    const options = {
      ...serverTls({ cert, key, ca }),
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
    };
    const server = https.createServer(options, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#options.log.warn({ reason: reasonOf(error) }, 'notification cut off');
        response.destroy();
      });
    });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (error) {
      throw new GridError('GTX-SEP-012', `Cannot listen for notifications on ${host}:${port}: ${reasonOf(error)}`, {
        hint: 'Give another port, or 0 for any that is free.',
        cause: error,
      });
    }
    this.#server = server;
  }

  /** The port that it listens on; only after `start`. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const status = await this.#statusOf(request);
    const headers = status === 405 ? { allow: 'POST' } : {};
    response.writeHead(status, { ...headers, ...(status === 413 && { connection: 'close' }) }).end();
  }

  async #statusOf(request: IncomingMessage): Promise<number> {
    const { method, url = '' } = request;
    if (!url.startsWith(notificationPath)) return 404;
    if (method !== 'POST') return 405;
    if (request.headers['content-type']?.split(';')[0]?.trim() !== mediaType) return 415;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBodyBytes) return 413;
      chunks.push(chunk);
    }
    try {
      const notifications = notificationsOf(Buffer.concat(chunks));
      const known = notifications.map((each) => this.#handle(url.slice(notificationPath.length), each));
      return known.every(Boolean) ? 204 : 404;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#options.log.warn({ reason: error.describe() }, 'notification not understood');
      return 400;
    }
  }
}

function notificationsOf(body: Uint8Array): readonly Notification[] {
  const document = parseDocument(body, { expect: ['Notification', 'NotificationList'] });
  return document.name === 'Notification' ? [document.value] : (document.value.Notification ?? []);
}
