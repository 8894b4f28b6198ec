import type { UnixSeconds } from '#hal/units.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { DERStatus } from '#ieee2030_5/types.generated.ts';
import type { DeviceReports } from '../client/reports.ts';
import type { UtilityClient } from '../client/utility-client.ts';
import { alarmEvents, alarmsTold } from './alarm-log.ts';
import { withDemandResponse } from './demand-response.ts';
import {
  type AlarmName,
  alarmsOf,
  availabilityOf,
  capabilityOf,
  type DerState,
  settingsOf,
  statusOf,
} from './der-documents.ts';
import { derParts } from './der-parts.ts';

/** DERAvailability changes all the time; it is told this often, seconds. */
const availabilitySeconds = 300;

export interface DerReporterOptions {
  readonly utility: Pick<UtilityClient, 'report' | 'view' | 'logEvent' | 'isStanding'>;
  /** The device of the server's that the DERs are of; the client's own where it is not said. */
  readonly lfdi: Lfdi | undefined;
  /** The DERs are demand response enabled devices (AS/NZS 4755): their DERStatus tells the mode. */
  readonly demandResponse: boolean;
}

/** What changes with the plant alone (DERCapability), or with it and the settings in force; made when they do. */
interface Standing extends Pick<DerState, 'plant' | 'settings'> {
  readonly places: number;
  readonly reports: readonly Required<Pick<DeviceReports, 'DERCapability' | 'DERSettings'>>[];
}

/** Tells the utility's client of every DER that its server has room for, and of alarms; what has not changed is not sent. */
export class DerReporter {
  readonly #options: DerReporterOptions;
  #standing: Standing | undefined;
  #alarms: ReadonlySet<AlarmName> | undefined;
  #availableAt = -Infinity;

  constructor(options: DerReporterOptions) {
    this.#options = options;
  }

  /** To be called whenever the grid was read with a sample; `now` is the board's time. */
  tell(state: DerState, now: UnixSeconds): void {
    const { utility, lfdi } = this.#options;
    const isAvailabilityDue = now - this.#availableAt >= availabilitySeconds;
    if (isAvailabilityDue) this.#availableAt = now;
    const places = Math.max(1, utility.view(lfdi)?.ders.length ?? 1);
    const parts = derParts(state, places);
    const standing = this.#standingOf(state, parts, places);
    for (const [der, part] of parts.entries()) {
      const reports = {
        ...standing.reports[der],
        DERStatus: this.#statusOf(part),
        ...(isAvailabilityDue && { DERAvailability: availabilityOf(part) }),
      };
      utility.report(reports, lfdi, der);
    }
    this.#tellAlarms(state);
  }

  /** What an earlier run of the board has told of alarms is not told again. */
  #tellAlarms(state: DerState): void {
    const { utility, lfdi } = this.#options;
    const before = this.#alarms ?? alarmsTold((event) => utility.isStanding(event, lfdi));
    const alarms = alarmsOf(state);
    for (const event of alarmEvents(before, alarms)) utility.logEvent(event, lfdi);
    this.#alarms = alarms;
  }

  #standingOf({ plant, settings }: DerState, parts: readonly DerState[], places: number): Standing {
    const known = this.#standing;
    if (known?.plant === plant && known.settings === settings && known.places === places) return known;
    const rated = known?.plant === plant && known.places === places ? known.reports : [];
    const reports = parts.map((part, der) => {
      const DERCapability = rated[der]?.DERCapability ?? capabilityOf(part.plant);
      return { DERCapability, DERSettings: settingsOf(part, DERCapability) };
    });
    this.#standing = { plant, settings, places, reports };
    return this.#standing;
  }

  #statusOf(state: DerState): DERStatus {
    const status = statusOf(state);
    return this.#options.demandResponse ? withDemandResponse(status, state.settings) : status;
  }
}
