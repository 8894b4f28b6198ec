import { type Logger, pino } from 'pino';

export type Log = Logger;

/** A structured log of one program on stderr: one JSON object a line. Secrets are never passed to it. */
export const createLog = (program: string, level: string): Log =>
  pino({ name: program, level, base: { program }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
