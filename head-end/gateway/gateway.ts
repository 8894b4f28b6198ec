import type { AddressInfo } from 'node:net';
import fastifyStatic from '@fastify/static';
import { fastify, type FastifyInstance } from 'fastify';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { deadline } from '#hal/wall.ts';
import { isPageFile, pageFolder } from '../dashboard/page.ts';
import { EventStream } from './event-stream.ts';
import { guardLoopback } from './guard.ts';
import { History } from './history.ts';
import { describeRoutes } from './described-routes.ts';
import { apiBase, type OperatorParts } from './operator/operation.ts';
import { addOperatorRoutes } from './operator/routes.ts';
import { answerProblems, sendProblem } from './problem.ts';
import { addRoutes } from './routes.ts';
import type { SnapshotSource } from './snapshot.ts';

export interface GatewayOptions {
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /** `127.0.0.1` (also by the name `localhost`) or `::1`; `127.0.0.1` unless told. */
  readonly host?: string;
  readonly source: SnapshotSource;
  /** What operators manage; undefined while the head-end starts. */
  readonly operator?: () => OperatorParts | undefined;
  readonly log: Log;
  /** Pages that may listen at the same time; 64 unless told. */
  readonly maxEventClients?: number;
}

/** How long an answer under way may take after the gateway was told to stop, wall milliseconds. */
const closeGraceMs = 200;

/** REST, server-sent events and the page over plain HTTP, on loopback only. */
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
   * Listens, once in the gateway's life. Rejects with GTX-GTW-001 when the port is taken, GTX-GTW-002 for a host that
   * is not loopback, GTX-GTW-003 when it cannot listen for another reason.
   */
  async start(): Promise<{ port: number }> {
    const { port, source, log } = this.#options;
    const host = loopbackAddress(this.#options.host ?? '127.0.0.1');
    const app = this.#build();
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
    return { port: bound };
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

  #build(): FastifyInstance {
    const { source, log, operator } = this.#options;
    const app = fastify({
      logger: false,
      forceCloseConnections: 'idle',
      bodyLimit: 1024,
      requestTimeout: 10_000,
      frameworkErrors: (error, _request, reply) => sendProblem(reply, error, log),
    });
    guardLoopback(app);
    answerProblems(app, log);
    void app.register(
      async (api) => {
        describeRoutes(api);
        addRoutes(api, { source, events: this.#events, history: this.#history });
        addOperatorRoutes(api, operator ?? (() => undefined));
      },
      { prefix: apiBase },
    );
    void app.register(fastifyStatic, {
      root: pageFolder,
      allowedPath: isPageFile,
      dotfiles: 'deny',
      // The browser asks each time and mostly gets 304: an upgraded head-end never meets yesterday's page.
      cacheControl: false,
      setHeaders: (reply) => void reply.header('cache-control', 'no-cache'),
    });
    return app;
  }
}

function loopbackAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (host === '127.0.0.1' || host === '::1') return host;
  throw new GridError('GTX-GTW-002', `The dashboard may not listen on ${host}: it speaks plain HTTP`, {
    kind: 'input',
    hint: 'Use 127.0.0.1 and reach it from elsewhere through an SSH tunnel.',
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
