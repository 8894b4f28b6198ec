import { GridError, reasonOf } from '#hal/errors.ts';

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'fault';
  readonly text: string;
  /** What to do about it; missing where there is nothing to do. */
  readonly hint?: string | undefined;
}

export const ok = (check: string, text: string): Finding => ({ check, state: 'ok', text });
export const warning = (check: string, text: string, hint: string): Finding => ({
  check,
  state: 'warning',
  text,
  hint,
});
export const fault = (check: string, text: string, hint: string | undefined): Finding => ({
  check,
  state: 'fault',
  text,
  hint,
});

/** A check that failed with an error; what nobody foresaw is thrown on. */
export function faultOf(check: string, error: unknown): Finding {
  if (error instanceof GridError) return fault(check, `${error.code} ${error.message}`, error.hint);
  throw error;
}

/** The same, where the error is one of the operating system. */
export const systemFault = (check: string, what: string, error: unknown, hint: string): Finding =>
  fault(check, `${what}: ${reasonOf(error)}`, hint);

const marks = { ok: 'ok     ', warning: 'warning', fault: 'FAULT  ' } as const;

export const textOf = ({ check, state, text, hint }: Finding): string =>
  `${marks[state]} ${check}: ${text}\n${hint === undefined ? '' : `        hint: ${hint}\n`}`;
