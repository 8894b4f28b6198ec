import { ResponseStatus2018 } from '#ieee2030_5/enumerations.ts';
import { minuteWords, modeWords } from '#ieee2030_5/events/words.ts';
import type { Explanation } from './explain.ts';

/** What a device answered, by the codes of IEEE 2030.5-2018 Table 27. */
const statusNames = new Map<number, string>(Object.entries(ResponseStatus2018).map(([name, code]) => [code, name]));
const spaced = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** One sentence, or some, that a building owner understands. */
export function describeMode({
  mode,
  value,
  source,
  since,
  until,
  lastResponse,
}: Omit<Explanation, 'sentence'>): string {
  const { program } = source;
  const what = modeWords(mode, value);
  const named = source.description === undefined ? '' : ` “${source.description}”`;
  const of = program.description === undefined ? `program ${program.id}` : `“${program.description}”`;
  const by = source.kind === 'event' ? `by the event${named}` : `by the default${named}, as no event says otherwise,`;
  const from = since === undefined ? '' : ` since ${minuteWords(since)}`;
  const to = until === undefined ? '' : ` until ${minuteWords(until)}`;
  const spread =
    source.randomizedBy === undefined
      ? ''
      : ` The device begins or ends up to ${source.randomizedBy} s apart from that.`;
  const answered =
    lastResponse === undefined
      ? ''
      : ` The device answered at ${minuteWords(lastResponse.at)}:${spaced(`-${statusNames.get(lastResponse.status) ?? lastResponse.status}`).replace('-', ' ')}.`;
  return `${what} ${by} of ${of} (primacy ${program.primacy})${from}${to}.${spread}${answered}`;
}
