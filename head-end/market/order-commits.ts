import type { Pool, PoolClient } from 'pg';
import { GridError } from '#hal/errors.ts';
import { MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { SharedCommits } from '../database/shared-commits.ts';
import * as sql from './market-sql.ts';
import type { Order, Side } from './orders.ts';

/** PostgreSQL's bigint comes as text unless the pool was told otherwise. */
export type Int = string | number;

export interface OrderRow {
  readonly meter_id: string;
  readonly mrid: string;
  readonly side: Side;
  readonly energy_wh: Int;
  readonly price_limit: Int;
  readonly window_start: Int;
}

export const orderOf = (row: OrderRow): Order => ({
  meterId: row.meter_id,
  mRID: row.mrid,
  side: row.side,
  energyWh: Wh(Number(row.energy_wh)),
  limit: MicroPerKWh(Number(row.price_limit)),
  window: UnixSeconds(Number(row.window_start)),
});

interface Placed {
  readonly order: Order;
  readonly at: UnixSeconds;
}

interface Stored {
  /** The one that is there under this key; `undefined` when it went away at this moment. */
  readonly order: Order | undefined;
  readonly isNew: boolean;
}

/** Orders as they come, all boards' of one burst by one statement; what it resolves is committed. */
export class OrderCommits {
  readonly #commits: SharedCommits<Placed, Stored>;

  constructor(pool: Pool) {
    this.#commits = new SharedCommits(pool, storeAll);
  }

  /**
   * Stores an order once by (meterId, mRID). Rejects with `GTX-MKT-003` when that key is taken by an order that says
   * something else; the first one stays.
   */
  save(order: Order, at: UnixSeconds): Promise<'stored' | 'known'> {
    const { meterId, mRID } = order;
    const answer = (stored: Stored | undefined): 'stored' | 'known' => {
      if (stored?.order === undefined || !isSame(stored.order, order)) {
        throw new GridError('GTX-MKT-003', `${meterId} already has another order with mRID ${mRID}`, {
          hint: 'A changed offer needs an mRID of its own.',
        });
      }
      return stored.isNew ? 'stored' : 'known';
    };
    return this.#commits.keep(keyOf(meterId, mRID), () => ({ row: { order, at }, answer }));
  }

  /** Removes an order that is not cleared. */
  remove(meterId: string, mRID: string): Promise<void> {
    return this.#commits.take(keyOf(meterId, mRID), async (client) => {
      await client.query(sql.deleteOpenOrder, [meterId, mRID]);
      return { answer: () => undefined };
    });
  }
}

const keyOf = (meterId: string, mRID: string): string => `${meterId}/${mRID.toLowerCase()}`;

const isSame = (a: Order, b: Order): boolean =>
  a.side === b.side && a.energyWh === b.energyWh && a.limit === b.limit && a.window === b.window;

async function storeAll(client: PoolClient, placed: readonly Placed[]): Promise<readonly Stored[]> {
  const orders = placed.map(({ order }) => order);
  const { rows: fresh } = await client.query<Pick<OrderRow, 'meter_id' | 'mrid'>>(sql.insertOrders, [
    ...keysOf(orders),
    orders.map(({ side }) => side),
    orders.map(({ energyWh }) => energyWh),
    orders.map(({ limit }) => limit),
    orders.map(({ window }) => window),
    placed.map(({ at }) => at),
  ]);
  const isNew = new Set(fresh.map(({ meter_id: meterId, mrid }) => keyOf(meterId, mrid)));
  const others = orders.filter(({ meterId, mRID }) => !isNew.has(keyOf(meterId, mRID)));
  const known = new Map<string, Order>();
  if (others.length > 0) {
    const { rows } = await client.query<OrderRow>(sql.selectOrders, keysOf(others));
    for (const row of rows) known.set(keyOf(row.meter_id, row.mrid), orderOf(row));
  }
  return orders.map((order) => {
    const key = keyOf(order.meterId, order.mRID);
    return isNew.has(key) ? { order, isNew: true } : { order: known.get(key), isNew: false };
  });
}

const keysOf = (orders: readonly Order[]): [string[], string[]] => [
  orders.map(({ meterId }) => meterId),
  orders.map(({ mRID }) => mRID),
];
