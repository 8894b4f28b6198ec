import type { FastifyInstance, FastifyReply } from 'fastify';
import { GridError, type GridErrorCode, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';

/** The HTTP status of each refusal that a client can meet. */
const statuses: Readonly<Partial<Record<GridErrorCode, number>>> = {
  'GTX-GTW-004': 404,
  'GTX-GTW-005': 404,
  'GTX-GTW-006': 421,
  'GTX-GTW-007': 503,
  'GTX-GTW-008': 400,
  'GTX-GTW-009': 403,
};

/** What of a failure a client may know: a `GridError` as it is, a bad request's reason, and no inner detail. */
function problemOf(error: unknown): { status: number; error: GridError } {
  if (error instanceof GridError && statuses[error.code] !== undefined) {
    return { status: statuses[error.code] ?? 500, error };
  }
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    const status = error.statusCode;
    if (status >= 400 && status < 500) return { status, error: new GridError('GTX-GTW-008', error.message) };
  }
  const hint = 'The log of the head-end has the cause.';
  return { status: 500, error: new GridError('GTX-GTW-010', 'The head-end could not answer', { hint }) };
}

/** Answers with `{code, message, hint}`; what is our own fault goes to the log in full. */
export function sendProblem(reply: FastifyReply, failure: unknown, log: Log): void {
  const { status, error } = problemOf(failure);
  if (status >= 500) log.error({ err: failure, path: reply.request.url }, `request failed: ${reasonOf(failure)}`);
  void reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send({ code: error.code, message: error.message, hint: error.hint ?? null });
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
