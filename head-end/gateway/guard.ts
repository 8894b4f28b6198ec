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
 * its Host header, and another site's script fails by Sec-Fetch-Site before it can hold a stream open.
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
  });
}
