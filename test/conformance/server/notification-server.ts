import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { deadline } from '#hal/wall.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { readDocument, type XmlElement } from '../xml.ts';
import type { SchemaCheck } from './raw-client.ts';

/** The most notifications that are kept unread; more than that is a server that does not stop. */
const maxKept = 1000;

/** Where a client has its notifications sent: an https server with the client's certificate. */
export class NotificationServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #schema: SchemaCheck;
  readonly #received = new Map<string, XmlElement[]>();
  readonly #disabled = new Set<string>();
  #faults: string[] = [];
  #arrival = Promise.withResolvers<void>();
  /** Paths that were tried while they were disabled. */
  readonly #refused = new Set<string>();

  constructor(identity: DeviceIdentity, schema: SchemaCheck) {
    this.#schema = schema;
    this.#server = createServer({
      cert: identity.certificatePem,
      key: identity.keyPem,
      ca: identity.caPem,
      requestCert: true,
      rejectUnauthorized: true,
      ciphers: 'ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0',
      ecdhCurve: 'prime256v1',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });
    this.#server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, url = '' } = request;
        if (this.#disabled.has(url)) {
          this.#refused.add(url);
          response.writeHead(503).end();
        } else {
          const text = Buffer.concat(chunks).toString();
          const isTaken = this.#take(`${method} ${url}`, url, request.headers['content-type'], text);
          response.writeHead(isTaken ? 201 : 400).end();
        }
        this.#wake();
      });
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** The notificationURI of a subscription. */
  uriOf(name: string): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`;
  }

  /** While disabled, notifications of that name are answered with 503. */
  disable(name: string, isDisabled: boolean): void {
    if (isDisabled) this.#disabled.add(`/${name}`);
    else this.#disabled.delete(`/${name}`);
  }

  /** What came for a name since the last time, in order. Throws where something came that was not a Notification. */
  collect(name: string): XmlElement[] {
    const [fault] = this.#faults;
    if (fault !== undefined) throw new Error(fault);
    const received = this.#received.get(`/${name}`) ?? [];
    this.#received.delete(`/${name}`);
    return received;
  }

  /** Resolves when something has come for a name that was not collected, or after so many milliseconds. */
  async arrived(name: string, withinMs: number): Promise<void> {
    await this.#until(() => this.#received.has(`/${name}`), withinMs);
  }

  /** Whether a name was tried while it was disabled, or is within so many milliseconds. */
  async wasRefused(name: string, withinMs: number): Promise<boolean> {
    await this.#until(() => this.#refused.has(`/${name}`), withinMs);
    return this.#refused.has(`/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #until(isSo: () => boolean, withinMs: number): Promise<void> {
    const limit = new AbortController();
    using _deadline = deadline(withinMs, () => {
      limit.abort();
      this.#wake();
    });
    while (!limit.signal.aborted && !isSo()) await this.#arrival.promise;
  }

  /** Those who wait look again; who waits next waits for what comes next. */
  #wake(): void {
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  #take(what: string, path: string, type: string | undefined, text: string): boolean {
    try {
      if (!what.startsWith('POST ') || type?.startsWith('application/sep+xml') !== true) {
        throw new Error(`expected a POST of application/sep+xml, got ${type}`);
      }
      this.#schema.check(text, what);
      const notification = readDocument(text);
      if (notification.name !== 'Notification') throw new Error(`expected a Notification, got ${notification.name}`);
      const kept = this.#received.get(path) ?? [];
      if (kept.length >= maxKept) throw new Error('too many notifications');
      this.#received.set(path, [...kept, notification]);
      return true;
    } catch (error) {
      this.#faults = [...this.#faults.slice(-9), `${what}: ${error instanceof Error ? error.message : String(error)}`];
      return false;
    }
  }
}
