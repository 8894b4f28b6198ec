import { type Phase, phases } from '#drivers/register-map.ts';
import type { Block, CheckedClamp, CtSample } from './ct-samples.ts';
import { differences, fit, type Fit, rms } from './ct-statistics.ts';

/** What a clamp shows over what flows where it is to hang. */
export interface FoundFactor {
  readonly factor: number | undefined;
  /** The factor may be off by so much (about nineteen times of twenty, and more for few blocks). */
  readonly uncertainty: number | undefined;
  /** What flows there, W; `undefined` where nobody knows. */
  readonly flowW: number | undefined;
  /** Where it hangs by what it shows, where that is another place. */
  readonly hangsOn: Phase | 'grid' | 'load' | undefined;
  /** What it should have shown in a frame with this factor; `undefined` where that cannot be told. */
  readonly explain: (sample: CtSample) => number | undefined;
}

const unknown: FoundFactor = {
  factor: undefined,
  uncertainty: undefined,
  flowW: undefined,
  hangsOn: undefined,
  explain: () => undefined,
};

/** Standard errors that a factor may be off; few blocks tell their own spread badly. */
const errorsFor = (blocks: number): number => (blocks < 8 ? 4 : 3);
/** Another place must explain better what a clamp shows, share of what its own leaves over: at all, or by far. */
const better = { somewhat: 0.8, byFar: 0.1 };
/** cos 120° = −½, with reactive power around it: current of one line with the voltage of another. */
export const isOfOtherVoltage = (factor: number): boolean => factor <= -0.2 && factor >= -0.8;
/** The clamp shows a place as it is, whichever way round: so nearly that it hangs there, and as nearly as need be. */
const hangsThere = (factor: number): boolean => Math.abs(Math.abs(factor) - 1) <= 0.05;
const mayHangThere = (factor: number): boolean => Math.abs(Math.abs(factor) - 1) <= 0.12;
/** What inverter and battery say of themselves may be off by so much of what they give. */
const derClass = 0.04;

interface Place {
  readonly name: Phase | 'grid' | 'load';
  readonly ofBlock: (block: Block) => number | undefined;
  readonly ofSample: (sample: CtSample) => number | undefined;
}

const wholePlaces: readonly Place[] = [
  { name: 'grid', ofBlock: ({ meterW }) => meterW, ofSample: ({ meter }) => meter?.powerW },
  {
    name: 'load',
    ofBlock: ({ meterW, derW }) => (meterW === undefined || derW === undefined ? undefined : meterW + derW),
    ofSample: ({ meter, derW }) => (meter === undefined || derW === undefined ? undefined : meter.powerW + derW),
  },
];
const linePlaces: readonly Place[] = phases.map((name, i) => ({
  name,
  ofBlock: ({ phasesW }) => phasesW[i],
  ofSample: ({ meter }) => meter?.phasesW[i],
}));

/** Each clamp against what a meter at the connection point says flows there. */
export function factorsByMeter(clamps: readonly CheckedClamp[], blocks: readonly Block[]): readonly FoundFactor[] {
  return clamps.map((clamp) => {
    const places = clamp.phase === undefined ? wholePlaces : linePlaces;
    const shown = blocks.map(({ clampsW }) => clampsW[clamp.channel - 1] ?? 0);
    const own = places.find(({ name }) => name === (clamp.phase ?? clamp.sees));
    const fits = places.flatMap((place) => {
      const flow = blocks.map(place.ofBlock);
      if (!flow.every((w) => w !== undefined)) return [];
      const line = fit(shown, [flow]);
      return line === undefined ? [] : [{ place, line, flowW: rms(flow) }];
    });
    const expected = fits.find(({ place }) => place === own);
    if (expected === undefined) return unknown;
    const [best = expected] = fits.toSorted((a, b) => a.line.residual - b.line.residual);
    const isElsewhere =
      best !== expected && explainsBetter(best.line, expected.line, rms(shown), clamp.phase !== undefined);
    const { place, line } = isElsewhere ? best : expected;
    const [factor = 0] = line.factors;
    // The load is reckoned from what the devices say.
    const reckoned = place.name === 'load' ? (derClass * rms(blocks.map(({ derW }) => derW ?? 0))) / expected.flowW : 0;
    return {
      factor,
      uncertainty: errorsFor(blocks.length) * (line.errors[0] ?? 0) + reckoned,
      flowW: expected.flowW,
      hangsOn: isElsewhere ? place.name : undefined,
      explain: (sample) => {
        const flow = place.ofSample(sample);
        return flow === undefined ? undefined : factor * flow;
      },
    };
  });
}

/** Whether what a clamp shows is the flow of another place rather than a wrong picture of its own. */
function explainsBetter(other: Fit, own: Fit, shownW: number, isLine: boolean): boolean {
  const [factor = 0] = other.factors;
  const [ownFactor = 0] = own.factors;
  if (!hangsThere(factor) && !(isLine && isOfOtherVoltage(factor))) return false;
  const isByFar = own.residual > 0.01 * shownW && other.residual < better.byFar * own.residual;
  return isByFar || (!mayHangThere(ownFactor) && other.residual < better.somewhat * own.residual);
}

/** A clamp that shows less of a flow shows nothing of it. */
const leastFactor = 0.05;
/** Below it inverter and battery move too little to tell anything by, share of what the clamps show. */
const leastDerShare = 0.03;

/**
 * Without a meter: what inverter and battery say they give shows in the grid clamp the other way round, and the load is
 * what both make together (grid = load − what they give).
 */
export function factorsByBalance(clamps: readonly CheckedClamp[], blocks: readonly Block[]): readonly FoundFactor[] {
  const grid = clamps.find(({ sees, phase }) => sees === 'grid' && phase === undefined);
  const load = clamps.find(({ sees, phase }) => sees === 'load' && phase === undefined);
  const ders = blocks.map(({ derW }) => derW);
  if (grid === undefined || !ders.every((w) => w !== undefined)) return clamps.map(() => unknown);
  const shownBy = ({ channel }: CheckedClamp): number[] => blocks.map(({ clampsW }) => clampsW[channel - 1] ?? 0);
  const both = load === undefined ? undefined : withLoad(shownBy(grid), shownBy(load), ders, { grid, load });
  const found = both ?? { grid: { ...unknown, ...answerOf(shownBy(grid), undefined, ders) }, load: unknown };
  return clamps.map((clamp) => (clamp === grid ? found.grid : clamp === load ? found.load : unknown));
}

interface Pair {
  readonly grid: FoundFactor;
  readonly load: FoundFactor;
}

interface Answer {
  readonly factor: number;
  readonly uncertainty: number;
  /** The part of it that comes from what was measured, without what the devices may be off by. */
  readonly spreadOut: number;
}

/**
 * The grid clamp's answer to what changes in inverter and battery; what changes in the load at the same time is taken out
 * as far as a clamp shows it. `undefined` where they change too little.
 */
function answerOf(
  grid: readonly number[],
  load: readonly number[] | undefined,
  ders: readonly number[],
): Answer | undefined {
  const [steps, changes] = [differences(ders), differences(grid)];
  const stepW = rms(steps);
  if (stepW < leastDerShare * Math.max(rms(grid), rms(load ?? []), rms(ders))) return undefined;
  const both = load === undefined ? undefined : fit(changes, [steps, differences(load)]);
  const line = both ?? fit(changes, [steps]);
  if (line === undefined) return undefined;
  const spreadOut = errorsFor(steps.length) * (line.errors[0] ?? 0);
  return { factor: 0 - (line.factors[0] ?? 0), spreadOut, uncertainty: spreadOut + derClass };
}

const shownOf = ({ channel }: CheckedClamp, { clampsW }: CtSample): number => clampsW[channel - 1] ?? 0;

function withLoad(
  grid: readonly number[],
  load: readonly number[],
  ders: readonly number[],
  clamps: { readonly grid: CheckedClamp; readonly load: CheckedClamp },
): Pair {
  const flows = { grid: rms(load.map((w, i) => w - ders[i]!)), load: rms(grid.map((w, i) => w + ders[i]!)) };
  const isDead = rms(load) < 0.01 * Math.max(rms(grid), rms(ders));
  const own = exchangedBy(grid, load, ders);
  if (own !== undefined && !isDead) return own;
  const answer = answerOf(grid, isDead ? undefined : load, ders);
  if (answer === undefined || Math.abs(answer.factor) < leastFactor) {
    return { grid: { ...unknown, ...answer, flowW: flows.grid }, load: { ...unknown, flowW: flows.load } };
  }
  const { factor, spreadOut } = answer;
  const drawn = grid.map((w, i) => w / factor + ders[i]!);
  const line = fit(load, [drawn]);
  const loadFactor = line?.factors[0] ?? 0;
  // What the devices may be off by is in the factor of the grid clamp too, so that it counts once. What is not known of
  // that factor counts for more the less is drawn of what the clamp shows.
  const share = (spreadOut * rms(grid)) / Math.abs(factor) / rms(drawn) + derClass;
  return {
    grid: {
      ...unknown,
      ...answer,
      flowW: flows.grid,
      explain: (sample) =>
        sample.derW === undefined || Math.abs(loadFactor) < leastFactor
          ? undefined
          : factor * (shownOf(clamps.load, sample) / loadFactor - sample.derW),
    },
    load: {
      ...unknown,
      factor: loadFactor,
      uncertainty: errorsFor(load.length) * (line?.errors[0] ?? 0) + Math.abs(loadFactor) * share,
      flowW: rms(drawn),
      explain: (sample) =>
        sample.derW === undefined ? undefined : loadFactor * (shownOf(clamps.grid, sample) / factor + sample.derW),
    },
  };
}

/** The load clamp answers to inverter and battery as the grid clamp should, and the grid clamp does not. */
function exchangedBy(grid: readonly number[], load: readonly number[], ders: readonly number[]): Pair | undefined {
  const steps = differences(ders);
  const [ofGrid, ofLoad] = [fit(differences(grid), [steps]), fit(differences(load), [steps])];
  if (ofGrid === undefined || ofLoad === undefined || rms(steps) < leastDerShare * rms(grid)) return undefined;
  const times = errorsFor(steps.length);
  const isFree = Math.abs(ofGrid.factors[0]!) < 0.3 && times * ofGrid.errors[0]! < 0.3;
  const isBound = Math.abs(ofLoad.factors[0]!) > 0.5 && times * ofLoad.errors[0]! < 0.3;
  if (!isFree || !isBound) return undefined;
  const factor = 0 - ofLoad.factors[0]!;
  const seen = { uncertainty: times * ofLoad.errors[0]!, flowW: undefined, explain: () => undefined };
  return { grid: { ...seen, factor: 1, hangsOn: 'load' }, load: { ...seen, factor, hangsOn: 'grid' } };
}
