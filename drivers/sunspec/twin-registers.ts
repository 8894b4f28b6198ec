import type { UnixSeconds } from '#hal/units.ts';
import type { DeviceImage } from './device-image.ts';
import type { DerFunctions } from './der-functions.ts';
import type { DerSettings } from './der-settings.ts';

/** What a twin's registers show of its physics. */
export interface Measured {
  readonly activeW: number;
  /** Energies since installation, integer Wh. */
  readonly injectedWh: number;
  readonly absorbedWh: number;
  readonly functions: DerFunctions;
}

/** The register side of a twin: one for the SunSpec models of the 100s, one for those of the 700s. */
export interface TwinRegisters {
  readonly image: DeviceImage;
  /** What the registers say, in physical units; the same object while nothing was written or reverted. */
  readonly settings: DerSettings;
  /** Lets the timers that have run out act. */
  runTimers(now: UnixSeconds): void;
  /** Brings the measurements up to date. */
  show(measured: Measured, now: UnixSeconds): void;
}
