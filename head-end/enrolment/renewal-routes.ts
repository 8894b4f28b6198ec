import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { renewalPath } from '#provisioning/enrolment/renewal-json.ts';
import { statusOf } from '../gateway/problem.ts';
import type { OwnAnswer, OwnRequest } from '../server/own-service.ts';
import { RefusalRecord } from './refusal-record.ts';
import type { RenewalService } from './renewal-service.ts';

const largestBody = 16_384;

/** Renewal as the 2030.5 server serves it: POSTs of JSON below `/gtx/renewal`. */
export class RenewalRoutes {
  readonly #service: RenewalService;
  readonly #refusals: RefusalRecord;
  readonly #log: Log;

  constructor(service: RenewalService, refusals: RefusalRecord, log: Log) {
    this.#service = service;
    this.#refusals = refusals;
    this.#log = log;
  }

  /** The answer to a request, of whoever TLS says; undefined for a path that is none of these. */
  answer(request: OwnRequest): Promise<OwnAnswer> | undefined {
    // Asked of every request: nearly all of them are for IEEE 2030.5.
    if (!request.href.startsWith(renewalPath)) return undefined;
    const step = this.#steps[request.href];
    if (step === undefined) return undefined;
    if (request.method !== 'POST') return Promise.resolve({ status: 405 });
    return this.#answered(request, step);
  }

  readonly #steps: Readonly<Record<string, (request: OwnRequest) => Promise<object | undefined>>> = {
    [`${renewalPath}/start`]: ({ lfdi }) => this.#service.start(lfdi),
    [`${renewalPath}/finish`]: ({ lfdi, body }) => this.#service.finish(lfdi, jsonOf(body)),
    [`${renewalPath}/confirm`]: async ({ lfdi }) => {
      await this.#service.confirm(lfdi);
      return undefined;
    },
  };

  async #answered(request: OwnRequest, step: (request: OwnRequest) => Promise<object | undefined>): Promise<OwnAnswer> {
    try {
      const body = await step(request);
      return body === undefined ? { status: 204 } : { status: 200, body };
    } catch (error) {
      const status = statusOf(error);
      if (!(error instanceof GridError) || status === undefined) {
        this.#log.error({ reason: reasonOf(error) }, 'a renewal failed');
        return { status: 500 };
      }
      await this.#refusals.note(error, { from: request.lfdi });
      return { status, body: { code: error.code, detail: error.message, hint: error.hint ?? null } };
    }
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    if (body.length <= largestBody) return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    // What is no JSON does not hold against any schema.
  }
  return undefined;
}
