import type { UtilityView } from '#edge/client/utility-view.ts';
import type { Handwork } from './handwork.ts';

/** ReadingType.flowDirection: to the customer, and from the customer. */
const directions = { import: 1, export: 19 } as const;

/** What a person reads off the client: the sum of all components in force, 10⁻⁶ of the currency a kWh. */
function priceOf(
  view: UtilityView,
  at: number,
  direction: keyof typeof directions,
  usedKWh: number,
): number | undefined {
  const parts = view.tariffs.flatMap(({ components }) =>
    components
      .filter(({ readingType }) => readingType?.flowDirection === directions[direction])
      .flatMap(({ intervals }) => {
        const inForce = intervals.find(({ interval: { interval } }) => {
          const from = Number(interval.start);
          return from <= at && at < from + interval.duration;
        });
        const block = inForce?.prices.findLast(({ startValue }) => startValue === 0 || usedKWh > startValue);
        return block?.price ?? [];
      }),
  );
  return parts.length === 0 ? undefined : parts.reduce((sum, part) => sum + part, 0);
}

interface Expected {
  /** Minutes after the whole hour at which the procedure began. */
  readonly minute: number;
  readonly direction: keyof typeof directions;
  readonly usedKWh: number;
  readonly price: number | undefined;
}

/** PRC-02: what the client has to make of the tariff. */
const expected: readonly Expected[] = [
  { minute: 122, direction: 'import', usedKWh: 50, price: 4 },
  { minute: 122, direction: 'import', usedKWh: 150, price: 5 },
  { minute: 122, direction: 'export', usedKWh: 50, price: 1 },
  { minute: 122, direction: 'export', usedKWh: 150, price: 2 },
  { minute: 127, direction: 'import', usedKWh: 50, price: -999_998 },
  { minute: 127, direction: 'export', usedKWh: 50, price: -1_000_001 },
  { minute: 60, direction: 'import', usedKWh: 50, price: 3 },
  { minute: 60, direction: 'export', usedKWh: 50, price: undefined },
];

/** Reads the prices off the client so many seconds after a step has begun that waits for a person. */
export const readsPrices =
  (step: string, seconds: number): Handwork =>
  (site) => {
    let begunAt = Infinity;
    let faults: string[] | undefined;
    return {
      stepBegins: (name) => {
        if (name === step) begunAt = site.now;
      },
      mayProceed: (name) => {
        if (name !== step || site.now - begunAt < seconds) return false;
        faults ??= priceFaults(site.board?.utility.view(), Math.floor(site.now / 3600) * 3600);
        return true;
      },
      faults: () => faults ?? ['the prices were not read'],
    };
  };

const priceFaults = (view: UtilityView | undefined, hour: number): string[] =>
  expected.flatMap(({ minute, direction, usedKWh, price }) => {
    const found = view && priceOf(view, hour + minute * 60, direction, usedKWh);
    return found === price ? [] : [`${direction} after ${usedKWh} kWh at minute ${minute}: ${found}, not ${price}`];
  });
