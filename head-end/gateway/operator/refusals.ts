import type { Static, TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import { GridError } from '#hal/errors.ts';

/** 404: what a path names is not there. */
export const absent = (what: string, where: string): GridError =>
  new GridError('GTX-OPR-001', `There is no ${what}`, { hint: `GET ${where} lists what there is.`, kind: 'input' });

/** 422: the body, at a place told as a JSON pointer (RFC 6901), does not hold. */
export const unfit = (pointer: string, what: string, hint: string): GridError =>
  new GridError('GTX-OPR-002', `${pointer === '' ? 'The document' : pointer}: ${what}`, { hint, kind: 'input' });

/** 409: something of that identity is there already, or stands against it. */
export const conflict = (message: string, hint: string): GridError =>
  new GridError('GTX-OPR-003', message, { hint, kind: 'input' });

const schemaHint = 'GET /api/v1/openapi.json has the schema of every body; the place is a JSON pointer.';

/** A body that is no 2030.5 document, held against its schema; rejects with `GTX-OPR-002` at the first fault. */
export function checked<S extends TSchema>(schema: S, body: unknown): Static<S> {
  const [fault] = Errors(schema, body);
  if (fault === undefined) return body as Static<S>;
  // The schema `false` stands for every member that is not named.
  const what = fault.keyword === 'boolean' ? 'there is no such member' : fault.message;
  throw unfit(fault.instancePath, what, schemaHint);
}

/** 503: there is nothing to manage yet. */
export const starting = (): GridError =>
  new GridError('GTX-OPR-005', 'The head-end is starting', { hint: 'Try again in some seconds.' });
