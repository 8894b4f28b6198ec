import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GridError } from '#hal/errors.ts';
import { assignmentRoutes } from './assignment-routes.ts';
import { authorityRoutes } from './authority-routes.ts';
import { deviceRoutes } from './device-routes.ts';
import { connectionPoint, documentKinds } from './document-kinds.ts';
import { documentRoutes } from './document-routes.ts';
import { exchangeRoutes } from './exchange-routes.ts';
import { explainRoutes } from './explain-routes.ts';
import { fileRoutes } from './file-routes.ts';
import type { OperatorAnswer, OperatorParts, OperatorRoute } from './operation.ts';
import { devicePlace, topPlace } from './place.ts';
import { redirectRoutes } from './redirect-routes.ts';
import { settingsRoutes } from './settings-routes.ts';

/** Bytes of a body. */
const bodyLimit = 1 << 20;

/** All that operators can do. */
export const operatorRoutes: readonly OperatorRoute[] = [
  ...deviceRoutes,
  ...explainRoutes,
  ...documentRoutes(connectionPoint, devicePlace),
  ...documentKinds.flatMap((kind) => documentRoutes(kind, topPlace(kind.path))),
  ...fileRoutes,
  ...assignmentRoutes,
  ...redirectRoutes,
  ...settingsRoutes,
  ...authorityRoutes,
  ...exchangeRoutes,
];

/** Adds them; before there is something to manage, each answers `GTX-OPR-005`. */
export function addOperatorRoutes(app: FastifyInstance, parts: () => OperatorParts | undefined): void {
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
        const managed = parts();
        if (managed === undefined) throw starting;
        const params = request.params as Readonly<Record<string, string>>;
        return send(reply, await route.handle({ parts: managed, params, body: bodyOf(request) }));
      },
    });
  }
}

const bodyOf = ({ body }: FastifyRequest): unknown => body ?? undefined;

function send(reply: FastifyReply, { status, location, body, stream }: OperatorAnswer): FastifyReply {
  void reply.code(status);
  if (location !== undefined) void reply.header('location', location);
  if (stream !== undefined) return reply.type(stream.mediaType).send(stream.chunks);
  return body === undefined ? reply.send() : reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}

const starting = new GridError('GTX-OPR-005', 'The head-end is starting', { hint: 'Try again in some seconds.' });
