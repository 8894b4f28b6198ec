import { GridError } from '#hal/errors.ts';
import { type Json, type JsonObject, toJson } from '#ieee2030_5/json.ts';
import { parseDocument } from '#ieee2030_5/parse.ts';
import type { Exchange, Headers } from './exchange-record.ts';

/** What a server answers now to a request of a record. */
export interface ReplayedAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Headers;
  readonly body: string;
}

export type ReplayedRequest = Pick<Exchange, 'method' | 'url' | 'headers' | 'body'>;

/** Where an answer is another one than the recorded. */
export interface Difference {
  /** Of the exchange in the record, from 0. */
  readonly exchange: number;
  /** `GET /dcap`, as recorded. */
  readonly request: string;
  /** `status`, a header's name, or the place in the document as a JSON pointer that begins with its name. */
  readonly place: string;
  readonly recorded: string;
  readonly answered: string;
}

/** Members that tell a time, which differs between runs, and the PIN, which the record does not have. */
const ignored = /(?:Time|TimeStamp)$|^dateTimeRegistered$|^start$|^pIN$/;
/** Members that lead to a resource; its ids are the server's own. */
const leading = /^(?:href|replyTo|subscribedResource|newResourceURI|fileURI)$/;
const compared = ['allow', 'content-range', 'content-type', 'location'] as const;

/**
 * Sends the requests of a record one after another, and tells how the answers differ from the recorded ones. Ids that a
 * server gives are its own: where the recorded answer led to one path and the present one leads to another of the same
 * form, later requests go to the latter. Rejects as `send` does.
 */
export async function replay(
  exchanges: readonly Exchange[],
  send: (request: ReplayedRequest) => Promise<ReplayedAnswer>,
): Promise<readonly Difference[]> {
  const paths = new Paths();
  const differences: Difference[] = [];
  for (const [index, exchange] of exchanges.entries()) {
    const { method, url, headers, body } = exchange;
    const answer = await send({ method, url: paths.translated(url), headers, body });
    for (const found of differencesOf(exchange, answer, paths)) {
      differences.push({ exchange: index, request: `${method} ${url}`, ...found });
    }
  }
  return differences;
}

type Found = Omit<Difference, 'exchange' | 'request'>;

function* differencesOf(exchange: Exchange, answer: ReplayedAnswer, paths: Paths): Generator<Found> {
  const { status, answerHeaders, answerBody } = exchange;
  if (status !== answer.status) yield found('status', status, answer.status);
  for (const name of compared) {
    const [was, is] = [answerHeaders[name] ?? '', answer.headers[name] ?? ''];
    if (name === 'location' ? !paths.match(was, is) : was !== is) yield found(name, was, is);
  }
  const [was, is] = [documentOf(answerBody), documentOf(answer.body)];
  if (was !== undefined && is !== undefined) yield* jsonDifferences(was, is, '', '', paths);
  else if (answerBody !== answer.body) yield found('body', answerBody, answer.body);
}

function* jsonDifferences(was: Json, is: Json, pointer: string, name: string, paths: Paths): Generator<Found> {
  if (isObject(was) && isObject(is)) {
    for (const member of new Set([...Object.keys(was), ...Object.keys(is)])) {
      const [a, b] = [was[member], is[member]];
      const place = `${pointer}/${member}`;
      if (a === undefined || b === undefined) yield found(place, a, b);
      else yield* jsonDifferences(a, b, place, member, paths);
    }
    return;
  }
  if (Array.isArray(was) && Array.isArray(is)) {
    const [a, b] = [was as readonly Json[], is as readonly Json[]];
    if (a.length !== b.length) yield found(`${pointer}/length`, a.length, b.length);
    for (const [i, item] of a.entries()) {
      const other = b[i];
      if (other !== undefined) yield* jsonDifferences(item, other, `${pointer}/${i}`, name, paths);
    }
    return;
  }
  const isSame =
    leading.test(name) && typeof was === 'string' && typeof is === 'string' ? paths.match(was, is) : was === is;
  if (!isSame && !ignored.test(name)) yield found(pointer, was, is);
}

/** A document under its name, so that another one of the same form is a difference; undefined for what is none. */
function documentOf(body: string): JsonObject | undefined {
  try {
    const { name, value } = parseDocument(Buffer.from(body));
    return { [name]: toJson(name, value) };
  } catch (error) {
    if (error instanceof GridError) return undefined;
    throw error;
  }
}

const isObject = (json: Json): json is JsonObject => typeof json === 'object' && json !== null && !Array.isArray(json);

const found = (place: string, recorded: unknown, answered: unknown): Found => ({
  place,
  recorded: shown(recorded),
  answered: shown(answered),
});

const maxShown = 200;
const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= maxShown ? text : `${text.slice(0, maxShown)}…`;
};

/** Paths of the record and what they are called by the server that is asked now. */
class Paths {
  readonly #known = new Map<string, string>();

  /** Whether two paths have the same form; where their ids differ, that is remembered. */
  match(was: string, is: string): boolean {
    if (was === is) return true;
    if (form(was) !== form(is)) return false;
    this.#known.set(was, is);
    return true;
  }

  /** A recorded path by what is known of it, or of the longest path that it stands below. */
  translated(url: string): string {
    const question = url.indexOf('?');
    const path = question < 0 ? url : url.slice(0, question);
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const known = this.#known.get(path.slice(0, end));
      if (known !== undefined) return `${known}${url.slice(end)}`;
    }
    return url;
  }
}

const form = (path: string): string => path.replaceAll(/(?<=\/)\d+(?=[/?]|$)/g, '#');
