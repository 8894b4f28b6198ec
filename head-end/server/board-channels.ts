import { UnixSeconds } from '#hal/units.ts';
import { channelMrid, type ChannelName, channelNames } from '#ieee2030_5/ext/channels.ts';
import type { MirrorMeterReading } from '#ieee2030_5/types.generated.ts';
import type { ChannelReading } from '../live.ts';
import { MridTable } from '../readings/mrid-table.ts';

interface Period {
  readonly time: UnixSeconds;
  readonly values: ChannelReading;
}

/** Tells the channels of our own boards by their mRIDs; one small table a meter, made at its first post. */
export class BoardChannels {
  readonly #byMeter = new Map<string, MridTable<ChannelName>>();

  /** What was posted and stored, by the end of its time period. */
  periodsOf(meterId: string, posted: readonly MirrorMeterReading[]): Iterable<Period> {
    const names = this.#namesOf(meterId);
    const periods = new Map<number, Partial<Record<ChannelName, number>>>();
    for (const { mRID, Reading } of posted) {
      const name = names.get(mRID);
      if (name === undefined || Reading?.timePeriod === undefined) continue;
      const end = Number(Reading.timePeriod.start) + Reading.timePeriod.duration;
      const values = periods.get(end) ?? {};
      periods.set(end, values);
      if (Reading.value !== undefined) values[name] = Reading.value;
    }
    return periods.entries().map(([end, values]) => ({ time: UnixSeconds(end), values }));
  }

  #namesOf(meterId: string): MridTable<ChannelName> {
    const known = this.#byMeter.get(meterId);
    if (known !== undefined) return known;
    const names = new MridTable<ChannelName>();
    for (const name of channelNames) names.set(channelMrid(meterId, name), name);
    this.#byMeter.set(meterId, names);
    return names;
  }
}
