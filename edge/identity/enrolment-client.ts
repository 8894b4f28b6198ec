import { connect } from 'node:tls';
import { GridError, reasonOf } from '#hal/errors.ts';
import { HttpConnection, placeOf } from '#hal/http-connection.ts';
import type { KeyRole } from '#hal/key-store.ts';
import { problemIn } from '#hal/problem.ts';
import type { Static, TSchema } from '#hal/schema.ts';
import {
  type ChallengeJson,
  ChallengeSchema,
  checkedMessage,
  type FinishJson,
  type IssuedJson,
  IssuedSchema,
  type StartJson,
} from '#provisioning/enrolment/message-json.ts';

/** A chip makes its first keys in minutes, but the head-end answers at once. */
const timeoutMs = 30_000;
const maxResponseBytes = 64 * 1024;

/**
 * A head-end's enrolment service, as a board speaks to it. A refusal rejects with the code and the words of the
 * service (`GTX-ENR-…`, `GTX-TPM-…`); GTX-ENC-001 where it is not reached, GTX-ENC-002 for an answer that is none.
 */
export class EnrolmentClient implements AsyncDisposable {
  readonly #origin: string;
  readonly #client: HttpConnection;

  /** `ca`: PEM of the root that the head-end's certificate must come from; nothing else is trusted. */
  constructor(url: string, ca: string) {
    this.#origin = originOf(url);
    const { host, tls } = placeOf(this.#origin);
    this.#client = new HttpConnection({
      host,
      connect: (isReady) => connect({ ...tls, ca, minVersion: 'TLSv1.2' }, isReady),
      timeoutMs,
      idleMs: timeoutMs,
      maxBodyBytes: maxResponseBytes,
    });
  }

  start(message: StartJson): Promise<ChallengeJson> {
    return this.#ask('POST', '/enrolment/start', ChallengeSchema, message);
  }

  finish(message: FinishJson): Promise<IssuedJson> {
    return this.#ask('POST', '/enrolment/finish', IssuedSchema, message);
  }

  /** What the board was given before. Rejects with GTX-ENR-009 where it was given nothing. */
  certificate(endorsementHash: string, role: KeyRole): Promise<IssuedJson> {
    return this.#ask('GET', `/enrolment/certificates/${endorsementHash}/${role}`, IssuedSchema);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }

  async #ask<S extends TSchema>(method: 'GET' | 'POST', path: string, schema: S, message?: object): Promise<Static<S>> {
    let status: number;
    let text: string;
    try {
      const response = await this.#client.request({
        method,
        path,
        headers: { accept: 'application/json', ...(message && { 'content-type': 'application/json' }) },
        body: message === undefined ? null : JSON.stringify(message),
      });
      status = response.status;
      text = response.body.toString('utf8');
    } catch (error) {
      throw new GridError(
        'GTX-ENC-001',
        `The enrolment service at ${this.#origin} is not reached: ${reasonOf(error)}`,
        {
          hint: 'Check its address, that it runs, and that its certificate comes from the authority that the board was given (`ca.pem`).',
          cause: error,
        },
      );
    }
    if (status !== 200) throw problemIn(text) ?? noAnswer(`status ${status}`);
    try {
      return checkedMessage(schema, JSON.parse(text));
    } catch (error) {
      throw noAnswer(`status 200, ${reasonOf(error)}`);
    }
  }
}

const noAnswer = (what: string): GridError =>
  new GridError('GTX-ENC-002', `What answered is no enrolment service (${what})`, {
    hint: 'The enrolment service of a head-end has a port of its own: 8444 unless told.',
  });

function originOf(url: string): string {
  const parsedUrl = URL.parse(url);
  if (parsedUrl?.protocol === 'https:') return parsedUrl.origin;
  throw new GridError('GTX-ENC-003', `${url} is no address of an enrolment service`, {
    kind: 'input',
    hint: 'It is like https://head-end.example:8444.',
  });
}
