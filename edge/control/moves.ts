/** Seconds of one slot, and slots that are remembered. */
const slotSeconds = 300;
const slots = 6;
const still: readonly number[] = Array.from({ length: slots }, () => 0);

/** The greatest moves of the last half hour, by slots of five minutes, the newest first. */
interface Peak {
  readonly slot: number;
  readonly highs: readonly number[];
}

const noPeak: Peak = { slot: 0, highs: [0] };

const highest = ({ highs }: Peak): number => Math.max(...highs);

function raised(peak: Peak, now: number, move: number): Peak {
  const slot = Math.floor(now / slotSeconds);
  const passed = Math.max(0, slot - peak.slot);
  const [high = 0] = peak.highs;
  if (passed === 0) return move <= high ? peak : { slot, highs: peak.highs.with(0, move) };
  const highs = [...still.slice(0, passed), ...peak.highs].slice(0, slots);
  return { slot, highs: highs.with(0, Math.max(0, move)) };
}

/** What load and PV have done from sample to sample. */
export interface Moves {
  readonly loadW: number | undefined;
  readonly pvW: number | undefined;
  readonly loadUp: Peak;
  readonly loadDown: Peak;
  readonly pvUp: Peak;
  readonly pvDown: Peak;
}

export const noMoves: Moves = {
  loadW: undefined,
  pvW: undefined,
  loadUp: noPeak,
  loadDown: noPeak,
  pvUp: noPeak,
  pvDown: noPeak,
};

/** W, 0 and up: by how much load and PV may have moved when an order takes effect. */
export interface Margin {
  readonly loadUpW: number;
  readonly loadDownW: number;
  readonly pvUpW: number;
  readonly pvDownW: number;
}

/**
 * One sample more. `pvW` is what the sun decides: `undefined` while a limit of ours does. The meter tells what was, the
 * order acts on what comes next: what moved so far in half an hour may move again.
 */
export function moved(moves: Moves, now: number, loadW: number | undefined, pvW: number | undefined): Moves {
  const load = loadW === undefined || moves.loadW === undefined ? 0 : loadW - moves.loadW;
  const pv = pvW === undefined || moves.pvW === undefined ? 0 : pvW - moves.pvW;
  return {
    loadW,
    pvW,
    loadUp: raised(moves.loadUp, now, load),
    loadDown: raised(moves.loadDown, now, -load),
    pvUp: raised(moves.pvUp, now, pv),
    pvDown: raised(moves.pvDown, now, -pv),
  };
}

/** What was the greatest move so far is exceeded now and then. */
const reserve = 1.25;

/** Each at most `mostW`: a greater step is an exception, which the next sample corrects. */
export function marginOf(moves: Moves, mostW: number): Margin {
  const margin = (peak: Peak): number => Math.min(mostW, Math.ceil(reserve * highest(peak)));
  return {
    loadUpW: margin(moves.loadUp),
    loadDownW: margin(moves.loadDown),
    pvUpW: margin(moves.pvUp),
    pvDownW: margin(moves.pvDown),
  };
}
