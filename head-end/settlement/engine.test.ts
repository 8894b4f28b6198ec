import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getMintDecoder } from '@solana-program/token';
import { createLog } from '#hal/log.ts';
import { uniform } from '#hal/random.ts';
import { Micro, MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import { startTestDatabase } from '../database/test-database.ts';
import { clearZone, type Clearing } from '../market/clear.ts';
import type { Order } from '../market/orders.ts';
import { MarketStore } from '../market/store.ts';
import type { Trade } from '../market/trade.ts';
import { EmbeddedLedger } from './embedded-ledger.ts';
import { SettlementEngine } from './engine.ts';
import { KeyRing } from './keys.ts';
import { MemoryStore } from './memory-store.ts';
import { PostgresSettlementStore } from './postgres-store.ts';
import { moneyResidue } from './residue.ts';
import type { SettlementBatch, SettlementStore } from './store.ts';
import { SettlementToken } from './token.ts';

const log = createLog('test', 'silent');
const campus = Array.from({ length: 25 }, (_, index) => ({ meterId: `METER_${String(index).padStart(2, '0')}` }));
const windowAt = (index: number): UnixSeconds => UnixSeconds(1_800_000_000 + 300 * index);

/** A window in which all 25 meters offer, half of them to sell. */
function clearingOf(index: number): Clearing {
  const orders = campus.map(
    ({ meterId }, meter): Order => ({
      meterId,
      mRID: (index * 100 + meter).toString(16).padStart(32, '0'),
      side: meter % 2 === 0 ? 'sell' : 'buy',
      energyWh: Wh(1 + Math.floor(uniform(index, meter) * 5000)),
      limit: MicroPerKWh(meter % 2 === 0 ? 100_000 : 200_000),
      window: windowAt(index),
    }),
  );
  return clearZone(orders);
}
const tradesOf = (index: number): readonly Trade[] => clearingOf(index).trades;

interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly ledger: EmbeddedLedger;
  readonly token: SettlementToken;
  readonly engine: SettlementEngine;
}

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-settle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

async function openBench(
  folder: string,
  store: SettlementStore,
  options: {
    readonly openingMicro?: number;
    readonly mayMint?: (meterId: string) => boolean;
    readonly segmentBytes?: number;
    readonly participants?: typeof campus;
  } = {},
): Promise<Bench> {
  const { participants = campus, ...rest } = options;
  const ledger = new EmbeddedLedger({ folder, ...rest });
  await ledger.start();
  const token = new SettlementToken({ ledger, folder, ...rest });
  await token.start(participants, windowAt(0));
  const engine = new SettlementEngine({ ledger, token, store, log });
  return { folder, ledger, token, engine, [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose]() };
}

const residueOf = async ({ token }: Bench, store: SettlementStore): Promise<number> =>
  moneyResidue(token.balances(), await store.settledNets());

/** A store that knows the trades of some windows. */
function storeWith(count: number): MemoryStore {
  const store = new MemoryStore();
  for (let index = 0; index < count; index++) store.trades.set(windowAt(index), tradesOf(index));
  return store;
}

test('a window of 25 meters is settled in one transaction, whose memo has the hash of its trades', async (t) => {
  const store = storeWith(1);
  await using bench = await openBench(folderFor(t), store);
  assert.deepEqual(await bench.engine.recover(windowAt(1)), []);
  const before = bench.ledger.sequence;
  const settlement = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1));
  assert.equal(bench.ledger.sequence, before + 1);
  assert.equal(settlement.state, 'confirmed');
  assert.ok((settlement.signed?.length ?? 0) <= 1232 && settlement.transfers >= 20);
  assert.equal(bench.ledger.settlements(1)[0]?.memo, `gtx1:${windowAt(0)}:1:${settlement.tradesHash}`);
  assert.equal(await residueOf(bench, store), 0);
  assert.ok(bench.token.balances().some(({ openingMicro, balanceMicro }) => openingMicro !== balanceMicro));
});

test('a window is settled once, however often it is asked for, and never with other trades', async (t) => {
  const store = storeWith(1);
  await using bench = await openBench(folderFor(t), store);
  await bench.engine.recover(windowAt(1));
  const one = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1));
  const sequence = bench.ledger.sequence;
  const two = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(2));
  assert.deepEqual([two.signature, two.confirmedAt, bench.ledger.sequence], [one.signature, one.confirmedAt, sequence]);
  const fewer = tradesOf(0).slice(1);
  await assert.rejects(bench.engine.settleWindow(windowAt(0), fewer, windowAt(2)), { code: 'GTX-SET-007' });
  await assert.rejects(bench.engine.settleWindow(windowAt(1), fewer, windowAt(2)), { code: 'GTX-SET-002' });
});

test('a window without trades needs no transaction', async (t) => {
  const store = new MemoryStore();
  await using bench = await openBench(folderFor(t), store, { participants: [] });
  await bench.engine.recover(windowAt(1));
  const before = bench.ledger.sequence;
  const { state, signature, transfers } = await bench.engine.settleWindow(windowAt(0), [], windowAt(1));
  assert.deepEqual([state, signature, transfers, bench.ledger.sequence], ['empty', null, 0, before]);
});

test('nothing is settled before recovery', async (t) => {
  await using bench = await openBench(folderFor(t), new MemoryStore(), { participants: [] });
  await assert.rejects(bench.engine.settleWindow(windowAt(0), [], windowAt(1)), { code: 'GTX-SET-008' });
});

/** The store fails at one step, as if the process died there; what was stored before stays. */
const crashesAt = (store: MemoryStore, step: 'saveBatch' | 'markConfirmed'): SettlementStore =>
  new Proxy(store, {
    get(target, name) {
      if (name === step) return async () => Promise.reject(new Error('crash'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

for (const step of ['saveBatch', 'markConfirmed'] as const) {
  test(`a crash at ${step} is mended at the next start, with one transaction in all`, async (t) => {
    const folder = folderFor(t);
    const store = storeWith(1);
    const first = await openBench(folder, crashesAt(store, step));
    await first.engine.recover(windowAt(1));
    const before = first.ledger.sequence;
    await assert.rejects(first.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1)), /crash/);
    await first[Symbol.asyncDispose]();
    await using bench = await openBench(folder, store);
    await bench.engine.recover(windowAt(2));
    const settlement = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(2));
    assert.equal(bench.ledger.sequence, before + 1);
    assert.ok(bench.ledger.has(settlement.signature ?? ''));
    assert.equal(await residueOf(bench, store), 0);
  });
}

test('a stored transaction whose blockhash has expired is signed anew, and settles once', async (t) => {
  const folder = folderFor(t);
  const store = storeWith(30);
  const first = await openBench(folder, store, { segmentBytes: 50_000 });
  await first.engine.recover(windowAt(1));
  const settlement = await first.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1));
  // Signed and stored, but the process died before the ledger saw it.
  const stored = await first.token.signTransfers(
    [{ from: 'METER_00', to: 'METER_01', amountMicro: Micro(1) }],
    'gtx1:old',
  );
  const blockhash = first.ledger.latestBlockhash();
  for (let index = 2; first.ledger.latestBlockhash() === blockhash; index++) {
    await first.engine.settleWindow(windowAt(index), tradesOf(index), windowAt(index));
  }
  const { tradesHash } = await first.engine.settleWindow(windowAt(29), tradesOf(29), windowAt(30));
  assert.ok(tradesHash);
  await store.saveBatch({
    ...settlement,
    window: windowAt(1),
    tradesHash: '0'.repeat(64),
    state: 'stored',
    signature: stored.signature,
    signed: stored.bytes,
    sequence: null,
    confirmedAt: null,
  });
  await first[Symbol.asyncDispose]();
  await using bench = await openBench(folder, store);
  const [mended] = await bench.engine.recover(windowAt(31));
  assert.deepEqual([mended?.window, mended?.state], [windowAt(1), 'confirmed']);
  assert.notEqual(mended?.signature, stored.signature);
  assert.equal(await residueOf(bench, store), 0);
});

test('a ledger that lacks a confirmed settlement is not settled on', async (t) => {
  const store = storeWith(1);
  const first = await openBench(folderFor(t), store);
  await first.engine.recover(windowAt(1));
  await first.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1));
  await first[Symbol.asyncDispose]();
  await using other = await openBench(folderFor(t), store);
  await assert.rejects(other.engine.recover(windowAt(1)), { code: 'GTX-SET-006' });
});

test('a settlement that somebody cannot pay is rejected whole, and tried again at the next start', async (t) => {
  const folder = folderFor(t);
  const store = storeWith(2);
  const poor = await openBench(folder, store, { openingMicro: 5 });
  await poor.engine.recover(windowAt(1));
  await assert.rejects(poor.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1)), { code: 'GTX-LED-008' });
  assert.equal((await store.unconfirmed())[0]?.state, 'failed');
  assert.equal(await residueOf(poor, store), 0);
  await poor[Symbol.asyncDispose]();
  await using bench = await openBench(folder, store);
  assert.deepEqual(await bench.engine.recover(windowAt(2)), []);
});

test('residue shows every micro-unit that ledger and trades do not agree on', () => {
  const balances = [
    { meterId: 'A', openingMicro: Micro(100), balanceMicro: Micro(130) },
    { meterId: 'B', openingMicro: Micro(100), balanceMicro: Micro(70) },
  ];
  const nets = new Map([
    ['A', 30n],
    ['B', -30n],
  ]);
  assert.equal(moneyResidue(balances, nets), 0);
  assert.equal(moneyResidue(balances, new Map()), 60);
  assert.equal(moneyResidue(balances, new Map([...nets, ['C', -4n]])), 4);
});

test('a meter that joins later trades with the others; one without an account is refused', async (t) => {
  const folder = folderFor(t);
  const store = storeWith(1);
  await using bench = await openBench(folder, store, { participants: campus.slice(0, 24) });
  await bench.engine.recover(windowAt(1));
  await assert.rejects(bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1)), { code: 'GTX-SET-003' });
  await bench.token.enrol(campus, windowAt(1));
  const settlement = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1));
  assert.equal(settlement.state, 'confirmed');
  assert.equal(await residueOf(bench, store), 0);
});

test('for a meter in quarantine nothing is minted, and nothing settled, until it is released', async (t) => {
  const store = storeWith(1);
  const contained = new Set(['METER_07']);
  await using bench = await openBench(folderFor(t), store, { mayMint: (meterId) => !contained.has(meterId) });
  const supply = async (): Promise<number> => {
    const keys = await KeyRing.open(bench.folder, false);
    const account = bench.ledger.account((await keys.mint()).address);
    return Number(getMintDecoder().decode(account?.data ?? new Uint8Array()).supply);
  };
  const openingMicro = bench.token.balances()[0]?.openingMicro ?? 0;
  assert.equal(bench.token.balances().length, 24);
  assert.equal(await supply(), 24 * openingMicro);
  await bench.engine.recover(windowAt(1));
  await assert.rejects(bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(1)), { code: 'GTX-SET-003' });
  await bench.token.openMissing(windowAt(1));
  assert.equal(await supply(), 24 * openingMicro);
  contained.clear();
  for (let turn = 1; turn <= 2; turn++) await bench.token.openMissing(windowAt(turn));
  assert.equal(await supply(), 25 * openingMicro);
  const settlement = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(2));
  assert.equal(settlement.state, 'confirmed');
  assert.equal(await residueOf(bench, store), 0);
});

test('keys that are missing or of another ledger are refused', async (t) => {
  const [one, two] = [folderFor(t), folderFor(t)];
  for (const folder of [one, two]) {
    await using bench = await openBench(folder, new MemoryStore(), { participants: [] });
    assert.deepEqual(bench.token.balances(), []);
  }
  const foreign = readFileSync(join(two, 'keys.json'), 'utf8');
  for (const content of [null, '{', '{"version":1}', foreign]) {
    rmSync(join(one, 'keys.json'), { force: true });
    if (content !== null) writeFileSync(join(one, 'keys.json'), content);
    const ledger = new EmbeddedLedger({ folder: one });
    await ledger.start();
    const token = new SettlementToken({ ledger, folder: one });
    await assert.rejects(token.start([], windowAt(0)), { code: 'GTX-SET-005' });
    await ledger[Symbol.asyncDispose]();
  }
});

test('more participants than a packet can hold are refused before anything is stored', async (t) => {
  const crowd = Array.from({ length: 61 }, (_, index) => ({ meterId: `M${index}` }));
  await using bench = await openBench(folderFor(t), new MemoryStore(), { participants: crowd });
  const transfers = (count: number): { from: string; to: string; amountMicro: Micro }[] =>
    crowd.slice(1, count).map(({ meterId }) => ({ from: 'M0', to: meterId, amountMicro: Micro(1) }));
  const { bytes } = await bench.token.signTransfers(transfers(50), 'x');
  assert.ok(bytes.length <= 1232);
  await assert.rejects(bench.token.signTransfers(transfers(59), 'x'.repeat(80)), { code: 'GTX-SET-004' });
  await assert.rejects(bench.token.signTransfers(transfers(61), ''), { code: 'GTX-SET-004' });
});

test('with PostgreSQL the same: settled once, nothing left over, totals that add up', async (t) => {
  const database = await startTestDatabase(t);
  const [market, store] = [new MarketStore(database.pool), new PostgresSettlementStore(database.pool)];
  const folder = folderFor(t);
  for (const index of [0, 1]) await market.saveClearing(windowAt(index), clearingOf(index), windowAt(index));
  await market.saveClearing(windowAt(2), clearZone([]), windowAt(2));
  const first = await openBench(folder, store);
  await first.engine.recover(windowAt(3));
  for (const { window, trades } of await market.unsettled(windowAt(2))) {
    await first.engine.settleWindow(window, trades, windowAt(3));
  }
  await first[Symbol.asyncDispose]();
  await using bench = await openBench(folder, store);
  assert.deepEqual(await bench.engine.recover(windowAt(3)), []);
  const [left, ...others] = await market.unsettled(windowAt(3));
  assert.deepEqual([left, others], [{ window: windowAt(2), trades: [] }, []]);
  const empty = await bench.engine.settleWindow(windowAt(2), [], windowAt(3));
  const again = await bench.engine.settleWindow(windowAt(0), tradesOf(0), windowAt(4));
  assert.deepEqual([empty.state, again.state, again.confirmedAt], ['empty', 'confirmed', windowAt(3)]);
  assert.deepEqual(await store.batch(again), again);
  assert.deepEqual(await market.unsettled(windowAt(9)), []);
  assert.equal(await residueOf(bench, store), 0);
  const { transactions, confirmed, failed, tradesSettled } = await store.totals(windowAt(0));
  const trades = tradesOf(0).length + tradesOf(1).length;
  assert.deepEqual([transactions, confirmed, failed, tradesSettled], [2, 2, 0, trades]);
  assert.deepEqual(
    (await store.newestSettled(1)).map(({ window }) => window),
    [windowAt(1)],
  );
});

test('a batch in PostgreSQL is created once, and goes from stored over failed to confirmed', async (t) => {
  const database = await startTestDatabase(t);
  const store = new PostgresSettlementStore(database.pool);
  await new MarketStore(database.pool).saveClearing(windowAt(0), clearingOf(0), windowAt(0));
  const batch: SettlementBatch = {
    zone: 'campus',
    window: windowAt(0),
    version: 1,
    state: 'stored',
    tradesHash: 'ab'.repeat(32),
    trades: 3,
    volumeWh: Wh(10),
    paymentMicro: Micro(20),
    transferredMicro: Micro(15),
    transfers: 2,
    signature: 'one',
    signed: Buffer.from([1, 2, 3]),
    sequence: null,
    storedAt: windowAt(1),
    confirmedAt: null,
  };
  assert.deepEqual(await store.saveBatch(batch), batch);
  assert.deepEqual(await store.saveBatch({ ...batch, signature: 'two' }), batch);
  assert.deepEqual(await store.unconfirmed(), [batch]);
  await store.markFailed(batch, 'rejected');
  assert.equal((await store.unconfirmed())[0]?.state, 'failed');
  assert.equal((await store.totals(windowAt(0))).failed, 1);
  await store.replaceSigned(batch, 'three', new Uint8Array([4]));
  assert.equal((await store.settledNets()).size, 0);
  await store.markConfirmed(batch, 9, windowAt(2));
  // Once confirmed it stays as it is.
  await store.markFailed(batch, 'late');
  await store.replaceSigned(batch, 'four', new Uint8Array([5]));
  const { state, signature, sequence, confirmedAt } = (await store.newestConfirmed()) ?? batch;
  assert.deepEqual([state, signature, sequence, confirmedAt], ['confirmed', 'three', 9, windowAt(2)]);
  assert.deepEqual(await store.tradesOf(batch), tradesOf(0));
  assert.equal((await store.settledNets()).size, 25);
  assert.equal(await store.batch({ ...batch, version: 2 }), null);
});
