import type { W } from '#hal/units.ts';

/**
 * What inverters and batteries do for the grid, in physical units, whatever their registers: the DER control modes
 * of IEEE 1547-2018 and IEEE 2030.5-2018 §10.10.
 * Signs are the generator's: active power is positive when it is injected, reactive power when it is injected
 * (over-excited).
 */

/** Displacement power factor: reactive power follows active power. Over-excited injects reactive power. */
export interface PowerFactor {
  /** Above 0, at most 1. */
  readonly cosPhi: number;
  readonly excitation: 'over' | 'under';
}

/** What a percentage of reactive power refers to. */
export type VarReference = 'maxW' | 'maxVar' | 'availableVar' | 'maxVA';
/** Reactive power, in var or in signed percent (−100 to 100) of a reference; positive is injected. */
export type VarSetpoint = { readonly var: number } | { readonly percent: number; readonly of: VarReference };

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** A piecewise linear function: x rises from point to point (equal neighbours are a step); flat beyond both ends. */
interface Curve {
  /** At least two; how many at most is in `ModeSupport`. */
  readonly points: readonly CurvePoint[];
  /** Seconds until 90 % of a step's effect is there (open-loop response time); the device's own when left out. */
  readonly responseSeconds?: number;
}

/** y: percent of reactive power, −100 to 100. x: voltage in percent of nominal, or active power in percent of the maximum. */
export interface VarCurve extends Curve {
  readonly reference: VarReference;
}

export interface VoltVarCurve extends VarCurve {
  /** Moves the curve: percent of the nominal voltage that stands for 100 % on the x axis; 100 when left out. */
  readonly vRefPercent?: number;
}

/** x: voltage in percent of nominal. y: greatest active power, percent of the reference. */
export interface VoltWattCurve extends Curve {
  readonly reference: 'maxW' | 'availableW';
}

/** Frequency droop (IEEE 1547-2018 §6.5.2.7.1). */
export interface FreqDroop {
  /** Hz above nominal where the power starts to fall, and below nominal where it starts to rise; 0 and up. */
  readonly deadbandOverHz: number;
  readonly deadbandUnderHz: number;
  /** Change of frequency, per unit of nominal, that stands for a change of power of its whole rating; above 0. */
  readonly droopOver: number;
  readonly droopUnder: number;
  readonly responseSeconds: number;
}

/**
 * A vertex of a trip curve's staircase. `magnitude` is percent of the nominal voltage, or Hz. The curve acts when
 * the grid has been beyond a vertex's magnitude for its seconds (IEEE 1547-2018 §6.4.1, §6.5.1).
 */
export interface TripPoint {
  readonly seconds: number;
  readonly magnitude: number;
}

/** When a device that ceased to energize may enter service again (IEEE 1547-2018 §4.10). */
export interface EnterService {
  readonly maxVoltagePercent: number;
  readonly minVoltagePercent: number;
  readonly maxHz: number;
  readonly minHz: number;
  /** Seconds that voltage and frequency must have been within, and up to so many more drawn at random. */
  readonly delaySeconds: number;
  readonly randomDelaySeconds: number;
  /** Seconds from nothing to full power. */
  readonly rampSeconds: number;
}

/** The control modes and what each is set to. */
export interface DerModes {
  /** `false`: cease to energize (0 W, 0 var). `true` or `null`: may enter service again, by the device's own delay. */
  readonly connect: boolean;
  /** Greatest active power injected, 0 and up. */
  readonly limitW: W;
  /** Active power; a battery charges with a negative one, an inverter gives what it has up to it. */
  readonly targetW: W;
  /** While active power is injected. */
  readonly powerFactorInject: PowerFactor;
  /** While active power is absorbed. */
  readonly powerFactorAbsorb: PowerFactor;
  readonly fixedVar: VarSetpoint;
  readonly voltVar: VoltVarCurve;
  readonly voltWatt: VoltWattCurve;
  readonly wattVar: VarCurve;
  readonly freqDroop: FreqDroop;
  readonly lowVoltageMustTrip: readonly TripPoint[];
  readonly lowVoltageMayTrip: readonly TripPoint[];
  readonly lowVoltageMomentaryCessation: readonly TripPoint[];
  readonly highVoltageMustTrip: readonly TripPoint[];
  readonly highVoltageMayTrip: readonly TripPoint[];
  readonly highVoltageMomentaryCessation: readonly TripPoint[];
  readonly lowFrequencyMustTrip: readonly TripPoint[];
  readonly lowFrequencyMayTrip: readonly TripPoint[];
  readonly highFrequencyMustTrip: readonly TripPoint[];
  readonly highFrequencyMayTrip: readonly TripPoint[];
  /** Greatest rise of active power, percent of the maximum each second. */
  readonly rampRate: number;
  readonly enterService: EnterService;
}
export type DerMode = keyof DerModes;

export interface ModeSupport {
  /**
   * What the device does by itself when its timer has run out: `never` it holds until it is told otherwise (a device
   * has no timer for it), `toDefault` the mode ends and the device's own default follows, `toValue` it goes to
   * `revertTo`, or without one as in `toDefault`.
   */
  readonly reverts: 'never' | 'toDefault' | 'toValue';
  /** `rampSeconds` is carried out by the device; elsewhere it is refused. */
  readonly ramps: boolean;
  /** Points that a curve may have, where the mode is one. */
  readonly maxPoints?: number;
}

export interface DerOrder<Mode extends DerMode> {
  /** An integer, 1 and up; arms the device's own timer where it has one for the mode. */
  readonly revertSeconds: number;
  /** Only where the mode's support says `toValue`. */
  readonly revertTo?: DerModes[Mode];
  /** Integer seconds from the setpoint before to this one; only where the mode's support says `ramps`. */
  readonly rampSeconds?: number;
}

export const derOperations = [
  'off',
  'sleeping',
  'starting',
  'running',
  'throttled',
  'shuttingDown',
  'fault',
  'standby',
] as const;
export type DerOperation = (typeof derOperations)[number];

/** In the order of the bits of SunSpec's event fields (103 `Evt1`, 701 `Alrm`). */
export const derAlarms = [
  'groundFault',
  'dcOverVoltage',
  'acDisconnect',
  'dcDisconnect',
  'gridDisconnect',
  'cabinetOpen',
  'manualShutdown',
  'overTemperature',
  'overFrequency',
  'underFrequency',
  'acOverVoltage',
  'acUnderVoltage',
  'blownStringFuse',
  'underTemperature',
  'memoryLoss',
  'hardwareTestFailure',
  'manufacturerAlarm',
] as const;
export type DerAlarm = (typeof derAlarms)[number];

/** The device's view of the grid and of itself; `undefined` where it does not measure. */
export interface GridReading {
  readonly powerW: W;
  /** Integer var, positive is injected. */
  readonly reactiveVar: number | undefined;
  readonly apparentVA: number | undefined;
  /** Line to neutral, to a tenth. */
  readonly voltageV: number | undefined;
  /** Of the nominal voltage, to a hundredth, where the device tells what that is. */
  readonly voltagePercent: number | undefined;
  /** To a thousandth. */
  readonly frequencyHz: number | undefined;
  readonly operation: DerOperation | undefined;
  /** Connected to the grid and energizing or able to. */
  readonly isConnected: boolean | undefined;
  readonly alarms: ReadonlySet<DerAlarm>;
}

/** What percentages refer to; W, VA and var, integers. `maxVar…` is 0 where the device has no reactive power. */
export interface DerRatings {
  readonly maxW: number;
  readonly maxVA: number;
  readonly maxVarInject: number;
  readonly maxVarAbsorb: number;
  /** Line to line where there are several phases, else line to neutral. */
  readonly nominalV: number | undefined;
}

export interface GridSupport {
  /** The modes that this device has, known once it is started. What is not in it is refused with `GTX-SUN-011`. */
  modes(): ReadonlyMap<DerMode, ModeSupport>;
  ratings(): DerRatings;
  /**
   * Sets a mode, or ends it with `null`: the device's own default follows. Written to volatile registers and read
   * back. The timer runs on the device; refresh well before it ends.
   * Errors: `GTX-SUN-008` a value that is none for this mode or device, before anything is written; `GTX-SUN-011` no such
   * mode; `GTX-SUN-007` the device took something else; `GTX-SUN-012` it did not adopt a curve; `GTX-MOD-…` from the bus.
   */
  setMode<Mode extends DerMode>(mode: Mode, value: DerModes[Mode] | null, order: DerOrder<Mode>): Promise<void>;
  /** Voltage, frequency, reactive power and state: one or two Modbus reads more than `read`, so not for every second. */
  readGrid(): Promise<GridReading>;
}
