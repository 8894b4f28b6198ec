import { join } from 'node:path';
import { reportProgress } from '#hal/process-link.ts';
import { MarketDesk } from '../market/desk.ts';
import { MarketStore } from '../market/store.ts';
import { MarketCycle } from '../market-cycle.ts';
import { EmbeddedLedger } from '../settlement/embedded-ledger.ts';
import { SettlementEngine } from '../settlement/engine.ts';
import { PostgresSettlementStore } from '../settlement/postgres-store.ts';
import { SettlementToken } from '../settlement/token.ts';
import type { Opening } from './opening.ts';
import type { Stores } from './stores.ts';

/** The market, and the ledger that it settles on. */
export interface Trading {
  readonly market: MarketStore;
  readonly settlements: PostgresSettlementStore;
  readonly token: SettlementToken;
  readonly engine: SettlementEngine;
  readonly desk: MarketDesk;
  readonly cycle: MarketCycle;
}

export async function openTrading(
  { config, resources, clock, live, log, signal }: Opening,
  { database: { pool }, registry }: Pick<Stores, 'database' | 'registry'>,
): Promise<Trading> {
  reportProgress('starting the ledger');
  const { zone } = config;
  const folder = join(config.dataFolder, 'ledger');
  const ledger = resources.use(new EmbeddedLedger({ folder, log }));
  await ledger.start();
  signal.throwIfAborted();
  const takesPart = (meterId: string): boolean => registry.takesPart(meterId);
  const token = new SettlementToken({ ledger, folder, mayMint: takesPart });
  const market = new MarketStore(pool, zone);
  const settlements = new PostgresSettlementStore(pool);
  const engine = new SettlementEngine({ ledger, token, store: settlements, log, zone });
  const desk = new MarketDesk(clock, market, zone, takesPart);
  const cycle = new MarketCycle({ desk, store: market, token, engine, live, log });
  return { market, settlements, token, engine, desk, cycle };
}
