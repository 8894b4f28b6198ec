import { formatMrid, lfdiBytes, mridOf } from '#ieee2030_5/identity.ts';
import { type ListQuery, maxPageItems, type Page } from '#ieee2030_5/list.ts';
import { identifiedObjectOrder } from '#ieee2030_5/orderings.ts';
import type { MeterReading, Reading, ReadingSet, UsagePoint } from '#ieee2030_5/types.generated.ts';
import type { Channel, MirrorPoint } from '../../readings/channels.ts';
import type { ReadingHistory } from '../../readings/reading-history.ts';
import type { ReadingRow } from '../../readings/reading-sql.ts';
import { linkToCome } from '../computed-members.ts';
import type { Context } from '../exchange.ts';
import type { SepServices } from '../services.ts';
import type { Entry, Source } from '../source.ts';
import { described, mirroredPoints } from './mirror-usage-points.ts';

const daySeconds = 86_400;

/** A ReadingSet is a day of UTC, and its id the day's number. */
export const dayOf = (time: number): number => Math.floor(time / daySeconds);

/** UsagePoints and their readings, as they were mirrored here (IEEE 2030.5-2018 §10.11.2). */
export function usagePointSources({ readings, registry }: SepServices, history: ReadingHistory) {
  const usagePoint = (point: MirrorPoint): Entry => {
    const { mRID, description, roleFlags, serviceCategoryKind, status, deviceId } = point;
    const device = registry.byId(deviceId);
    const document: UsagePoint = {
      mRID,
      description: described(description),
      roleFlags,
      serviceCategoryKind,
      status,
      deviceLFDI: device && lfdiBytes(device.lfdi),
    };
    return { href: `/upt/${point.id}`, name: 'UsagePoint', document };
  };
  const channelsOf = ({ ids }: Context): readonly Channel[] => {
    const point = readings.mirrorUsagePoint(Number(ids[0]));
    return point === undefined
      ? []
      : readings.channelsOf(point.deviceId).filter(({ mirrorPointId }) => mirrorPointId === point.id);
  };
  const channelOf = (context: Context): Channel | undefined =>
    channelsOf(context).find(({ id }) => String(id) === context.ids[1]);

  /** The newest reading, at an address that stays (MeterReading.ReadingLink). */
  const currentReading = (context: Context): Entry | undefined => {
    const channel = channelOf(context);
    const newest = channel && readings.latest(channel.id);
    return newest && { ...reading(newest, ''), href: context.href };
  };

  const readingSets = async (
    context: Context,
    { start, after, limit }: ListQuery,
  ): Promise<Page<Entry> | undefined> => {
    const channel = channelOf(context);
    if (channel === undefined) return undefined;
    const span = await history.span(channel.id);
    if (span === undefined) return { items: [], all: 0, results: 0 };
    // The newest first; days after `a` only.
    const last = dayOf(span.last);
    const first = Math.max(dayOf(span.first), after === undefined ? -Infinity : dayOf(Number(after)) + 1);
    const all = Math.max(0, last - first + 1);
    const results = Math.max(0, Math.min(limit, maxPageItems, all - start));
    const items = Array.from({ length: results }, (_, i) => readingSet(channel, context.href, last - start - i));
    return { items, all, results };
  };
  const readingsOf = async (context: Context, { start, after, limit }: ListQuery): Promise<Page<Entry> | undefined> => {
    const channel = channelOf(context);
    const day = Number(context.ids[2]);
    if (channel === undefined || !Number.isSafeInteger(day)) return undefined;
    const query = { ...periodOf(day), after, start, limit: Math.min(limit, maxPageItems) };
    const { rows, all } = await history.page(channel.id, query);
    const items = rows.map((row) => reading(row, context.href));
    return { items, all, results: items.length };
  };

  const sources = {
    UsagePointList: mirroredPoints(readings, usagePoint),
    UsagePoint: {
      read: ({ ids }) => {
        const point = readings.mirrorUsagePoint(Number(ids[0]));
        return point && usagePoint(point);
      },
    },
    MeterReadingList: {
      entries: (context) => channelsOf(context).toSorted(identifiedObjectOrder).map(meterReading),
    },
    MeterReading: {
      read: (context) => {
        const channel = channelOf(context);
        return channel && meterReading(channel);
      },
    },
    ReadingType: {
      read: (context) => {
        const channel = channelOf(context);
        return channel && { href: context.href, name: 'ReadingType', document: channel.readingType };
      },
    },
    ReadingSetList: { page: readingSets },
    ReadingSet: {
      read: (context) => {
        const channel = channelOf(context);
        const day = Number(context.ids[2]);
        const list = context.href.slice(0, context.href.lastIndexOf('/'));
        return channel === undefined || !Number.isSafeInteger(day) ? undefined : readingSet(channel, list, day);
      },
    },
    ReadingList: { page: readingsOf },
    CurrentReading: { read: currentReading, isLinked: (context) => currentReading(context) !== undefined },
    Reading: {
      read: async (context) => {
        const channel = channelOf(context);
        const [, at, duration] = /^(\d{1,12})-(\d{1,10})$/.exec(context.ids[3] ?? '') ?? [];
        if (channel === undefined || at === undefined) return undefined;
        const query = { from: Number(at), until: Number(at) + 1, after: undefined, start: 0, limit: maxPageItems };
        const { rows } = await history.page(channel.id, query);
        const row = rows.find((one) => one.duration === Number(duration));
        return row && reading(row, context.href.slice(0, context.href.lastIndexOf('/')));
      },
    },
  } satisfies Readonly<Record<string, Source>>;
  /** The first UsagePoint of a device, for its DER. */
  const ofDevice = (device: number): Entry | undefined => {
    const [point] = readings.mirrorUsagePointsOf(device).toSorted(identifiedObjectOrder);
    return point && usagePoint(point);
  };
  return { sources, ofDevice };
}

const meterReading = (channel: Channel): Entry => {
  const href = `/upt/${channel.mirrorPointId}/mr/${channel.id}`;
  const document: MeterReading = {
    mRID: channel.mRID,
    description: described(channel.description),
    ReadingTypeLink: linkToCome,
  };
  return { href, name: 'MeterReading', document };
};

const readingSet = (channel: Channel, list: string, day: number): Entry => ({
  href: `${list}/${day}`,
  name: 'ReadingSet',
  document: {
    mRID: mridOf(`${formatMrid(channel.mRID)}/${day}`),
    timePeriod: { duration: daySeconds, start: BigInt(day * daySeconds) },
  } satisfies ReadingSet,
});
const periodOf = (day: number): { from: number; until: number } => ({
  from: day * daySeconds,
  until: (day + 1) * daySeconds,
});

const readingId = ({ periodStart, duration }: ReadingRow): string => `${periodStart}-${duration}`;

const reading = (row: ReadingRow, list: string): Entry => ({
  href: `${list}/${readingId(row)}`,
  name: 'Reading',
  document: {
    timePeriod: { duration: row.duration, start: BigInt(row.periodStart) },
    value: row.value,
  } satisfies Reading,
});
