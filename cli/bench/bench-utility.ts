import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { Utility } from '#edge/control/loop.ts';
import { type DERModes, derProgram } from '#ieee2030_5/events/modes.ts';
import { schedule, type Schedule } from '#ieee2030_5/events/schedule.ts';
import type { ActivePower, DERControl } from '#ieee2030_5/types.generated.ts';
import type { Dispatch, Limits } from './plan-schema.ts';

/** What a plan orders, by the mode of IEEE 2030.5 that carries it. */
const modeOf = {
  exportW: 'opModExpLimW',
  importW: 'opModImpLimW',
  generationW: 'opModGenLimW',
  batteryW: 'opModStorageTargetW',
  plantW: 'opModTargetW',
} as const satisfies Readonly<Record<string, keyof DERModes>>;

type Order = keyof typeof modeOf;
/** W; absent what is not ordered. */
export type Orders = { readonly [Name in Order]?: number };

/** ActivePower has 16 bits; more is said by its multiplier, and a limit is never more than was asked for. */
function activePower(w: number): ActivePower {
  let [multiplier, value] = [0, w];
  for (; Math.abs(value) > 0x7fff; multiplier++) value = Math.trunc(value / 10);
  return { multiplier, value };
}
const mRID = (number: number): Uint8Array => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(number, 12);
  return bytes;
};
/** Longer than any plan. */
const eventSeconds = 0x7fffffff;

/** The utility of a bench: what the plan orders is an event of one program, which the board's ladder takes from there. */
export class BenchUtility implements Utility {
  readonly #now: () => UnixSeconds;
  readonly #orders = new Map<Order, number>();
  #schedule: Schedule<DERModes> | undefined;
  #events = 0;
  #isLost = false;

  constructor(now: () => UnixSeconds) {
    this.#now = now;
  }

  get orders(): Orders {
    return Object.fromEntries(this.#orders);
  }

  /** What is left out stays; `null` ends. */
  order({ rampSeconds, ...orders }: Limits & Dispatch): void {
    for (const [name, w] of Object.entries(orders) as [Order, number | null][]) {
      if (w === null) this.#orders.delete(name);
      else this.#orders.set(name, w);
    }
    const now = this.#now();
    const modes = Object.fromEntries([...this.#orders].map(([name, w]) => [modeOf[name], activePower(w)]));
    const event: DERControl = {
      mRID: mRID(++this.#events),
      creationTime: BigInt(now),
      EventStatus: { currentStatus: 1, dateTime: BigInt(now), potentiallySuperseded: false },
      interval: { start: BigInt(now), duration: eventSeconds },
      DERControlBase: { ...modes, ...(rampSeconds !== undefined && { rampTms: 100 * rampSeconds }) },
    };
    const program = derProgram({ mRID: mRID(0), primacy: 0 }, this.#orders.size === 0 ? [] : [event]);
    this.#schedule = schedule([program], { now, draw: () => ({ start: 0, duration: 0, cancel: 0 }) });
  }

  /** Puts the utility out of the board's reach, or back. */
  lose(isLost: boolean): void {
    this.#isLost = isLost;
  }

  get lastError(): Error | undefined {
    return this.#isLost ? new GridError('GTX-BEN-011', 'The plan has taken the utility away') : undefined;
  }

  serverNow(): UnixSeconds {
    return this.#now();
  }

  schedule(): Schedule<DERModes> | undefined {
    return this.#schedule;
  }

  view(): undefined {
    return undefined;
  }
}
