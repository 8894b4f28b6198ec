import assert from 'node:assert/strict';
import type { Content } from './xml.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };
export type JsonObject = { readonly [name: string]: Json | undefined };
/** A document by its elements, as REST and XML have it alike. */
export type Elements = { readonly [name: string]: Content | readonly Content[] | undefined };

/** What an operator does over REST; everything here could be done with curl. */
export class Operator {
  readonly #base: string;
  /** An API key; of another head-end after a restart. */
  key: string;

  constructor(port: number, key: string) {
    this.#base = `http://127.0.0.1:${port}/api/v1`;
    this.key = key;
  }

  /** The answer, whatever its status. */
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: JsonObject }> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as JsonObject) };
  }

  /** The document of an answer that must be a success. */
  async done(method: string, path: string, body?: unknown): Promise<JsonObject> {
    const answer = await this.ask(method, path, body);
    const asked = `operator: ${method} ${path} ${JSON.stringify(body ?? null)}`;
    assert.ok(answer.status >= 200 && answer.status < 300, `${asked}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** The id of what a POST makes. */
  async make(path: string, body: unknown): Promise<string> {
    const { id } = await this.done('POST', path, body);
    assert.ok(typeof id === 'string' || typeof id === 'number', `operator: POST ${path}: no id in the answer`);
    return String(id);
  }
}
