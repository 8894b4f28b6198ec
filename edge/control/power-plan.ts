import { W } from '#hal/units.ts';
import type { Margin } from './moves.ts';
import type { SeenLoad } from './site-view.ts';

/**
 * The powers that limits hold, each from above. `export` and `import`: at the connection point. `generation`: of all
 * DERs, what storage charges not counted against it. `load`: what the building draws, with what storage charges.
 * `output`: of all DERs together, at their electrical coupling point.
 */
export const limitNames = ['export', 'import', 'generation', 'load', 'output'] as const;
export type LimitName = (typeof limitNames)[number];
/** W; `Infinity` where nothing limits. */
export type PowerLimits = Readonly<Record<LimitName, number>>;

/** What decides a setpoint: a limit, a target, being out of service, what the device can, or nothing of these. */
export type Decider =
  | LimitName
  | 'target'
  | 'storageTarget'
  | 'service'
  | 'device'
  | 'peakShaving'
  | 'market'
  | 'selfConsumption'
  /** On the way up after a fault. */
  | 'recovery';

/** W; storage is positive when it discharges. */
export interface PlanInput {
  readonly limits: PowerLimits;
  /** What all DERs together are to give (opModFixedW, opModTargetW). */
  readonly targetW: number | undefined;
  /** What the storage is to give (opModStorageTargetW). */
  readonly storageTargetW: number | undefined;
  /** Mean grid power that the market committed the building to: bought is positive. */
  readonly commitmentW: number;
  /** Least and greatest that the building may draw as seen now; `undefined` where nobody knows. */
  readonly load: SeenLoad | undefined;
  readonly pv: {
    readonly ratedW: number;
    readonly nowW: number;
    /** It gives as much as its limit lets it, and so perhaps could give more. */
    readonly isCapped: boolean;
    /** Whether its room is tried this time, if it is capped: PV that may not be there costs import. */
    readonly isProbed: boolean;
  };
  readonly storage: {
    /** Greatest charge, 0 and down. */
    readonly minW: number;
    readonly maxW: number;
    /** Greatest discharge that is not for a limit's sake: 0 at the building's reserve. */
    readonly freelyMaxW: number;
    /** What it does, where that is not what it was told: it is not relied upon then. */
    readonly strayW: number | undefined;
  };
  /** The import that storage keeps the building below of its own accord; left out where it does not. */
  readonly peak?: PeakShaving | undefined;
  readonly margin: Margin;
  /** What PV and storage may give so soon after a fault, W; limits that storage holds come first. */
  readonly recovery?: { readonly pvW: number; readonly storageW: number } | undefined;
}

/** What storage does about peaks of the import; W, 0 and up. It stays above the building's reserve. */
export interface PeakShaving {
  readonly aboveW: number;
  /** What may be given for it: 0 at the reserve. */
  readonly mostW: number;
  /** What is drawn to be ready for the next one, as far as that makes no peak: 0 while there is enough for it. */
  readonly rechargeW: number;
}

export interface PowerPlan {
  readonly storageW: W;
  readonly storageBy: Decider;
  /** `null`: PV is not limited. */
  readonly pvW: W | null;
  readonly pvBy: Decider | undefined;
  /** What a limit is exceeded by although everything is done that can be; 0 otherwise. */
  readonly shortfallW: number;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Shares of the PV rating: what is left free above PV, and by how much its room grows each time while it is capped. */
const headroomShare = 0.02;
const probeShare = 0.05;
/** The same while import and export limits leave no room at all: within what measurements are judged by. */
const tightProbeShare = 0.0075;

/**
 * Storage and PV for the next moment, so that all limits hold with what load and PV may do until then. Storage gives
 * way before PV does. Where an import limit and one on what is generated contradict each other, less is generated;
 * between import and export limits that leave no room for the margins, the middle.
 */
export function plan(input: PlanInput): PowerPlan {
  const storage = storagePlan(input);
  const storageW = W(Math.round(storage.w));
  // What is not certain to be absorbed may be exported.
  const worstW = Math.max(storageW, input.storage.strayW ?? storageW);
  const [pvBy, capW] = pvCap(input, worstW, storage);
  const isLimited = capW < input.pv.ratedW;
  return {
    storageW,
    storageBy: storage.by,
    pvW: isLimited ? W(Math.max(0, Math.floor(capW))) : null,
    pvBy: isLimited ? pvBy : undefined,
    shortfallW: Math.max(0, Math.round(shortfall(input, storageW, Math.min(capW, input.pv.nowW)))),
  };
}

interface StoragePlan {
  readonly w: number;
  readonly by: Decider;
  /** Import and export limits contradict each other but for a middle way. */
  readonly isTight: boolean;
}

function storagePlan(input: PlanInput): StoragePlan {
  const { limits, load, pv, storage, margin } = input;
  const [lowW, highW] = [load?.lowW ?? 0, load?.highW ?? -Infinity];
  const aboveW =
    pv.isCapped && pv.isProbed ? probeShare * pv.ratedW : Math.max(margin.pvUpW, headroomShare * pv.ratedW);
  const pvHighW = Math.min(Math.max(pv.ratedW, pv.nowW), pv.nowW + aboveW);
  const pvLowW = Math.max(0, pv.nowW - margin.pvDownW);
  const needW = highW + margin.loadUpW - pvLowW - limits.import;
  // Less than nothing is not drawn: a load that is not seen is taken to be nothing already.
  const downW = load === undefined ? 0 : margin.loadDownW;
  const roomW = limits.export + lowW - downW - pvHighW;
  const isTight = needW > roomW;

  const [wantedBy, wantedW] = wanted(input);
  let by = wantedBy;
  let w = clamp(wantedW, storage.minW, storage.freelyMaxW);
  if (w !== wantedW) by = 'device';
  const peakW = peakShavingAt(input, w);
  if (peakW !== undefined) [w, by] = [peakW, 'peakShaving'];
  const atMost = (limit: Decider, mostW: number): void => {
    if (mostW >= w) return;
    w = mostW;
    by = limit;
  };
  atMost('recovery', input.recovery?.storageW ?? Infinity);
  if (needW > w) [w, by] = [needW, 'import'];
  atMost('export', isTight ? middle(input, { lowW, highW }, { needW, roomW }) : roomW);
  atMost('output', limits.output - pvHighW);
  atMost('generation', Math.max(0, limits.generation - pvHighW));
  // Without the meter the building may draw all that its connection carries: nothing is left to charge with.
  const chargeW = load === undefined ? 0 : Math.max(0, limits.load - highW - margin.loadUpW);
  const leastW = Math.max(storage.minW, -chargeW);
  if (w < leastW) [w, by] = [leastW, leastW > storage.minW ? 'load' : 'device'];
  atMost('device', storage.maxW);
  return { w: clamp(w, storage.minW, storage.maxW), by, isTight };
}

function middle(
  { limits, pv }: PlanInput,
  { lowW, highW }: NonNullable<PlanInput['load']>,
  { needW, roomW }: { readonly needW: number; readonly roomW: number },
): number {
  const [leastW, mostW] = [highW - pv.nowW - limits.import, limits.export + lowW - pv.nowW];
  const probeW = pv.isCapped && pv.isProbed ? tightProbeShare * pv.ratedW : 0;
  return clamp((needW + roomW) / 2, leastW, Math.max(leastW, mostW)) - probeW;
}

function wanted({ targetW, storageTargetW, commitmentW, load, pv }: PlanInput): readonly [Decider, number] {
  if (storageTargetW !== undefined) return ['storageTarget', storageTargetW];
  if (targetW !== undefined) return ['target', targetW - pv.nowW];
  if (load === undefined) return ['selfConsumption', 0];
  const by = commitmentW === 0 ? 'selfConsumption' : 'market';
  return [by, (load.lowW + load.highW) / 2 - pv.nowW - commitmentW];
}

/** What storage does in place of `w` for the sake of peaks; `undefined` where nothing else. A target goes before. */
function peakShavingAt({ peak, load, pv, targetW, storageTargetW }: PlanInput, w: number): number | undefined {
  if (peak === undefined || load === undefined || targetW !== undefined || storageTargetW !== undefined)
    return undefined;
  const overW = load.highW - pv.nowW - peak.aboveW;
  if (overW > w) {
    const givenW = Math.min(overW, Math.max(peak.mostW, 0));
    return givenW > w ? givenW : undefined;
  }
  const drawnW = 0 - Math.min(peak.rechargeW, Math.max(0, -overW));
  return peak.rechargeW > 0 && drawnW < w ? drawnW : undefined;
}

function pvCap(input: PlanInput, storageW: number, { isTight, w }: StoragePlan): readonly [Decider, number] {
  const { limits, targetW, load, pv, storage, margin, recovery } = input;
  const marginW = isTight || load === undefined ? 0 : margin.loadDownW;
  const caps: (readonly [Decider, number])[] = [
    ['export', limits.export + (load?.sureW ?? load?.lowW ?? 0) - marginW - storageW],
    ['output', limits.output - storageW],
    ['generation', limits.generation - Math.max(0, storageW)],
  ];
  if (recovery !== undefined) caps.push(['recovery', recovery.pvW]);
  // While storage can still make room, PV may rise: the target is met by storage.
  const freeW = w > storage.minW ? headroomShare * pv.ratedW : 0;
  if (targetW !== undefined) caps.push(['target', targetW - storageW + freeW]);
  return caps.reduce((least, cap) => (cap[1] < least[1] ? cap : least));
}

function shortfall({ limits, load }: PlanInput, storageW: number, pvW: number): number {
  if (load === undefined) return 0;
  const importW = load.highW - pvW - storageW;
  return Math.max(importW - limits.import, load.highW + Math.max(0, -storageW) - limits.load);
}
