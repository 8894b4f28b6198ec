import type { AddressInfo } from 'node:net';
import fastifyCookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { deadline } from '#hal/wall.ts';
import type { Access } from '../access/access.ts';
import { isPageFile, pageAt, pageFolder } from '../dashboard/page.ts';
import { EventStream } from './event-stream.ts';
import { accessRoutes } from './access/routes.ts';
import { addMe } from './access/me-route.ts';
import { addAccessRoutes } from './access/access-route.ts';
import { authorise } from './authorise.ts';
import { guard } from './guard.ts';
import { Listener, type ListenerTls } from './listener.ts';
import { History } from './history.ts';
import { describeRoutes } from './described-routes.ts';
import { apiBase, type OperatorParts } from './operator/operation.ts';
import { deviceOf } from './operator/device-json.ts';
import { starting } from './operator/refusals.ts';
import { addOperatorRoutes, type Managed } from './operator/routes.ts';
import { answerProblems, sendProblem } from './problem.ts';
import { addRoutes } from './routes.ts';
import type { SnapshotSource } from './snapshot.ts';

export interface GatewayOptions {
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /** The address to listen on; `127.0.0.1` unless told. Beyond loopback it takes `tls`. */
  readonly host?: string;
  readonly tls?: ListenerTls;
  readonly source: SnapshotSource;
  /** What operators manage; undefined while the head-end starts. */
  readonly operator?: () => OperatorParts | undefined;
  /** Who may do what; undefined while the head-end starts. */
  readonly access?: () => Access | undefined;
  readonly log: Log;
  /** Pages that may listen at the same time; 64 unless told. */
  readonly maxEventClients?: number;
}

/** How long an answer under way may take after the gateway was told to stop, wall milliseconds. */
const closeGraceMs = 200;

/**
 * REST, server-sent events and the page: over plain HTTP on loopback, or over TLS. On a loopback address, with TLS or
 * without, everyone at this machine may watch the live campus; elsewhere everything takes a sign-in.
 */
export class Gateway implements AsyncDisposable {
  readonly #options: GatewayOptions;
  readonly #history = new History();
  readonly #events: EventStream;
  #app: FastifyInstance | undefined;
  #changes: Disposable | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { source, maxEventClients } = options;
    this.#events = new EventStream({
      data: () => JSON.stringify(source.current()),
      ...(maxEventClients === undefined ? {} : { maxClients: maxEventClients }),
    });
  }

  /**
   * Listens, once in the gateway's life; answers how the page is opened. Rejects with GTX-GTW-001 when the port is taken, GTX-GTW-002 for a host that
   * is not loopback without TLS, GTX-GTW-012 for TLS files that cannot be used, GTX-GTW-003 when it cannot listen for
   * another reason.
   */
  async start(): Promise<{ port: number; origin: string }> {
    const { port, source, log } = this.#options;
    const listener = new Listener(this.#options.host ?? '127.0.0.1', this.#options.tls);
    const host = listener.address;
    const app = this.#build(listener);
    this.#app = app;
    try {
      await app.listen({ port, host });
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw listenFailure(error, port);
    }
    this.#record();
    this.#changes = source.onChange((time) => {
      if (this.#history.wants(time)) this.#record();
      this.#events.changed();
    });
    const bound = (app.server.address() as AddressInfo).port;
    log.info({ host, port: bound }, 'gateway listens');
    return { port: bound, origin: listener.origin(bound) };
  }

  /** Ends every stream and connection within a second; idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes?.[Symbol.dispose]();
    this.#changes = undefined;
    this.#events[Symbol.dispose]();
    const app = this.#app;
    this.#app = undefined;
    if (app === undefined) return;
    const force = deadline(closeGraceMs, () => app.server.closeAllConnections());
    await app.close();
    force[Symbol.dispose]();
  }

  #record(): void {
    const { time, campus, meters } = this.#options.source.current();
    // Until someone's second reading the campus's power is unknown, not zero.
    if (meters.every(({ powerAt }) => powerAt === null)) return;
    this.#history.add({ time, generationW: campus.generationW, loadW: campus.loadW, gridW: campus.gridW });
  }

  #build(listener: Listener): FastifyInstance {
    const { source, log } = this.#options;
    const app = createServer(listener, log);
    const { access, authorisation } = this.#authorisation(app, listener);
    void app.register(fastifyCookie, { hook: false });
    guard(app, listener);
    authorise(app, authorisation);
    answerProblems(app, log);
    void app.register(
      async (api) => {
        describeRoutes(api);
        addRoutes(api, {
          source,
          events: this.#events,
          history: this.#history,
          current: (by) => access()?.current(by),
        });
        addOperatorRoutes(api, () => this.#managed());
        addMe(api, listener.isLoopback);
        addAccessRoutes(api, accessRoutes, {
          ...authorisation,
          isSecure: listener.tls !== undefined,
          meterId: (device, pointer) => this.#meterId(device, pointer),
        });
      },
      { prefix: apiBase },
    );
    app.get('/.well-known/jwks.json', { config: { needs: 'open' } }, async () => {
      const known = access();
      if (known === undefined) throw starting();
      return known.programs.tokens.jwks();
    });
    addPage(app);
    return app;
  }

  #authorisation(app: FastifyInstance, listener: Listener) {
    const access = (): Access | undefined => this.#options.access?.();
    // A cookie does not know ports: two head-ends on one machine would sign each other's people out.
    const cookieName = (): string =>
      listener.tls === undefined ? `gridtokenx-${(app.server.address() as AddressInfo).port}` : '__Host-gridtokenx';
    const meterOf = (device: string): string | undefined => {
      const registry = this.#options.operator?.()?.registry;
      return (registry?.byMeterId(device) ?? registry?.byLfdi(device.toUpperCase()))?.meterId;
    };
    return { access, authorisation: { access, cookieName, meterOf, isWatchOpen: listener.isLoopback } };
  }

  #managed(): Managed | undefined {
    const [parts, access] = [this.#options.operator?.(), this.#options.access?.()];
    return parts === undefined || access === undefined ? undefined : { parts, access };
  }

  #meterId(device: string, pointer: string): string {
    const parts = this.#options.operator?.();
    if (parts === undefined) throw starting();
    return deviceOf(parts.registry, device, pointer).meterId;
  }
}

function createServer({ tls }: Listener, log: Log): FastifyInstance {
  const options = {
    logger: false,
    forceCloseConnections: 'idle',
    bodyLimit: 1024,
    requestTimeout: 10_000,
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) => sendProblem(reply, error, log),
  } as const;
  if (tls === undefined) return fastify(options);
  // RFC 9325 §4.2: forward secrecy and authenticated encryption alone.
  const https = { ...tls, minVersion: 'TLSv1.2', ciphers: restCiphers } as const;
  return fastify({ ...options, https });
}

const restCiphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** The page's files hold nothing that anyone may not see: what they show comes from the interface. */
function addPage(app: FastifyInstance): void {
  void app.register(fastifyStatic, {
    root: pageFolder,
    serve: false,
    allowedPath: isPageFile,
    dotfiles: 'deny',
    // The browser asks each time and mostly gets 304: an upgraded head-end never meets yesterday's page.
    cacheControl: false,
    setHeaders: (reply) => void reply.header('cache-control', 'no-cache'),
  });
  app.get('/*', { config: { needs: 'open' } }, async (request, reply) => {
    const { '*': path } = request.params as { readonly '*': string };
    const page = await pageAt(`/${path}`);
    if (page === undefined) return reply.sendFile(`/${path}`);
    void reply.headers({ 'cache-control': 'no-cache', etag: page.etag });
    if (request.headers['if-none-match'] === page.etag) return reply.code(304).send();
    return reply.type('text/html; charset=utf-8').send(page.html);
  });
}

function listenFailure(error: unknown, port: number): GridError {
  if (systemCode(error) === 'EADDRINUSE') {
    const hint = '`--http-port 0` takes any free port, `--http-port N` another one.';
    return new GridError('GTX-GTW-001', `Port ${port} is taken`, { hint, cause: error });
  }
  const hint = '`--http-port 0` takes any free port.';
  return new GridError('GTX-GTW-003', `Cannot listen on port ${port}: ${reasonOf(error)}`, { hint, cause: error });
}
