import type { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { GridSupport } from './grid-support.ts';

/** One reading of a CT front-end. */
export interface ClampFrame {
  /** When its last byte arrived, by the clock given to the driver. */
  readonly receivedAt: UnixSeconds;
  /** The front-end's own message counter; it starts again when the front-end does. */
  readonly message: number;
  /** Root mean square volts of the first voltage input; `undefined` where there is none. */
  readonly voltsRms: number | undefined;
  readonly channels: readonly ClampChannel[];
}

export interface ClampChannel {
  /** Mean active power since the last message; the sign is the clamp's direction. */
  readonly powerW: W;
  /** Net energy since the front-end started: signed, it falls while power is negative. */
  readonly energyWh: Wh;
  /** Active over apparent power, −1 to 1, where the front-end tells it. */
  readonly powerFactor?: number;
}

/** The meter at the connection point. */
export interface SiteMeter extends AsyncDisposable {
  /** It sends when it likes, and no sooner for being asked; one without it is read for each frame. */
  readonly sendsByItself?: boolean;
  /** Opens the port; rejects with a `GridError` when it cannot. */
  start(): Promise<void>;
  /**
   * The newest frame that was received strictly later than `after`: at once when it is there, else the next one.
   * Rejects with a `GridError` after `timeoutMs` of wall time.
   */
  frameAfter(after: UnixSeconds, timeoutMs: number): Promise<ClampFrame>;
}

export interface MeterPhase {
  readonly voltageMilliV: number | undefined;
  readonly currentMilliA: number | undefined;
  /** Positive = import. */
  readonly powerW: W | undefined;
  readonly importWh: Wh | undefined;
  readonly exportWh: Wh | undefined;
}

/** One reading of a meter; `undefined` is what it does not measure, or what could not be believed yet. */
export interface MeterReading {
  /** Active power of all phases, positive = import. */
  readonly powerW: W;
  /** Energy since the meter was made; it never falls. */
  readonly importWh: Wh | undefined;
  readonly exportWh: Wh | undefined;
  readonly frequencyMilliHz: number | undefined;
  /** L1, L2, L3: one of a meter for one phase, three of others. */
  readonly phases: readonly MeterPhase[];
}

/** A meter that answers when it is asked. */
export interface EnergyMeter {
  /** Opens the bus and reads once. May be called again after it failed. */
  start(): Promise<void>;
  /** Rejects with a `GridError` when it does not answer or what it says cannot be. */
  read(): Promise<MeterReading>;
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
  /** DC energy into the cells, since installation; of a device that measures AC only, that. */
  readonly dcChargeWh: Wh;
  /** DC energy out of the cells, since installation; of a device that measures AC only, that. */
  readonly dcDischargeWh: Wh;
}

export interface Battery extends GridSupport {
  /** Finds the device's registers and reads its nameplate. May be called again after it failed. */
  start(): Promise<void>;
  read(): Promise<BatteryReading>;
  /**
   * Sets AC active power, positive = discharge; held within the device's rates.
   * The device's own timer is armed: after `revertSeconds` (an integer, 1 to 4,294,967,294; to 65,534 where the models
   * are old) without another call the battery goes to 0 W, or where `modes` says `toDefault` back to its own operation.
   */
  setPower(w: W, revertSeconds: number): Promise<void>;
  nameplate(): BatteryNameplate;
}

/** What the network operator asks for by ripple control. */
export interface RippleReading {
  /** Of what the site may generate: 0, 30, 60 or 100. */
  readonly percent: number;
  /** Why it is less than the lines say, where they cannot be right. */
  readonly fault: string | undefined;
}

/** The receiver of the network operator's ripple control. */
export interface RippleInput extends AsyncDisposable {
  start(): Promise<void>;
  /** Never rejects: what cannot be read is the safest step. */
  read(): Promise<RippleReading>;
}

/** A contactor between the generators and the rest of the site. */
export interface Contactor extends AsyncDisposable {
  /** Takes its lines; it is open then. `connect` does so too. */
  start(): Promise<void>;
  /**
   * Closes or opens it, and waits for its contacts where they are wired back. Rejects with a `GridError` when they do
   * not follow. Opening is immediate; closing waits until it was open for as long as it must be.
   */
  connect(isConnected: boolean): Promise<void>;
}
