import type { OperatorRecords, SepSettings } from './operator-records.ts';

/** Before an operator says otherwise. Quality 7: intentionally uncoordinated, the time of a campus that may be virtual. */
export const defaultSettings: SepSettings = {
  pollRate: {},
  postRate: 15,
  timeQuality: 7,
  inBandRegistration: false,
};

/** Seconds; of what rarely changes the standard's default, of what steers devices a market window. */
const defaultPollRate: Readonly<Record<string, number>> = { dcap: 900, tm: 900, edev: 900, der: 900, mup: 900 };
const otherPollRate = 300;

const settingsId = 'all';

/** The settings of the whole server, kept with the operator's records. */
export class Settings {
  readonly #records: OperatorRecords;

  constructor(records: OperatorRecords) {
    this.#records = records;
  }

  current(): SepSettings {
    return this.#records.get('settings', settingsId) ?? defaultSettings;
  }

  /** Changes what is given; poll rates one by one. */
  async change({ pollRate, ...others }: Partial<SepSettings>): Promise<SepSettings> {
    const before = this.current();
    const after = { ...before, ...others, pollRate: { ...before.pollRate, ...pollRate } };
    await this.#records.put('settings', settingsId, after);
    return after;
  }

  /** Seconds between polls of a resource, by the last constant part of its path. */
  pollRateOf(key: string): number {
    return this.current().pollRate[key] ?? defaultPollRate[key] ?? otherPollRate;
  }
}
