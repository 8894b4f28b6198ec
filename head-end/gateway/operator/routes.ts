import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../../access/access.ts';
import { assignmentRoutes } from './assignment-routes.ts';
import { authorityRoutes } from './authority-routes.ts';
import { deviceRoutes } from './device-routes.ts';
import { connectionPoint, documentKinds } from './document-kinds.ts';
import { documentRoutes } from './document-routes.ts';
import { exchangeRoutes } from './exchange-routes.ts';
import { explainRoutes } from './explain-routes.ts';
import { fileRoutes } from './file-routes.ts';
import { identityRoutes } from './identity-routes.ts';
import { flashedBoardRoutes } from './flashed-board-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import type { OperatorAnswer, OperatorParts, OperatorRoute } from './operation.ts';
import { devicePlace, topPlace } from './place.ts';
import { starting } from './refusals.ts';
import { quarantineRoutes } from './quarantine-routes.ts';
import { redirectRoutes } from './redirect-routes.ts';
import { settingsRoutes } from './settings-routes.ts';

/** Bytes of a body. */
const bodyLimit = 1 << 20;

/** All that operators can do. */
export const operatorRoutes: readonly OperatorRoute[] = [
  ...deviceRoutes,
  ...identityRoutes,
  ...quarantineRoutes,
  ...explainRoutes,
  ...documentRoutes(connectionPoint, devicePlace),
  ...documentKinds.flatMap((kind) => documentRoutes(kind, topPlace(kind.path))),
  ...fileRoutes,
  ...assignmentRoutes,
  ...redirectRoutes,
  ...settingsRoutes,
  ...authorityRoutes,
  ...flashedBoardRoutes,
  ...exchangeRoutes,
  ...metricsRoutes,
];

export interface Managed {
  readonly parts: OperatorParts;
  readonly access: Access;
}

/**
 * Adds them; before there is something to manage, each answers `GTX-OPR-005`. What changes something is written to the
 * security log first, with who asks.
 */
export function addOperatorRoutes(app: FastifyInstance, managed: () => Managed | undefined): void {
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  for (const route of operatorRoutes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: route.bodyLimit ?? bodyLimit,
      exposeHeadRoute: false,
      config: { operation: route.operation },
      handler: async (request, reply) => {
        const now = managed();
        const { by, method } = request;
        if (now === undefined || by === undefined) throw starting();
        const params = request.params as Readonly<Record<string, string>>;
        if (route.operation.needs === 'operate') await now.access.noteAction(by, method, pathOf(request));
        return send(reply, await route.handle({ parts: now.parts, by, params, body: bodyOf(request) }));
      },
    });
  }
}

/** Without a query, which could hold anything. */
export const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? url;

export const bodyOf = ({ body }: FastifyRequest): unknown => body ?? undefined;

export function send(reply: FastifyReply, { status, location, body, stream }: OperatorAnswer): FastifyReply {
  void reply.code(status);
  if (location !== undefined) void reply.header('location', location);
  if (stream !== undefined) return reply.type(stream.mediaType).send(stream.chunks);
  return body === undefined ? reply.send() : reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}
