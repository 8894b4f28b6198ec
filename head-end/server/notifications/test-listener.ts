import { once } from 'node:events';
import https, { type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { parseAs } from '#ieee2030_5/parse.ts';
import { type Lfdi, lfdiOf } from '#ieee2030_5/identity.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import type { Notification } from '#ieee2030_5/types.generated.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';

export interface Received {
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: string;
  readonly notification: Notification;
  /** Of whoever sent it. */
  readonly from: Lfdi | undefined;
}

/** A subscriber's own TLS server, on any free port; it answers what the test says. */
export class TestListener implements AsyncDisposable {
  readonly #server: Server;
  readonly received: Received[] = [];
  readonly #awaited: { readonly count: number; readonly resolve: () => void }[] = [];
  status = 204;
  connections = 0;
  requests = 0;
  #port = 0;

  constructor({ certificatePem: cert, keyPem: key, caPem: ca }: DeviceIdentity) {
    this.#server = https.createServer(serverTls({ cert, key, ca }), (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.requests++;
        const body = Buffer.concat(chunks).toString();
        const peer = (request.socket as TLSSocket).getPeerX509Certificate();
        response.writeHead(this.status).end();
        if (this.status >= 300) return;
        this.received.push({
          path: request.url ?? '',
          contentType: request.headers['content-type'],
          body,
          notification: parseAs('Notification', chunks.length === 0 ? Buffer.alloc(0) : Buffer.from(body)),
          from: peer && lfdiOf(peer.raw),
        });
        for (const { count, resolve } of this.#awaited) if (this.received.length >= count) resolve();
      });
    });
    this.#server.on('secureConnection', (socket) => {
      this.connections++;
      socket.once('close', () => this.#server.emit('ended'));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As when the device is off; `start` listens on the same port again. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Resolves when a connection ends. */
  nextEnd(): Promise<unknown> {
    return once(this.#server, 'ended');
  }

  uri(path = '/ntfy'): string {
    return `https://127.0.0.1:${this.#port}${path}`;
  }

  /** Resolves with the first `count` that were received. */
  async first(count: number): Promise<readonly Received[]> {
    if (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#awaited.push({ count, resolve });
      });
    }
    return this.received.slice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
