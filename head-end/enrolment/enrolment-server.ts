import type { AddressInfo, Socket } from 'node:net';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import type { KeyRole } from '#hal/key-store.ts';
import type { Log } from '#hal/log.ts';
import { deadline } from '#hal/wall.ts';
import { answerProblems, sendProblem } from '../gateway/problem.ts';
import { networkOf } from '../network.ts';
import { Connections } from '../server/connections.ts';
import { enrolmentOpenApi } from './enrolment-openapi.ts';
import type { EnrolmentService } from './enrolment-service.ts';

export interface EnrolmentServerOptions {
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  /** PEM texts of the head-end's certificate chain and key. */
  readonly tls: { readonly cert: string; readonly key: string };
  readonly service: Pick<EnrolmentService, 'start' | 'finish' | 'certificateOf'>;
  readonly log: Log;
  /** Wall milliseconds; 10 s unless told. */
  readonly handshakeTimeoutMs?: number;
}

/** Endorsement certificates are 1 to 2 KiB, and everything else is smaller. */
const bodyLimit = 64 * 1024;
/** Of all networks; whoever opens more at a time has to come again. */
const mostConnections = 1024;
/** The port is open to all: no network may take it all. `ofDevice`: of one network here, whose oldest gives way. */
const limits = { handshakes: 512, handshakesOfAddress: 64, ofDevice: 64 };
const defaultHandshakeTimeoutMs = 10_000;
const requestTimeoutMs = 10_000;
/** Between the messages of one enrolment a slow TPM works for some seconds. */
const keepAliveMs = 30_000;
/** How long an answer under way may take after the server was told to stop, wall milliseconds. */
const closeGraceMs = 200;

/** The enrolment service over HTTPS; the board authenticates by its messages, not by TLS. */
export class EnrolmentServer implements AsyncDisposable {
  readonly #options: EnrolmentServerOptions;
  /** By network: nobody has a name here. */
  readonly #connections = new Connections<string>(limits);
  #app: FastifyInstance | undefined;

  constructor(options: EnrolmentServerOptions) {
    this.#options = options;
  }

  /** Listens, once in its life; answers the port. Rejects with GTX-ENR-030. */
  async start(): Promise<number> {
    const { port, host } = this.#options;
    const app = this.#build();
    this.#app = app;
    try {
      await app.listen({ port, host });
    } catch (error) {
      await this[Symbol.asyncDispose]();
      const why = systemCode(error) === 'EADDRINUSE' ? 'is taken' : `cannot be used: ${reasonOf(error)}`;
      throw new GridError('GTX-ENR-030', `Port ${port} of the enrolment service ${why}`, {
        hint: 'Choose another with --enrolment-port PORT; 0 takes any free one.',
        cause: error,
      });
    }
    return (app.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    if (app === undefined) return;
    const force = deadline(closeGraceMs, () => {
      app.server.closeAllConnections();
      this.#connections.breakOff();
    });
    await app.close();
    force[Symbol.dispose]();
  }

  #build(): FastifyInstance {
    const { service, tls, log, handshakeTimeoutMs = defaultHandshakeTimeoutMs } = this.#options;
    const connections = this.#connections;
    const app = fastify({
      // What devices of 2030.5 speak, and what is newer.
      https: {
        ...tls,
        minVersion: 'TLSv1.2' as SecureVersion,
        handshakeTimeout: handshakeTimeoutMs,
        connectionsCheckingInterval: requestTimeoutMs,
      },
      logger: false,
      forceCloseConnections: 'idle',
      bodyLimit,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      frameworkErrors: (error, _request, reply) => sendProblem(reply, error, log),
    });
    app.server.maxConnections = mostConnections;
    app.server.on('connection', (socket: Socket) => connections.begin(socket));
    app.server.on('secureConnection', (socket: TLSSocket) =>
      connections.admit(socket, networkOf(socket.remoteAddress)),
    );
    answerProblems(app, log);
    app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
    app.post('/enrolment/start', ({ body, ip }) => service.start(body, ip));
    app.post('/enrolment/finish', ({ body, ip }) => service.finish(body, ip));
    app.get('/enrolment/certificates/:hash/:role', ({ params }: FastifyRequest) => {
      const { hash = '', role } = params as Readonly<Record<string, string>>;
      return service.certificateOf(hash, role as KeyRole);
    });
    app.get('/openapi.json', () => enrolmentOpenApi);
    return app;
  }
}
