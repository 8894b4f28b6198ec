import { DERCurveType, DERUnitRefType } from '#ieee2030_5/enumerations-der.ts';
import type { DERCurve } from '#ieee2030_5/types.generated.ts';
import type {
  CurvePoint,
  PowerFactor,
  TripPoint,
  VarCurve,
  VarReference,
  VoltVarCurve,
  VoltWattCurve,
} from '#drivers/grid-support.ts';

/** A value that is none for its mode; the message says why. */
export class InvalidMode extends Error {}

type CurveMode = keyof typeof DERCurveType;

/** Throws `InvalidMode` for a curve of another type. */
function checkType(curve: DERCurve, mode: CurveMode): void {
  if (curve.curveType !== DERCurveType[mode]) {
    throw new InvalidMode(`a curve of type ${curve.curveType} is none for ${mode}`);
  }
}

/** The points in physical units; IEEE 2030.5-2018, DERCurve: value · 10^multiplier. */
function points({ CurveData, xMultiplier, yMultiplier }: DERCurve): CurvePoint[] {
  return CurveData.map(({ xvalue, yvalue }) => ({ x: scaled(xvalue, xMultiplier), y: scaled(yvalue, yMultiplier) }));
}

/** Divides for negative powers: 9200 · 10^−2 is 92, exactly. */
export const scaled = (value: number, multiplier: number): number =>
  multiplier < 0 ? value / 10 ** -multiplier : value * 10 ** multiplier;

const varReferences = new Map<number, VarReference>([
  [DERUnitRefType.setMaxW, 'maxW'],
  [DERUnitRefType.setMaxVar, 'maxVar'],
  [DERUnitRefType.statVarAvail, 'availableVar'],
]);

/** Throws `InvalidMode` for a DERUnitRefType that reactive power does not refer to. */
export function varReference(refType: number): VarReference {
  const reference = varReferences.get(refType);
  if (reference === undefined) throw new InvalidMode(`reactive power in percent of reference ${refType}`);
  return reference;
}

/** openLoopTms: hundredths of a second; absent: the device's own. */
const response = ({ openLoopTms }: DERCurve): { responseSeconds?: number } =>
  openLoopTms === undefined ? {} : { responseSeconds: openLoopTms / 100 };

export function voltVarCurve(curve: DERCurve): VoltVarCurve {
  checkType(curve, 'opModVoltVar');
  const vRef = curve.vRef === undefined ? {} : { vRefPercent: curve.vRef / 100 };
  return { points: points(curve), reference: varReference(curve.yRefType), ...response(curve), ...vRef };
}

export function wattVarCurve(curve: DERCurve): VarCurve {
  checkType(curve, 'opModWattVar');
  return { points: points(curve), reference: varReference(curve.yRefType), ...response(curve) };
}

export function voltWattCurve(curve: DERCurve): VoltWattCurve {
  checkType(curve, 'opModVoltWatt');
  const { yRefType } = curve;
  if (yRefType !== DERUnitRefType.setMaxW && yRefType !== DERUnitRefType.statWAvail) {
    throw new InvalidMode(`active power in percent of reference ${yRefType}`);
  }
  const reference = yRefType === DERUnitRefType.setMaxW ? 'maxW' : 'availableW';
  return { points: points(curve), reference, ...response(curve) };
}

/** Seconds and percent of the nominal voltage, or Hz. */
export function tripCurve(curve: DERCurve, mode: CurveMode): readonly TripPoint[] {
  checkType(curve, mode);
  return points(curve).map(({ x, y }) => ({ seconds: x, magnitude: y }));
}

/** Percent of setMaxW that may be given at a frequency, Hz. */
export function freqWatt(curve: DERCurve, frequencyHz: number): number {
  checkType(curve, 'opModFreqWatt');
  return along(points(curve), frequencyHz);
}

/** The power factor at a power given, percent of setMaxW. Between two excitations the way goes through 1. */
export function wattPowerFactor(curve: DERCurve, percentW: number): PowerFactor {
  checkType(curve, 'opModWattPF');
  const distances = curve.CurveData.map(({ xvalue, yvalue, excitation }) => {
    const distance = 1 - scaled(yvalue, curve.yMultiplier);
    if (distance < 0 || distance >= 1) throw new InvalidMode(`${1 - distance} is no power factor`);
    return { x: scaled(xvalue, curve.xMultiplier), y: excitation === true ? -distance : distance };
  });
  const distance = along(distances, percentW);
  // Steps of 0.001: what a device resolves.
  return { cosPhi: Math.round(1_000 * (1 - Math.abs(distance))) / 1_000, excitation: distance < 0 ? 'under' : 'over' };
}

/** y at x: straight lines between the points, flat beyond both ends. */
function along(curve: readonly CurvePoint[], x: number): number {
  const next = curve.findIndex((point) => point.x > x);
  const [from, to] = next < 0 ? [undefined, curve.at(-1)] : [curve[next - 1], curve[next]];
  if (to === undefined) throw new InvalidMode('a curve without points');
  return from === undefined ? to.y : from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x);
}
