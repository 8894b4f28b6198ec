import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { GridError } from '#hal/errors.ts';
import { type Edition, mediaType } from '#ieee2030_5/namespaces.ts';
import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { SepResponse } from './exchange.ts';

/** What conditional requests say (RFC 9110 §13). */
export interface Conditions {
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
}

interface Written {
  /** Undefined where there is no document. */
  readonly body: string | undefined;
  /** Strong: the body is the same, byte for byte. */
  readonly etag: string | undefined;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** An answer as it went out. */
export interface SentAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** Undefined where there is none, or one that is no document. */
  readonly body: string | undefined;
}

/** Writes answers; those that are answered again and again are written once. */
export class AnswerWriter {
  readonly #reusable = new WeakMap<SepResponse, Written>();

  send(
    response: ServerResponse,
    answer: SepResponse,
    edition: Edition,
    conditions: Conditions | undefined,
  ): SentAnswer | undefined {
    if (response.headersSent || response.destroyed) return undefined;
    const { status, content, modifiedAt } = answer;
    if (content !== undefined) {
      const headers = {
        ...headersOf(answer),
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        'content-length': content.length,
      };
      response.writeHead(status, headers).end(content);
      return { status, headers, body: undefined };
    }
    const written = this.#written(answer, edition);
    const { etag, body } = written;
    if (etag !== undefined && conditions !== undefined && isUnchanged(conditions, etag, modifiedAt)) {
      const headers = { ...headersOf(answer), etag };
      response.writeHead(304, headers).end();
      return { status: 304, headers, body: undefined };
    }
    response.writeHead(status, written.headers).end(body);
    return { status, headers: written.headers, body };
  }

  #written(answer: SepResponse, edition: Edition): Written {
    if (answer.document === undefined) {
      const headers = headersOf(answer);
      headers['content-length'] = 0;
      return { body: undefined, etag: undefined, headers };
    }
    const known = edition === '2018' ? this.#reusable.get(answer) : undefined;
    if (known !== undefined) return known;
    const body = textOf(answer.document, edition);
    const etag = answer.status === 200 ? `"${hash('sha1', body, 'base64url')}"` : undefined;
    const headers = headersOf(answer);
    if (etag !== undefined) headers['etag'] = etag;
    headers['content-type'] = mediaType;
    headers['content-length'] = Buffer.byteLength(body);
    const written: Written = { body, etag, headers };
    if (answer.isReusable === true && edition === '2018') this.#reusable.set(answer, written);
    return written;
  }
}

/** What an answer's headers begin with. */
function headersOf({ location, allow, contentRange, modifiedAt }: SepResponse): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  if (location !== undefined) headers['location'] = location;
  if (allow !== undefined) headers['allow'] = allow;
  if (contentRange !== undefined) headers['content-range'] = contentRange;
  if (modifiedAt !== undefined) headers['last-modified'] = new Date(modifiedAt * 1000).toUTCString();
  return headers;
}

/** A document that the edition of 2013 cannot say, or that lacks what it requires, is written as 2018 has it. */
function textOf({ name, value }: NonNullable<SepResponse['document']>, edition: Edition): string {
  const document = value as Roots[RootName];
  if (edition === '2018') return writeDocument(name, document);
  try {
    return writeDocument(name, document, { namespace: edition });
  } catch (error) {
    if (!(error instanceof GridError) || !error.code.startsWith('GTX-XML-03')) throw error;
    return writeDocument(name, document);
  }
}

/** Whether the client has it already: If-None-Match goes before If-Modified-Since (RFC 9110 §13.2.2). */
export function isUnchanged(
  { ifNoneMatch, ifModifiedSince }: Conditions,
  etag: string,
  modifiedAt: number | undefined,
): boolean {
  if (ifNoneMatch !== undefined) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.includes('*') || tags.includes(etag);
  }
  if (ifModifiedSince === undefined || modifiedAt === undefined) return false;
  return modifiedAt * 1000 <= Date.parse(ifModifiedSince);
}
