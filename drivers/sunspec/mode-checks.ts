import { GridError } from '#hal/errors.ts';
import type {
  CurvePoint,
  DerModes,
  EnterService,
  FreqDroop,
  PowerFactor,
  TripPoint,
  VarSetpoint,
  VoltVarCurve,
} from '../grid-support.ts';

/** Throws `GTX-SUN-008` for a value that is none for its mode, whatever the device. */
export function checkMode<Mode extends keyof DerModes>(mode: Mode, value: DerModes[Mode], maxPoints = Infinity): void {
  const fault = checks[mode](value, maxPoints);
  if (fault !== undefined) throw new GridError('GTX-SUN-008', `${mode}: ${fault}`);
}

type Check<Value> = (value: Value, maxPoints: number) => string | undefined;

const isWithin = (value: number, least: number, greatest: number): boolean => value >= least && value <= greatest;

const watts =
  (least: number): Check<number> =>
  (w) =>
    Number.isSafeInteger(w) && w >= least ? undefined : `${w} W is no setpoint`;

const powerFactor: Check<PowerFactor> = ({ cosPhi }) =>
  cosPhi > 0 && cosPhi <= 1 ? undefined : `${cosPhi} is no power factor above 0, up to 1`;

const varSetpoint: Check<VarSetpoint> = (setpoint) => {
  if ('var' in setpoint) return Number.isFinite(setpoint.var) ? undefined : `${setpoint.var} var is no setpoint`;
  return isWithin(setpoint.percent, -100, 100) ? undefined : `${setpoint.percent} % is not within −100 to 100`;
};

const curve =
  (x: readonly [number, number], y: readonly [number, number]): Check<{ readonly points: readonly CurvePoint[] }> =>
  ({ points }, maxPoints) => {
    if (points.length < 2 || points.length > maxPoints) return `${points.length} points, not 2 to ${maxPoints}`;
    const stray = points.find((point) => !isWithin(point.x, ...x) || !isWithin(point.y, ...y));
    if (stray !== undefined) return `point (${stray.x}, ${stray.y}) is outside ${x.join(' to ')}, ${y.join(' to ')}`;
    const fall = points.findIndex((point, i) => i > 0 && point.x < points[i - 1]!.x);
    return fall === -1 ? undefined : `x falls at point ${fall + 1}`;
  };

/** Beyond any response that a standard allows (IEEE 1547-2018: 90 s at most for Volt-VAr, 60 s for Volt-Watt). */
const slowest = 3_600;

const response =
  <Value>(check: Check<Value>): Check<Value & { readonly responseSeconds?: number }> =>
  (value, maxPoints) => {
    const { responseSeconds = 0 } = value;
    return isWithin(responseSeconds, 0, slowest) ? check(value, maxPoints) : `a response of ${responseSeconds} s`;
  };

const droop: Check<FreqDroop> = ({ deadbandOverHz, deadbandUnderHz, droopOver, droopUnder }) => {
  if (!isWithin(deadbandOverHz, 0, 10) || !isWithin(deadbandUnderHz, 0, 10))
    return 'a deadband is not within 0 to 10 Hz';
  return isWithin(droopOver, 0.001, 1) && isWithin(droopUnder, 0.001, 1)
    ? undefined
    : 'a droop is not within 0.001 to 1';
};

/** @param toward 1 where the magnitude rises as the seconds do (low side), −1 where it falls */
const trip =
  (least: number, greatest: number, toward: 1 | -1): Check<readonly TripPoint[]> =>
  (points, maxPoints) => {
    if (points.length < 1 || points.length > maxPoints) return `${points.length} points, not 1 to ${maxPoints}`;
    const stray = points.find(
      ({ seconds, magnitude }) => !isWithin(seconds, 0, slowest) || !isWithin(magnitude, least, greatest),
    );
    if (stray !== undefined) return `(${stray.seconds} s, ${stray.magnitude}) is no point of it`;
    const bend = points.findIndex((point, i) => {
      const before = points[i - 1] ?? point;
      return point.seconds < before.seconds || toward * (point.magnitude - before.magnitude) < 0;
    });
    return bend === -1 ? undefined : `point ${bend + 1} turns back: milder events may only be borne for longer`;
  };

const enterService: Check<EnterService> = (enter) => {
  const { maxVoltagePercent, minVoltagePercent, maxHz, minHz } = enter;
  if (!(minVoltagePercent >= 0 && minVoltagePercent < maxVoltagePercent)) return 'its voltages are no range';
  if (!(minHz > 0 && minHz < maxHz)) return 'its frequencies are no range';
  const times = [enter.delaySeconds, enter.randomDelaySeconds, enter.rampSeconds];
  return times.every((time) => Number.isInteger(time) && time >= 0) ? undefined : 'its times are no whole seconds';
};

const voltage = [0, 200] as const;
const percent = [-100, 100] as const;
const varCurve = curve(voltage, percent);
const lowVoltage = trip(0, 100, 1);
const highVoltage = trip(100, 200, -1);
const lowFrequency = trip(40, 60, 1);
const highFrequency = trip(50, 80, -1);

const checks: { readonly [Mode in keyof DerModes]: Check<DerModes[Mode]> } = {
  connect: () => undefined,
  limitW: watts(0),
  targetW: watts(-Number.MAX_SAFE_INTEGER),
  powerFactorInject: powerFactor,
  powerFactorAbsorb: powerFactor,
  fixedVar: varSetpoint,
  voltVar: response<VoltVarCurve>((value, maxPoints) => {
    const { vRefPercent = 100 } = value;
    return isWithin(vRefPercent, 50, 150) ? varCurve(value, maxPoints) : `${vRefPercent} % is no reference voltage`;
  }),
  voltWatt: response(curve(voltage, [0, 100])),
  wattVar: curve(percent, percent),
  freqDroop: response(droop),
  lowVoltageMustTrip: lowVoltage,
  lowVoltageMayTrip: lowVoltage,
  lowVoltageMomentaryCessation: lowVoltage,
  highVoltageMustTrip: highVoltage,
  highVoltageMayTrip: highVoltage,
  highVoltageMomentaryCessation: highVoltage,
  lowFrequencyMustTrip: lowFrequency,
  lowFrequencyMayTrip: lowFrequency,
  highFrequencyMustTrip: highFrequency,
  highFrequencyMayTrip: highFrequency,
  rampRate: (rate) => (rate > 0 && rate <= 100 ? undefined : `${rate} % a second is not above 0, up to 100`),
  enterService,
};
