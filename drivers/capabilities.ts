import type { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { GridSupport } from './grid-support.ts';

/** One reading of a CT front-end. */
export interface ClampFrame {
  /** When its last byte arrived, by the clock given to the driver. */
  readonly receivedAt: UnixSeconds;
  /** The front-end's own message counter; it starts again when the front-end does. */
  readonly message: number;
  /** Root mean square volts of the first voltage input. */
  readonly voltsRms: number;
  readonly channels: readonly ClampChannel[];
}

export interface ClampChannel {
  /** Mean active power since the last message; the sign is the clamp's direction. */
  readonly powerW: W;
  /** Net energy since the front-end started: signed, it falls while power is negative. */
  readonly energyWh: Wh;
}

/** The meter at the connection point. */
export interface SiteMeter extends AsyncDisposable {
  /** Opens the port; rejects with a `GridError` when it cannot. */
  start(): Promise<void>;
  /**
   * The newest frame that was received strictly later than `after`: at once when it is there, else the next one.
   * Rejects with a `GridError` after `timeoutMs` of wall time.
   */
  frameAfter(after: UnixSeconds, timeoutMs: number): Promise<ClampFrame>;
}

/** What a device says of itself; known once it is started. */
export interface Nameplate {
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** Rated AC active power. */
  readonly ratedW: W;
}

export interface BatteryNameplate extends Nameplate {
  readonly capacityWh: Wh;
  readonly maxChargeW: W;
  readonly maxDischargeW: W;
}

export interface InverterReading {
  /** AC active power, positive = generation. */
  readonly powerW: W;
  /** AC energy since installation. */
  readonly generationWh: Wh;
}

export interface PvInverter extends GridSupport {
  /** Finds the device's registers and reads its nameplate. May be called again after it failed. */
  start(): Promise<void>;
  read(): Promise<InverterReading>;
  /**
   * Limits generation to `w` (0 and up; above the rating means the rating), or lifts the limit with `null`.
   * The device's own timer is armed: after `revertSeconds` (an integer, 1 to 65,534) without another call it falls back by itself.
   * The limit that the device takes is never above `w`; its step may make it a little lower.
   */
  limitPower(w: W | null, revertSeconds: number): Promise<void>;
  nameplate(): Nameplate;
}

export interface BatteryReading {
  /** AC active power, positive = discharge. */
  readonly powerW: W;
  /** Hundredths of a percent, 0 to 10,000. */
  readonly stateOfChargeCentiPercent: number;
  /** AC energy drawn to charge, since installation. */
  readonly acChargeWh: Wh;
  /** AC energy given by discharging, since installation. */
  readonly acDischargeWh: Wh;
  /** DC energy into the cells, since installation. */
  readonly dcChargeWh: Wh;
  /** DC energy out of the cells, since installation. */
  readonly dcDischargeWh: Wh;
}

export interface Battery extends GridSupport {
  /** Finds the device's registers and reads its nameplate. May be called again after it failed. */
  start(): Promise<void>;
  read(): Promise<BatteryReading>;
  /**
   * Sets AC active power, positive = discharge; held within the device's rates.
   * The device's own timer is armed: after `revertSeconds` (an integer, 1 to 4,294,967,294) without another call
   * the battery goes to 0 W.
   */
  setPower(w: W, revertSeconds: number): Promise<void>;
  nameplate(): BatteryNameplate;
}
