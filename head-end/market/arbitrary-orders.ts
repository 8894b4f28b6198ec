import fc from 'fast-check';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import type { Order } from './orders.ts';

export interface BookShape {
  /** How many meters offer; few of them make a participant stand on both sides often. */
  readonly meters: number;
  /** Largest limit; few limits make ties at the margin frequent. */
  readonly limits: number;
  readonly energyWh: number;
  readonly orders: number;
}

export const WINDOW = UnixSeconds(1_800_000_000);

/** Random books of one window for the laws of the market. */
export const arbitraryBook = ({ meters, limits, energyWh, orders }: BookShape): fc.Arbitrary<Order[]> =>
  fc
    .array(
      fc.record({
        meter: fc.integer({ min: 1, max: meters }),
        side: fc.constantFrom('buy' as const, 'sell' as const),
        energyWh: fc.integer({ min: 1, max: energyWh }),
        limit: fc.integer({ min: 0, max: limits }),
      }),
      { maxLength: orders },
    )
    .map((drafts) =>
      drafts.map((draft, index) => ({
        meterId: `METER_${draft.meter}`,
        mRID: index.toString(16).padStart(32, '0'),
        side: draft.side,
        energyWh: Wh(draft.energyWh),
        limit: MicroPerKWh(draft.limit),
        window: WINDOW,
      })),
    );

/** Shapes that between them reach ties, crossing orders of one meter, and exact large numbers. */
export const bookShapes: readonly BookShape[] = [
  { meters: 25, limits: 400_000, energyWh: 5_000, orders: 40 },
  { meters: 3, limits: 4, energyWh: 6, orders: 8 },
  { meters: 6, limits: 3, energyWh: 30, orders: 20 },
  { meters: 9, limits: 0xffff_ffff, energyWh: 100_000_000, orders: 30 },
];
