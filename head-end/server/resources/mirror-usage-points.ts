import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import { channelMrid, type ChannelName, channelNames } from '#ieee2030_5/ext/channels.ts';
import { lfdiBytes } from '#ieee2030_5/identity.ts';
import { pageOf, parseListQuery } from '#ieee2030_5/list.ts';
import { parseAs, parseDocument } from '#ieee2030_5/parse.ts';
import type { MirrorMeterReading, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { ChannelReading } from '../../live.ts';
import type { MirrorPoint } from '../../readings/channels.ts';
import type { ReadingStore } from '../../readings/store.ts';
import type { Device } from '../../registry/devices.ts';
import { created, forbidden, notFound, ok, replaced, type SepRequest, type SepResponse } from '../exchange.ts';
import type { Router } from '../router.ts';
import { postRate } from './core.ts';

const pollRate = 900;
/** A device's clock may run ahead of the head-end's by this much; a reading from further ahead is a mistake. */
const maxAheadSeconds = 3600;

/** Told of every posting of one of our boards after its commit, with the end of its period. */
export type OnPosted = (meterId: string, time: UnixSeconds, values: ChannelReading) => void;

/** MirrorUsagePoints: where devices post their readings (IEEE 2030.5-2018 §10.10). Answers come after the commit. */
export function addMirrorResources(router: Router, readings: ReadingStore, clock: Clock, onPosted: OnPosted): void {
  const known = new ChannelNames();

  router.add('/mup', {
    GET: ({ device, query }) => {
      const points = readings.mirrorUsagePointsOf(device.id).map((point) => documentOf(point, device));
      const { items, all, results } = pageOf(points.toSorted(byMridDescending), parseListQuery(query));
      return ok('MirrorUsagePointList', { href: '/mup', pollRate, all, results, MirrorUsagePoint: items });
    },
    POST: async ({ device, body }) => {
      const posted = parseAs('MirrorUsagePoint', body);
      checkPeriods(posted.MirrorMeterReading ?? [], clock.now());
      const answer = await readings.upsertMirrorUsagePoint(device.id, posted);
      return (answer.created ? created : replaced)(`/mup/${answer.id}`);
    },
  });

  router.add('/mup/:point', {
    GET: (request) =>
      withOwnPoint(request, readings, (point) => ok('MirrorUsagePoint', documentOf(point, request.device))),
    POST: (request) =>
      withOwnPoint(request, readings, async (point) => {
        const document = parseDocument(request.body, { expect: ['MirrorMeterReading', 'MirrorMeterReadingList'] });
        const posted =
          document.name === 'MirrorMeterReading' ? [document.value] : (document.value.MirrorMeterReading ?? []);
        checkPeriods(posted, clock.now());
        await readings.post(point.id, posted);
        for (const { time, values } of known.periodsOf(request.device.meterId, posted)) {
          onPosted(request.device.meterId, time, values);
        }
        return created(request.path);
      }),
  });
}

/** Throws `GTX-RDG-004` for a reading of the future: it would stand as the newest one until then. */
function checkPeriods(posted: readonly MirrorMeterReading[], now: UnixSeconds): void {
  const latest = BigInt(now + maxAheadSeconds);
  for (const { Reading, MirrorReadingSet = [] } of posted) {
    const sets = MirrorReadingSet.flatMap(({ timePeriod, Reading: readings = [] }) => [
      timePeriod,
      ...readings.map((reading) => reading.timePeriod),
    ]);
    for (const period of [Reading?.timePeriod, ...sets]) {
      if (period === undefined || period.start + BigInt(period.duration) <= latest) continue;
      throw new GridError('GTX-RDG-004', `A Reading of ${period.start} + ${period.duration} s lies in the future`, {
        hint: 'Set the clock of the device by the Time resource.',
      });
    }
  }
}

/** Answers for the MirrorUsagePoint of the path; 404 when there is none, 403 when it is another device's. */
function withOwnPoint(
  request: SepRequest,
  readings: ReadingStore,
  answer: (point: MirrorPoint) => SepResponse | Promise<SepResponse>,
): SepResponse | Promise<SepResponse> {
  const id = request.params['point'] ?? '';
  const point = /^\d{1,9}$/.test(id) ? readings.mirrorUsagePoint(Number(id)) : undefined;
  if (point === undefined) return notFound;
  return point.deviceId === request.device.id ? answer(point) : forbidden;
}

const documentOf = (point: MirrorPoint, device: Device): MirrorUsagePoint => ({
  href: `/mup/${point.id}`,
  mRID: point.mRID,
  description: point.description,
  roleFlags: point.roleFlags,
  serviceCategoryKind: point.serviceCategoryKind,
  status: point.status,
  deviceLFDI: lfdiBytes(device.lfdi),
  postRate: point.postRate ?? postRate,
});

const byMridDescending = (a: MirrorUsagePoint, b: MirrorUsagePoint): number => Buffer.compare(b.mRID, a.mRID);

interface Period {
  readonly time: UnixSeconds;
  readonly values: ChannelReading;
}

/** Bytes as a key: quicker than hex, and as unique. */
const keyOf = (mRID: Uint8Array): string =>
  Buffer.from(mRID.buffer, mRID.byteOffset, mRID.byteLength).toString('latin1');

/** Tells the channels of our own boards by their mRIDs; one small table a meter, made at its first post. */
class ChannelNames {
  readonly #byMeter = new Map<string, ReadonlyMap<string, ChannelName>>();

  /** What was posted, by the end of its time period. */
  periodsOf(meterId: string, posted: readonly MirrorMeterReading[]): Iterable<Period> {
    const names = this.#namesOf(meterId);
    const periods = new Map<bigint, Partial<Record<ChannelName, number>>>();
    for (const { mRID, Reading } of posted) {
      const name = names.get(keyOf(mRID));
      if (name === undefined || Reading?.timePeriod === undefined) continue;
      const end = Reading.timePeriod.start + BigInt(Reading.timePeriod.duration);
      const values = periods.get(end) ?? {};
      periods.set(end, values);
      if (Reading.value !== undefined) values[name] = Reading.value;
    }
    return periods.entries().map(([end, values]) => ({ time: UnixSeconds(Number(end)), values }));
  }

  #namesOf(meterId: string): ReadonlyMap<string, ChannelName> {
    const known = this.#byMeter.get(meterId);
    if (known !== undefined) return known;
    const names = new Map(channelNames.map((name) => [keyOf(channelMrid(meterId, name)), name]));
    this.#byMeter.set(meterId, names);
    return names;
  }
}
