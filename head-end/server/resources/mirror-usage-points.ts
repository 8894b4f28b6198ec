import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { formatLfdi, lfdiBytes } from '#ieee2030_5/identity.ts';
import { identifiedObjectOrder } from '#ieee2030_5/orderings.ts';
import type { DateTimeInterval, MirrorMeterReading, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { Channel, MirrorPoint } from '../../readings/channels.ts';
import type { Device } from '../../registry/devices.ts';
import { created, documentOf, done, forbidden, replaced, type SepRequest, type SepResponse } from '../exchange.ts';
import { BoardChannels } from '../board-channels.ts';
import type { SepServices } from '../services.ts';
import type { Entry, Source } from '../source.ts';

/** A device's clock may run ahead of the head-end's by this much; a reading from further ahead is a mistake. */
const maxAheadSeconds = 3600;

/** The list of what a principal's devices have mirrored, shown as `entryOf` shows a point. */
export const mirroredPoints = (
  readings: SepServices['readings'],
  entryOf: (point: MirrorPoint) => Entry,
): Required<Pick<Source, 'count' | 'entries'>> => ({
  count: ({ principal }) => principal.devices.reduce((sum, { id }) => sum + readings.mirrorUsagePointsOf(id).length, 0),
  entries: ({ principal }) =>
    principal.devices
      .flatMap(({ id }) => readings.mirrorUsagePointsOf(id))
      .toSorted(identifiedObjectOrder)
      .map(entryOf),
});

/** MirrorUsagePoints: where devices post their readings (IEEE 2030.5-2018 §10.11.3). Answers come after the commit. */
export function mirrorSources({ clock, readings, registry, settings, store, onPosted }: SepServices) {
  const boards = new BoardChannels();
  const deviceOf = (point: MirrorPoint): Device => registry.byId(point.deviceId) as Device;
  const pointOf = ({ ids }: SepRequest): MirrorPoint => readings.mirrorUsagePoint(Number(ids[0])) as MirrorPoint;
  const entryOf = (point: MirrorPoint): Entry => {
    const device = deviceOf(point);
    const channels = readings.channelsOf(device.id).filter(({ mirrorPointId }) => mirrorPointId === point.id);
    const postRate = device.postRate ?? point.postRate ?? settings.current().postRate;
    return {
      href: `/mup/${point.id}`,
      name: 'MirrorUsagePoint',
      document: documentFor(point, device, channels, postRate),
    };
  };

  /** Creates a point, or replaces the one of its mRID, for the device that it names. */
  const upsert = async (
    request: SepRequest,
  ): Promise<{ readonly href: string; readonly created: boolean } | undefined> => {
    const { value } = documentOf(request, 'MirrorUsagePoint');
    const named = formatLfdi(value.deviceLFDI);
    const device = request.principal.devices.find(({ lfdi }) => lfdi === named);
    if (device === undefined) return undefined;
    const { MirrorMeterReading: posted } = value;
    const timed = posted === undefined ? value : { ...value, MirrorMeterReading: withPeriods(posted, clock.now()) };
    const answer = await readings.upsertMirrorUsagePoint(device.id, timed);
    const href = `/mup/${answer.id}`;
    store.announce({ href, list: '/mup', kind: answer.created ? 'added' : 'changed' });
    return { href, created: answer.created };
  };

  const take = async (request: SepRequest): Promise<SepResponse> => {
    const point = pointOf(request);
    const { meterId } = deviceOf(point);
    const document = documentOf(request, 'MirrorMeterReading', 'MirrorMeterReadingList');
    const list = document.name === 'MirrorMeterReading' ? [document.value] : (document.value.MirrorMeterReading ?? []);
    const posted = withPeriods(list, clock.now());
    await readings.post(point.id, posted);
    for (const { time, values } of boards.periodsOf(meterId, posted)) onPosted(meterId, time, values);
    return created(request.href);
  };

  return {
    MirrorUsagePointList: {
      ...mirroredPoints(readings, entryOf),
      post: async (request) => {
        const point = await upsert(request);
        if (point === undefined) return forbidden;
        return point.created ? created(point.href) : replaced(point.href);
      },
    },
    MirrorUsagePoint: {
      read: ({ ids }) => entryOf(readings.mirrorUsagePoint(Number(ids[0])) as MirrorPoint),
      post: take,
      put: async (request) => {
        const { mRID } = documentOf(request, 'MirrorUsagePoint').value;
        if (Buffer.compare(mRID, pointOf(request).mRID) !== 0) {
          throw new GridError('GTX-SRV-003', `${request.href} has another mRID`, {
            hint: 'POST a new MirrorUsagePoint.',
          });
        }
        const point = await upsert(request);
        return point === undefined ? forbidden : replaced(point.href);
      },
      remove: async ({ href, ids }) => {
        await readings.removeMirrorUsagePoint(Number(ids[0]), clock.now());
        store.announce({ href, list: '/mup', kind: 'removed' });
        return done;
      },
    },
  } satisfies Readonly<Record<string, Source>>;
}

function documentFor(
  { mRID, description, roleFlags, serviceCategoryKind, status }: MirrorPoint,
  { lfdi }: Device,
  channels: readonly Channel[],
  postRate: number,
): MirrorUsagePoint {
  return {
    mRID,
    description: described(description),
    roleFlags,
    serviceCategoryKind,
    status,
    deviceLFDI: lfdiBytes(lfdi),
    MirrorMeterReading: channels.map((channel) => ({
      mRID: channel.mRID,
      description: described(channel.description),
      ReadingType: channel.readingType,
    })),
    postRate,
  };
}

/** A description that nobody gave is not written. */
export const described = (description: string): string | undefined => (description === '' ? undefined : description);

/**
 * Gives a reading without a time period the instant at which it was made. Throws `GTX-RDG-004` for a reading of the
 * future: it would stand as the newest one until then.
 */
function withPeriods(posted: readonly MirrorMeterReading[], now: UnixSeconds): readonly MirrorMeterReading[] {
  const latest = now + maxAheadSeconds;
  const timed = posted.every(({ Reading }) => Reading === undefined || Reading.timePeriod !== undefined)
    ? posted
    : posted.map((one) => withPeriod(one, now));
  for (const { Reading, MirrorReadingSet } of timed) {
    proveOver(Reading?.timePeriod, latest);
    for (const set of MirrorReadingSet ?? []) {
      proveOver(set.timePeriod, latest);
      for (const { timePeriod } of set.Reading ?? []) proveOver(timePeriod, latest);
    }
  }
  return timed;
}

function proveOver(period: DateTimeInterval | undefined, latest: number): void {
  if (period === undefined || Number(period.start) + period.duration <= latest) return;
  throw new GridError('GTX-RDG-004', `A Reading of ${period.start} + ${period.duration} s lies in the future`, {
    hint: 'Set the clock of the device by the Time resource.',
  });
}

function withPeriod(posted: MirrorMeterReading, now: UnixSeconds): MirrorMeterReading {
  const { Reading, lastUpdateTime } = posted;
  if (Reading === undefined || Reading.timePeriod !== undefined) return posted;
  return { ...posted, Reading: { ...Reading, timePeriod: { duration: 0, start: lastUpdateTime ?? BigInt(now) } } };
}
