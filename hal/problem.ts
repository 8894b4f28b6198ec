import { GridError, type GridErrorCode } from './errors.ts';

/** A refusal as a head-end writes it (RFC 9457, with our code and hint); undefined for any other text. */
export function problemIn(text: string): GridError | undefined {
  let problem: { readonly code?: unknown; readonly detail?: unknown; readonly hint?: unknown } | null;
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    return undefined;
  }
  const { code, detail, hint } = problem ?? {};
  if (typeof code !== 'string' || !/^GTX-[A-Z]+-\d{3}$/.test(code) || typeof detail !== 'string') return undefined;
  return new GridError(code as GridErrorCode, detail, typeof hint === 'string' ? { hint } : {});
}
