import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type Exchange, exchangeLine, parseExchanges } from '#head-end/server/exchange-record.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import type { Exchange as Passed } from '../campus/recording-proxy.ts';

/** The board that was recorded, and when its record begins; of every version alike. */
export const recordedBoard = 'dorm-001';
export const recordedStart = '2026-06-22T17:00:00-07:00';
/** Three market windows and a little. */
export const recordedHours = 0.3;

const ending = '.jsonl.gz';
const folder = new URL('./', import.meta.url);
export const recordOf = (version: string): URL => new URL(`${version}${ending}`, folder);

/** The versions of which there is a record. */
export const recordedVersions = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .toSorted();

export const readRecord = (version: string): readonly Exchange[] =>
  parseExchanges(gunzipSync(readFileSync(recordOf(version))).toString());

/** When a document was sent, by what it says: the end of its readings, or its own time; undefined where it says none. */
function timeIn(document: string): number | undefined {
  const [, own] = /<(?:creationTime|readingTime)>(\d+)</.exec(document) ?? [];
  if (own !== undefined) return Number(own);
  const [, duration, begin] = /<duration>(\d+)<\/duration><start>(\d+)<\/start>/.exec(document) ?? [];
  return begin === undefined ? undefined : Number(begin) + Number(duration);
}

/** What passed between a board and a head-end, as lines of a record. */
export function linesOf(passed: readonly Passed[], lfdi: string): string {
  const times = passed.map(({ request }) => timeIn(request));
  const last = times.findLast((time) => time !== undefined) ?? 0;
  return passed
    .map(({ method, url, request, status, location, contentType, response }, i) =>
      exchangeLine({
        // A board asks before it tells.
        time: UnixSeconds(times.slice(i).find((time) => time !== undefined) ?? last),
        lfdi,
        method,
        url,
        headers: { accept: mediaType, ...(request !== '' && { 'content-type': mediaType }) },
        body: request,
        status,
        answerHeaders: {
          ...(contentType !== undefined && response !== '' && { 'content-type': contentType }),
          ...(location !== undefined && { location }),
        },
        answerBody: response,
      }),
    )
    .join('');
}

/** A record as if this identity had made it: its keys are new with every test. */
export function recordedAs(exchanges: readonly Exchange[], { lfdi, sfdi }: DeviceIdentity): readonly Exchange[] {
  const lists = exchanges.filter(({ url }) => url.startsWith('/edev?')).map(({ answerBody }) => answerBody);
  const [, oldLfdi, oldSfdi] = /<lFDI>([0-9A-F]+)<\/lFDI>.*?<sFDI>(\d+)<\/sFDI>/.exec(lists.join('')) ?? [];
  if (oldLfdi === undefined || oldSfdi === undefined) {
    throw new GridError('GTX-TST-022', 'The record does not tell whose it is');
  }
  const renamed = (text: string): string => text.replaceAll(oldLfdi, lfdi).replaceAll(oldSfdi, String(sfdi));
  return exchanges.map((exchange) => ({
    ...exchange,
    body: renamed(exchange.body),
    answerBody: renamed(exchange.answerBody),
  }));
}
