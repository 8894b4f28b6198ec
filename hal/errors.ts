/** A stable error code, `GTX-<area>-<three digits>`; scripts and documents may rely on it. */
export type GridErrorCode = `GTX-${string}-${number}`;

export interface GridErrorOptions {
  /** What the reader can do about it, in one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** `input`: the user's flag, value or file is at fault (exit code 2). `runtime`: something failed (exit code 1). */
  readonly kind?: 'input' | 'runtime';
}

/** The one error type of the system: caught by its code, read by a person. */
export class GridError extends Error {
  readonly code: GridErrorCode;
  readonly hint: string | undefined;
  readonly kind: 'input' | 'runtime';

  constructor(code: GridErrorCode, message: string, options: GridErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'GridError';
    this.code = code;
    this.hint = options.hint;
    this.kind = options.kind ?? 'runtime';
  }

  /** One line for a person: `GTX-MOD-003 No answer from unit 1. Check A/B wiring.` */
  describe(): string {
    return this.hint === undefined
      ? `${this.code} ${this.message}`
      : `${this.code} ${this.message}\n  hint: ${this.hint}`;
  }
}

/** The message of whatever was thrown, for a log line or as part of another message. */
export function reasonOf(error: unknown): string {
  if (error instanceof GridError) return `${error.code} ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node.js system error (`ENOENT`, `EADDRINUSE`, …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
