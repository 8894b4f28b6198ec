import { GridError } from '#hal/errors.ts';
import { parseAs } from '#ieee2030_5/parse.ts';

/** Statuses that the same request gets again however often it is sent. */
const hopeless: readonly number[] = [400, 413];

/** A refusal with its status; `404` asks the caller to discover anew. */
export class RefusedError extends GridError {
  readonly status: number;
  /** Seconds after which the server wants to be asked again: Retry-After, or an Error document's maxRetryDuration. */
  readonly retryAfter: number | undefined;

  constructor(method: string, href: string, status: number, detail: string, retryAfter?: number) {
    super('GTX-SEP-002', `${method} ${href}: the server answered ${status}${detail}`, {
      hint: 'Status 403: the device is not registered; 404: the resource moved, it is discovered anew; 503: try later.',
    });
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether it is of no use to send the same again. */
  get isHopeless(): boolean {
    return hopeless.includes(this.status);
  }
}

/** Refusals that pass: the registration may come back, the server may have time later. */
const passing: readonly number[] = [401, 403, 408, 425, 429];

/** Whether a post would get the same answer however often it is sent. */
export function isHopeless(error: GridError): boolean {
  if (!(error instanceof RefusedError)) return error.code !== 'GTX-SEP-001';
  return error.status < 500 && !passing.includes(error.status);
}

/** The refusal that a server's answer tells, with the reason of its Error document (IEEE 2030.5-2018, Error). */
export function refusalOf(
  method: string,
  href: string,
  { status, body, retryAfter }: { status: number; body: Uint8Array; retryAfter: number | undefined },
): RefusedError {
  if (body.length > 0) {
    try {
      const { reasonCode, maxRetryDuration } = parseAs('Error', body);
      return new RefusedError(method, href, status, ` (reasonCode ${reasonCode})`, retryAfter ?? maxRetryDuration);
    } catch {
      // Not an Error document: a proxy's page, say. The status says enough.
      return new RefusedError(method, href, status, '', retryAfter);
    }
  }
  return new RefusedError(method, href, status, '', retryAfter);
}
