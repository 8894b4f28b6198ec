import type { FastifyInstance } from 'fastify';
import { openApiOf, type DescribedRoute } from './operator/openapi.ts';
import { apiBase, type Operation } from './operator/operation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the interface description says of the route; a HEAD route has that of its GET. */
    readonly operation?: Operation;
  }
}

const own: Operation = {
  id: 'getOpenApi',
  tag: 'interface',
  needs: 'open',
  summary: 'This description',
  answers: { 200: { what: 'OpenAPI 3.1', schema: { type: 'object' } } },
};

/** Describes every route that is added from now on at `openapi.json`; a route without a description is refused. */
export function describeRoutes(app: FastifyInstance): void {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const operation = config?.operation;
    if (operation === undefined) throw new TypeError(`${String(method)} ${url} has no description`);
    if (method === 'HEAD') return;
    const path = url.slice(apiBase.length).replaceAll(/:(\w+)/g, '{$1}');
    routes.push({ method: String(method), path, operation });
  });
  let description: string | undefined;
  app.get('/openapi.json', { config: { operation: own } }, async (_request, reply) => {
    description ??= JSON.stringify(openApiOf(routes));
    return reply.type('application/json; charset=utf-8').send(description);
  });
}
