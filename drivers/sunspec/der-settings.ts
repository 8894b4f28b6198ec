import type {
  CurvePoint,
  EnterService,
  FreqDroop,
  PowerFactor,
  TripPoint,
  VarCurve,
  VarReference,
  VarSetpoint,
  VoltVarCurve,
  VoltWattCurve,
} from '../grid-support.ts';

/** What gives way when active and reactive power together exceed the apparent power. */
export type Priority = 'active' | 'reactive';

/** A trip function: its curves act on one side of one quantity. */
export interface TripSettings {
  readonly quantity: 'voltage' | 'frequency';
  readonly side: 'low' | 'high';
  readonly mustTrip: readonly TripPoint[];
  readonly momentaryCessation: readonly TripPoint[];
}

/** Everything that a DER is told, in physical units; `null` is a function that is switched off. */
export interface DerSettings {
  readonly maxW: number;
  readonly maxVA: number;
  readonly maxVarInject: number;
  readonly maxVarAbsorb: number;
  /** A switch: it acts at once both ways. */
  readonly isConnected: boolean;
  /** Permission to be in service: with it comes the delay of `enterService`. */
  readonly isPermitted: boolean;
  readonly enterService: EnterService;
  readonly limitW: number | null;
  readonly targetW: number | null;
  readonly powerFactorInject: PowerFactor | null;
  readonly powerFactorAbsorb: PowerFactor | null;
  readonly fixedVar: { readonly setpoint: VarSetpoint; readonly priority: Priority } | null;
  readonly voltVar: (VoltVarCurve & { readonly priority: Priority }) | null;
  readonly voltWatt: VoltWattCurve | null;
  readonly wattVar: (VarCurve & { readonly priority: Priority }) | null;
  /** `minPercent`: of the maximum power, where a falling droop ends. */
  readonly freqDroop: (FreqDroop & { readonly minPercent: number }) | null;
  readonly trips: readonly TripSettings[];
  /** Percent of the maximum each second, upwards; 0 is at once. */
  readonly rampPercent: number;
  /** Percent of the maximum reactive power each second, both ways; 0 is at once. */
  readonly varRampPercent: number;
}

/** y at x: straight lines between the points, flat beyond both ends. At a step the later point holds. */
export function interpolate(points: readonly CurvePoint[], x: number): number {
  const next = points.findIndex((point) => point.x > x);
  if (next === -1) return points.at(-1)!.y;
  const [from, to] = [points[next - 1], points[next]!];
  if (from === undefined) return to.y;
  return from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x);
}

/** The reactive power that a percentage stands for, var, when `activeW` flows. */
export function referenceVar(settings: DerSettings, of: VarReference, percent: number, activeW: number): number {
  const { maxW, maxVA } = settings;
  const maxVar = percent < 0 ? settings.maxVarAbsorb : settings.maxVarInject;
  if (of === 'maxW') return maxW;
  if (of === 'maxVA') return maxVA;
  return of === 'maxVar' ? maxVar : Math.min(maxVar, Math.sqrt(Math.max(0, maxVA ** 2 - activeW ** 2)));
}
