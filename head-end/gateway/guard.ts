import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { GridError } from '#hal/errors.ts';

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

/** Whether a Host header (RFC 9110 §7.2) names this machine's loopback, with any port. */
export function isLoopbackHost(header: string | undefined): boolean {
  return header !== undefined && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(header);
}

/**
 * Keeps other sites in the user's browser out of the plain-HTTP port: a name that was rebound to loopback fails by
 * its Host header, and another site's script fails by Sec-Fetch-Site before it can hold a stream open. Whoever may log
 * in on this machine may read and write: until operators sign in with names and roles of their own, nothing but
 * loopback is listened on, and a write is taken from no page but ours.
 */
export function guardLoopback(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(securityHeaders);
    if (!isLoopbackHost(request.headers.host)) {
      const hint = 'Open it as http://localhost or http://127.0.0.1.';
      throw new GridError('GTX-GTW-006', 'This server answers on its loopback names only', { hint });
    }
    if (request.url.startsWith('/api/') && request.headers['sec-fetch-site'] === 'cross-site') {
      throw new GridError('GTX-GTW-009', 'Another site may not use this interface');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isOwnWrite(request.headers)) {
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
export function isOwnWrite(headers: IncomingHttpHeaders): boolean {
  const { host, origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || (host !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`);
}
