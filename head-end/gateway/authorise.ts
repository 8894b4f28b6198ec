import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify';
import { reasonOf } from '#hal/errors.ts';
import type { Access } from '../access/access.ts';
import { type Principal, verdictOf } from '../access/principal.ts';
import { deniedTo, unknownAsker } from '../access/refusals.ts';
import type { Right } from '../access/roles.ts';
import { starting } from './operator/refusals.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of whoever asks, for a route that no interface description tells of. */
    readonly needs?: Right;
  }
  interface FastifyRequest {
    /** Who asks, as far as it is known. */
    by: Principal | undefined;
  }
}

export interface Authorisation {
  /** Undefined while the head-end starts. */
  readonly access: () => Access | undefined;
  /** The live campus is shown to whoever reaches this listener. */
  readonly isWatchOpen: boolean;
  readonly cookieName: () => string;
  /** The meterId of a device that a path names by it or its LFDI. */
  readonly meterOf: (device: string) => string | undefined;
}

const needsOf = (config: Partial<FastifyContextConfig> | undefined): Right | undefined =>
  config?.operation?.needs ?? config?.needs;

/**
 * Lets a request to its handler only where the table of roles grants what its route needs. A route that does not say
 * what it needs cannot be added; one that does not exist answers 404 whoever asks.
 */
export function authorise(app: FastifyInstance, given: Authorisation): void {
  app.decorateRequest('by', undefined);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (needsOf(config) === undefined) throw new TypeError(`${String(method)} ${url} does not say what it needs`);
  });
  app.addHook('onRequest', async (request) => {
    const right = needsOf(request.routeOptions.config);
    if (right === undefined) return;
    const { isWatchOpen } = given;
    const access = given.access();
    if (access === undefined) {
      if (verdictOf(undefined, { right, isWatchOpen }).at !== 'granted') throw starting();
      return;
    }
    request.by = await recognise(request, right, access, given.cookieName());
    const meter = meterIn(request, given);
    const verdict = verdictOf(request.by, { right, isWatchOpen, ...(meter !== undefined && { meter }) });
    if (verdict.at === 'unknown') throw unknownAsker();
    if (verdict.at === 'denied') {
      const refusal = deniedTo(request.by?.role ?? '', request.routeOptions.url ?? request.url);
      await access.noteRefusal(request.by, reasonOf(refusal), request.ip);
      throw refusal;
    }
  });
}

/** A program says who it is in a header, a person by a cookie; on open routes a wrong header is nobody's. */
async function recognise(
  { headers, ip, server }: FastifyRequest,
  right: Right,
  access: Access,
  cookieName: string,
): Promise<Principal | undefined> {
  const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined && right !== 'open') return access.programs.byBearer(bearer, ip);
  const token = headers.cookie === undefined ? undefined : server.parseCookie(headers.cookie)[cookieName];
  return token === undefined ? undefined : access.byCookie(token);
}

/** What is no device of ours is nobody's own. */
function meterIn({ params }: FastifyRequest, { meterOf }: Authorisation): string | undefined {
  const { device, meterId } = (params ?? {}) as { readonly device?: string; readonly meterId?: string };
  return device === undefined ? meterId : (meterOf(device) ?? '');
}
