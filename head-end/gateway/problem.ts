import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { RetryLater } from '../access/refusals.ts';

/** The HTTP status of each refusal that a client can meet, by how its code begins; the first that fits counts. */
const statuses: readonly (readonly [start: string, status: number])[] = [
  ['GTX-GTW-004', 404],
  ['GTX-GTW-005', 404],
  ['GTX-GTW-006', 421],
  ['GTX-GTW-007', 503],
  ['GTX-GTW-009', 403],
  ['GTX-GTW-011', 403],
  ['GTX-OPR-001', 404],
  ['GTX-OPR-002', 422],
  ['GTX-OPR-003', 409],
  ['GTX-OPR-005', 503],
  ['GTX-EXL-001', 503],
  ['GTX-JSN-', 422],
  ['GTX-IDN-', 422],
  ['GTX-RES-002', 422],
  ['GTX-RES-004', 413],
  ['GTX-RES-', 409],
  ['GTX-REG-001', 409],
  ['GTX-REG-002', 422],
  ['GTX-REG-003', 403],
  ['GTX-REN-002', 409],
  ['GTX-REN-', 403],
  ['GTX-ENR-003', 409],
  ['GTX-ENR-004', 409],
  ['GTX-ENR-005', 409],
  ['GTX-ENR-008', 422],
  ['GTX-ENR-009', 404],
  ['GTX-ENR-02', 409],
  ['GTX-ENR-', 403],
  ['GTX-TPM-003', 422],
  ['GTX-TPM-008', 422],
  ['GTX-TPM-02', 403],
  ['GTX-TPM-03', 403],
  ['GTX-PRV-005', 422],
  ['GTX-ACC-001', 401],
  ['GTX-ACC-002', 403],
  ['GTX-ACC-003', 401],
  ['GTX-ACC-004', 429],
  ['GTX-ACC-005', 429],
  ['GTX-ACC-006', 422],
  ['GTX-ACC-007', 410],
  ['GTX-ACC-008', 404],
  ['GTX-ACC-009', 409],
  ['GTX-ACC-010', 401],
  ['GTX-ACC-011', 422],
  ['GTX-ACC-012', 503],
  ['GTX-ACC-014', 403],
  ['GTX-DB-003', 503],
  ['GTX-DB-008', 503],
];

/** The HTTP status of a refusal or of an outage that may pass; undefined for a fault of ours. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof GridError ? statuses.find(([start]) => error.code.startsWith(start))?.[1] : undefined;

/** What of a failure a client may know: a refusal as it is, a bad request's reason, and no inner detail. */
function problemOf(error: unknown): { status: number; error: GridError } {
  const known = statusOf(error);
  if (known !== undefined) return { status: known, error: error as GridError };
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    const status = error.statusCode;
    if (status >= 400 && status < 500) {
      const hint = '/api/v1/openapi.json tells what each path takes.';
      return { status, error: new GridError('GTX-GTW-008', error.message, { hint }) };
    }
  }
  const hint = 'The log of the head-end has the cause.';
  return { status: 500, error: new GridError('GTX-GTW-010', 'The head-end could not answer', { hint }) };
}

/** Answers with a problem (RFC 9457) that has our code and hint; what is our own fault goes to the log in full. */
export function sendProblem(reply: FastifyReply, failure: unknown, log: Log): void {
  const { status, error } = problemOf(failure);
  if (status >= 500) log.error({ err: failure, path: reply.request.url }, `request failed: ${reasonOf(failure)}`);
  if (error instanceof RetryLater) void reply.header('retry-after', String(error.retryAfter));
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="gridtokenx"');
  const title = STATUS_CODES[status] ?? 'Problem';
  const problem = {
    type: 'about:blank',
    title,
    status,
    detail: error.message,
    code: error.code,
    hint: error.hint ?? null,
  };
  void reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** Every refusal and failure of the server leaves in the same form, unknown paths included. */
export function answerProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error, log));
  app.setNotFoundHandler((request, reply) => {
    const hint = 'The page is at /, the interface below /api/v1/.';
    const path = request.url.split('?', 1)[0] ?? '/';
    sendProblem(reply, new GridError('GTX-GTW-004', `Nothing at ${request.method} ${path}`, { hint }), log);
  });
}
