import { UnixSeconds } from '#hal/units.ts';
import type { ChannelName } from '#ieee2030_5/ext/channels.ts';
import type { OutboxRow } from './outbox-file.ts';

/** What one post carries: the values at the end of `[start, start + duration]`. */
export interface Posting<Name extends string = ChannelName> {
  readonly start: UnixSeconds;
  readonly duration: number;
  /** `undefined` where it was not measured. */
  readonly values: Readonly<Record<Name, number | undefined>>;
}

export interface QueuedPosting<Name extends string = ChannelName> extends Posting<Name> {
  readonly sequence: number;
}

/** How many readings it is: values of channels that were measured. */
export const readingsIn = <Name extends string>(names: readonly Name[], { values }: Posting<Name>): number =>
  names.filter((name) => values[name] !== undefined).length;

/** As it lies in the outbox's file; the order of `names` is the file's. */
export const rowOf = <Name extends string>(names: readonly Name[], posting: QueuedPosting<Name>): OutboxRow => {
  const { sequence, start, duration, values } = posting;
  return { sequence, start, duration, values: JSON.stringify(names.map((name) => values[name] ?? null)) };
};

/** The posting of a row that is whole; `names` as `rowOf` had them. */
export function postingOf<Name extends string>(names: readonly Name[], row: OutboxRow): QueuedPosting<Name> {
  const { sequence, start, duration } = row;
  const read = JSON.parse(row.values) as readonly (number | null)[];
  const named = names.map((name, i) => [name, read[i] ?? undefined]);
  const values = Object.fromEntries(named) as Posting<Name>['values'];
  return { sequence, start: UnixSeconds(start), duration, values };
}
