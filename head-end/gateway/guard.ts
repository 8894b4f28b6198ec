import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { GridError } from '#hal/errors.ts';
import type { Site } from '../access/passkeys.ts';
import type { Listener } from './listener.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where it was sent to. */
    site: Site;
  }
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
const year = 31_536_000;

/**
 * Keeps other sites in the user's browser out: a name that was rebound to this address fails by its Host header, another
 * site's script fails by Sec-Fetch-Site before it can hold a stream open, and a write is taken from no page but ours.
 */
export function guard(app: FastifyInstance, listener: Listener): void {
  const headers = {
    ...securityHeaders,
    ...(listener.tls !== undefined && { 'strict-transport-security': `max-age=${year}` }),
  };
  app.decorateRequest('site');
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(headers);
    const site = listener.site(request.headers.host);
    if (site === undefined) {
      const names = listener.tls === undefined ? 'its loopback names' : 'the names in its certificate';
      const hint = 'Plain HTTP is reached as http://localhost or http://127.0.0.1, TLS by the certified name.';
      throw new GridError('GTX-GTW-006', `This server answers on ${names} only`, { hint });
    }
    request.site = site;
    if (request.url.startsWith('/api/') && request.headers['sec-fetch-site'] === 'cross-site') {
      throw new GridError('GTX-GTW-009', 'Another site may not use this interface');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isOwnWrite(request.headers, site)) {
      throw new GridError('GTX-GTW-011', 'Another page may not change anything here', {
        hint: 'Use the page of this head-end, or a program that sends no Origin header.',
      });
    }
  });
}

/**
 * Whether a write comes from our own page, or from no page at all: browsers say where a script is from, by Origin
 * (RFC 6454) and Sec-Fetch-Site (W3C Fetch Metadata); another port of this machine is another page.
 */
export function isOwnWrite(headers: IncomingHttpHeaders, { origin }: Site): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return headers.origin === undefined || headers.origin.toLowerCase() === origin;
}
