import type { Handler, SepRequest, SepResponse } from './exchange.ts';
import { notFound } from './exchange.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
export type Resource = { readonly [M in Method]?: Handler };

interface Route {
  readonly segments: readonly string[];
  readonly resource: Resource;
}

/** Finds the resource of a path: `/edev/:device/frq` names its variable parts. */
export class Router {
  /** Routes by their number of segments: at most a handful each. */
  readonly #routes = new Map<number, Route[]>();

  add(pattern: string, resource: Resource): void {
    const segments = pattern.split('/').slice(1);
    const routes = this.#routes.get(segments.length) ?? [];
    routes.push({ segments, resource });
    this.#routes.set(segments.length, routes);
  }

  /** 404 for an unknown path, 405 with Allow for a method that the resource does not have (RFC 9110 §15.5.6). */
  handle(method: string, request: Omit<SepRequest, 'params'>): SepResponse | Promise<SepResponse> {
    const parts = request.path.split('/').slice(1);
    for (const { segments, resource } of this.#routes.get(parts.length) ?? []) {
      const params = match(segments, parts);
      if (params === undefined) continue;
      const handler = resource[(method === 'HEAD' ? 'GET' : method) as Method];
      if (handler === undefined) return { status: 405, allow: allowed(resource) };
      return handler({ ...request, params });
    }
    return notFound;
  }
}

const allowed = (resource: Resource): string => {
  const methods = Object.keys(resource);
  return (methods.includes('GET') ? [...methods, 'HEAD'] : methods).join(', ');
};

function match(segments: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const part = parts[i] ?? '';
    if (segment.startsWith(':')) params[segment.slice(1)] = part;
    else if (segment !== part) return undefined;
  }
  return params;
}
