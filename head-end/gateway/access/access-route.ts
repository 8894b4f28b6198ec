import type { FastifyInstance, FastifyReply } from 'fastify';
import { wallSeconds } from '#hal/wall.ts';
import type { Access, SignedIn } from '../../access/access.ts';
import type { Site } from '../../access/passkeys.ts';
import type { Principal } from '../../access/principal.ts';
import { deniedTo, unknownAsker } from '../../access/refusals.ts';
import type { Opened } from '../../access/sessions.ts';
import type { OperatorAnswer, OperatorRoute } from '../operator/operation.ts';
import { starting } from '../operator/refusals.ts';
import { bodyOf, pathOf, send } from '../operator/routes.ts';

export interface AccessRequest {
  readonly access: Access;
  /** Who asks, as far as it is known. */
  readonly by: Principal | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Where the page was opened. */
  readonly site: Site;
  /** Of the one who asks. */
  readonly address: string;
  /** The live campus is shown to whoever reaches this listener. */
  readonly isWatchOpen: boolean;
  /** The meterId of a device that is named by it or its LFDI at a place of the body. Throws `GTX-OPR-002`. */
  readonly meterId: (device: string, pointer: string) => string;
}

export interface AccessAnswer extends OperatorAnswer {
  /** Opens or ends the session of the browser. */
  readonly session?: Opened | 'ended';
}

/** One route below `/api/v1/access`. */
export interface AccessRoute extends Pick<OperatorRoute, 'method' | 'path' | 'operation'> {
  readonly handle: (request: AccessRequest) => AccessAnswer | Promise<AccessAnswer>;
}

export interface AccessRoutesParts {
  readonly access: () => Access | undefined;
  readonly isWatchOpen: boolean;
  readonly isSecure: boolean;
  readonly cookieName: () => string;
  readonly meterId: (device: string, pointer: string) => string;
}

/** The person who asks. Throws GTX-ACC-001 for nobody, GTX-ACC-002 for a program. */
export function personIn({ access, by }: AccessRequest): SignedIn {
  if (by === undefined) throw unknownAsker();
  const person = access.personOf(by);
  if (person === undefined) throw deniedTo(by.role, 'it concerns a person, and a program asks');
  return person;
}

/**
 * Adds them; before it is known who may do what, each answers `GTX-OPR-005`. What an administrator does is written to the
 * security log first.
 */
export function addAccessRoutes(app: FastifyInstance, routes: readonly AccessRoute[], parts: AccessRoutesParts): void {
  for (const { method, path, operation, handle } of routes) {
    app.route({
      method,
      url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: 16_384,
      exposeHeadRoute: false,
      config: { operation },
      handler: async (request, reply) => {
        const access = parts.access();
        if (access === undefined) throw starting();
        const { by, site, ip: address } = request;
        const params = request.params as Readonly<Record<string, string>>;
        const { isWatchOpen, meterId } = parts;
        const body = bodyOf(request);
        if (operation.needs === 'administer' && by !== undefined) await access.noteAction(by, method, pathOf(request));
        const answer = await handle({ access, by, params, body, site, address, isWatchOpen, meterId });
        if (answer.session !== undefined) setSession(reply, answer.session, parts);
        return send(reply, answer);
      },
    });
  }
}

/** RFC 6265bis: no script reads it, no other site makes the browser send it; beyond loopback only TLS carries it. */
function setSession(reply: FastifyReply, session: Opened | 'ended', { isSecure, cookieName }: AccessRoutesParts): void {
  const options = { httpOnly: true, sameSite: 'strict', secure: isSecure, path: '/' } as const;
  const value = session === 'ended' ? '' : session.token;
  const maxAge = session === 'ended' ? 0 : session.session.until - wallSeconds();
  void reply.setCookie(cookieName(), value, { ...options, maxAge });
}
