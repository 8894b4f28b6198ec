import type { RawAnswer, RawRequest } from '../raw-server.ts';
import { clientRoutes } from './client-routes.ts';
import { deviceRoutes } from './device-routes.ts';
import { mirrorRoutes } from './mirror-routes.ts';
import { pricingRoutes } from './pricing-routes.ts';
import { programRoutes } from './program-routes.ts';
import { mostInPage, notFound, type Route } from './routing.ts';
import type { Utility } from './utility.ts';

/** The resources of a utility by method and path: what a 2030.5 server answers (IEEE 2030.5-2018 §5 and the WADL). */
export class Resources {
  readonly #routes: readonly Route[];

  constructor(utility: Utility) {
    this.#routes = [
      ...clientRoutes(utility),
      ...deviceRoutes(utility, (path, lfdi) => this.resource(path, lfdi)),
      ...programRoutes(utility),
      ...pricingRoutes(utility),
      ...mirrorRoutes(utility),
    ];
  }

  answer(request: RawRequest): RawAnswer {
    const { method, path } = request;
    const matching = this.#routes.filter(([, pattern]) => pattern.test(path));
    if (matching.length === 0) return notFound;
    const route = matching.find(([other]) => other === method);
    if (route === undefined) return { status: 405, headers: { allow: matching.map(([other]) => other).join(', ') } };
    return route[2](request, route[1].exec(path)?.slice(1) ?? []);
  }

  /** The document of a resource, as a notification carries it; `undefined` where it is gone. */
  resource(path: string, lfdi: string, limit = mostInPage): string | undefined {
    const query = new URLSearchParams({ l: String(limit) });
    const answer = this.answer({ method: 'GET', path, query, headers: {}, body: '', lfdi });
    return answer.status === 200 ? answer.body : undefined;
  }
}
