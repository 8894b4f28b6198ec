import {
  baseFactor,
  type MapPoint,
  type Phase,
  phases,
  plausibleRange,
  type Quantity,
  type RegisterMap,
} from '../register-map.ts';

/** What a device showed where a map says its points are, in base units; `undefined` is the device's "no value". */
export type MapValues = ReadonlyMap<MapPoint, number | undefined>;

/** What speaks for a device being the one that a map describes, and what against it; in words. */
export interface Evidence {
  readonly supporting: readonly string[];
  readonly contradicting: readonly string[];
  /** Something that no such meter could show: it is another device. */
  readonly isImpossible: boolean;
}

/** Between line and neutral; mV. Below `deadMilliV` a phase is not connected. */
const mains = { leastMilliV: 80_000, greatestMilliV: 300_000, deadMilliV: 10_000 };
/** mHz. */
const grid = { least: 45_000, greatest: 65_000 };
/** What two registers of one reading may differ by: share of the greater, and W or VA. */
const agreeing = { share: 0.03, w: 8 };

const agree = (a: number, b: number): boolean =>
  Math.abs(a - b) <= agreeing.w + agreeing.share * Math.max(Math.abs(a), Math.abs(b));

/**
 * Judges by what electricity cannot do otherwise: mains voltage and frequency, power within volts times amperes,
 * apparent power from active and reactive, a sum of its phases. Registers of another device pass few of these.
 */
export function judgeMap(map: RegisterMap, values: MapValues): Evidence {
  const supporting: string[] = [];
  const contradicting: string[] = [];
  const judge: Judge = (holds, what, found) => {
    if (holds) supporting.push(what);
    else contradicting.push(`${what}: it is ${found}`);
  };
  let isImpossible = false;
  const must: Judge = (holds, what, found) => {
    judge(holds, what, found);
    isImpossible ||= !holds;
  };
  const at = (quantity: Quantity, phase?: Phase): number | undefined => {
    const point = map.points.find((each) => each.quantity === quantity && each.phase === phase);
    return point === undefined ? undefined : values.get(point);
  };
  for (const [point, value] of values) {
    const [least, greatest] = plausibleRange(point);
    if (value === undefined || (value >= least && value <= greatest)) continue;
    must(false, `${point.name} is within its range`, `${value / baseFactor(point)} ${point.unit}`);
  }
  const live = phases.filter((phase) => (at('voltage', phase) ?? 0) >= mains.deadMilliV);
  const hasVoltages = phases.some((phase) => at('voltage', phase) !== undefined);
  if (hasVoltages) {
    const volts = live.map((phase) => at('voltage', phase) ?? 0);
    const areMains = volts.length > 0 && volts.every((mV) => mV >= mains.leastMilliV && mV <= mains.greatestMilliV);
    must(areMains, 'its voltages are those of the mains', `${volts.map((mV) => mV / 1000).join(', ') || 'none'} V`);
  }
  const hz = at('frequency');
  if (hz !== undefined)
    must(hz >= grid.least && hz <= grid.greatest, 'its frequency is that of a grid', `${hz / 1000} Hz`);
  for (const phase of [...live, undefined]) judgePower(at, phase, judge);
  judgeSum(at, judge);
  if (supporting.length === 0 && contradicting.length === 0 && [...values.values()].some((value) => Boolean(value)))
    supporting.push('its registers hold what such a meter can show');
  return { supporting, contradicting, isImpossible };
}

type Judge = (holds: boolean, what: string, found: string) => void;
type ValueAt = (quantity: Quantity, phase?: Phase) => number | undefined;

function judgePower(at: ValueAt, phase: Phase | undefined, judge: Judge): void {
  const of = phase === undefined ? '' : ` of ${phase}`;
  const [mV, mA] = [at('voltage', phase), at('current', phase)];
  const [powerW, va, vars] = [at('power', phase), at('apparentPower', phase), at('reactivePower', phase)];
  // Nothing flows: everything agrees with everything.
  if (powerW === undefined || powerW === 0) return;
  if (mV !== undefined && mA !== undefined) {
    const most = Math.abs(mV * mA) / 1e6;
    const holds = Math.abs(powerW) <= most || agree(Math.abs(powerW), most);
    judge(holds, `its power${of} is within volts times amperes`, `${powerW} W of ${most.toFixed(0)} VA`);
  }
  if (va !== undefined && vars !== undefined) {
    const hypotenuse = Math.hypot(powerW, vars);
    judge(agree(va, hypotenuse), `its apparent power${of} is that of active and reactive`, `${va} VA`);
  }
}

function judgeSum(at: ValueAt, judge: Judge): void {
  const total = at('power');
  const terms = phases.map((phase) => at('power', phase));
  if (total === undefined || terms.some((term) => term === undefined)) return;
  const sum = terms.reduce<number>((all, term) => all + (term ?? 0), 0);
  if (sum === 0 && total === 0) return;
  judge(agree(sum, total), 'its power is the sum of its phases', `${total} W and ${sum} W`);
}
