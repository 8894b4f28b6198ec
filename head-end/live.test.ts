import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { Micro, MicroPerKWh, UnixSeconds, Wh } from '#hal/units.ts';
import type { SettlementSnapshot, WindowSnapshot } from './gateway/snapshot.ts';
import { shownSettlements, shownWindows } from './gateway/snapshot.ts';
import { type ChannelReading, LiveState } from './live.ts';
import type { Trade } from './market/trade.ts';

const start = 1_782_136_800;

/** A live state of one meter that posted these values, 15 s apart. */
function stateAfter(...posts: readonly ChannelReading[]): LiveState {
  const lfdi = '0'.repeat(40);
  const device = { meterId: 'A', name: 'A', building: 'academic', zone: 'campus', ratedW: 1, storageWh: 1, lfdi };
  const clock = new VirtualClock(UnixSeconds(start));
  const live = new LiveState({ name: 'Test', timeZone: 'UTC' }, [device], clock, 1);
  for (const [i, values] of posts.entries()) live.posted('A', UnixSeconds(start + 15 * i), values);
  return live;
}

test('power is what the registers counted between two postings', () => {
  const [meter] = stateAfter({ generation: 1000, gridImport: 50 }, { generation: 1010, gridImport: 45 }).current()
    .meters;
  assert.equal(meter?.generationW, 2400);
  assert.equal(meter?.gridW, -1200);
});

test('a register that a posting lacks is not known, and not zero', () => {
  const full = { generation: 1_000_000, consumption: 2_000_000, gridImport: 500_000, gridExport: 0 };
  for (const posts of [
    [full, { consumption: 2_000_010 }],
    [{ consumption: 2_000_000 }, { ...full, consumption: 2_000_010 }],
  ]) {
    const [meter] = stateAfter(...posts).current().meters;
    assert.deepEqual([meter?.generationW, meter?.gridW, meter?.loadW], [0, 0, 2400]);
  }
});

test('no value that a device may post makes the state unreadable', () => {
  const most = 2 ** 47 - 1;
  const { campus } = stateAfter(
    { generation: -most, gridImport: -most, gridExport: most },
    { generation: most, gridImport: most, gridExport: -most, storagePower: most },
  ).current();
  assert.ok(Object.values(campus).every((watts) => Number.isSafeInteger(watts)));
});

test('the first posting is a reading, and the second one gives its power', () => {
  const meterAfter = (posts: number) => stateAfter(...Array.from({ length: posts }, () => ({}))).current().meters[0];
  assert.deepEqual([meterAfter(0)?.lastReadingAt, meterAfter(0)?.powerAt], [null, null]);
  assert.deepEqual([meterAfter(1)?.lastReadingAt, meterAfter(1)?.powerAt], [start, null]);
  assert.deepEqual([meterAfter(2)?.lastReadingAt, meterAfter(2)?.powerAt], [start + 15, start + 15]);
});

/** A live state of these meters, with its clock at a window's start. */
function campusOf(...meterIds: readonly string[]): { live: LiveState; clock: VirtualClock } {
  const place = { building: 'academic', zone: 'campus', ratedW: 1, storageWh: 7_000, lfdi: '0'.repeat(40) };
  const devices = meterIds.map((meterId) => ({ ...place, meterId, name: `Building ${meterId}` }));
  const clock = new VirtualClock(UnixSeconds(start));
  return { live: new LiveState({ name: 'Test', timeZone: 'UTC' }, devices, clock, null), clock };
}

const windowAt = (n: number): UnixSeconds => UnixSeconds(start + n * 300);
const windowOf = (n: number, more: Partial<WindowSnapshot> = {}): WindowSnapshot => ({
  window: windowAt(n),
  priceMicroPerKWh: MicroPerKWh(150_000),
  volumeWh: Wh(100),
  trades: 1,
  status: 'cleared',
  ...more,
});
const trade = (n: number, seller: string, buyer: string, energyWh: number): Trade => ({
  id: '0'.repeat(32),
  window: windowAt(n),
  zone: 'campus',
  seq: 0,
  seller,
  sellMRID: '1'.repeat(32),
  buyer,
  buyMRID: '2'.repeat(32),
  energyWh: Wh(energyWh),
  price: MicroPerKWh(150_000),
  paymentMicro: Micro(1),
});

test('power is the mean of about a minute, since registers count whole watt-hours', () => {
  // 1 kW: 4.17 Wh in 15 s, of which the register shows 4 or 5.
  const posts = Array.from({ length: 9 }, (_, n) => ({ consumption: Math.floor((n * 15 * 1000) / 3600) }));
  const [meter] = stateAfter(...posts).current().meters;
  assert.ok(Math.abs((meter?.loadW ?? 0) - 1000) <= 60, `${meter?.loadW} W`);
});

test('after a pause power is the mean since the last posting', () => {
  const { live } = campusOf('A');
  live.posted('A', UnixSeconds(start), { generation: 0 });
  live.posted('A', UnixSeconds(start + 3600), { generation: 2_000 });
  assert.equal(live.current().meters[0]?.generationW, 2_000);
});

test('backfill is history: it changes nothing of the present', () => {
  const { live } = campusOf('A');
  for (const [seconds, generation] of [
    [600, 1000],
    [615, 1010],
    [15, 10],
    [600, 5],
    [615, 2000],
  ] as const) {
    live.posted('A', UnixSeconds(start + seconds), { generation, stateOfCharge: generation });
  }
  const [meter] = live.current().meters;
  assert.deepEqual([meter?.generationW, meter?.lastReadingAt, meter?.stateOfChargePercent], [2400, start + 615, 10.1]);
});

test('the campus is the sum of its meters; what is not one of them is left out', () => {
  const { live } = campusOf('A', 'B');
  for (const [seconds, wh] of [
    [0, 0],
    [15, 5],
  ] as const) {
    live.posted('A', UnixSeconds(start + seconds), { consumption: wh, gridImport: wh, storagePower: 300 });
    live.posted('B', UnixSeconds(start + seconds), { generation: 2 * wh, gridExport: 2 * wh, storagePower: -100 });
    live.posted('X', UnixSeconds(start + seconds), { generation: 1000 * wh });
  }
  const { campus, meters } = live.current();
  assert.deepEqual(campus, { generationW: 2400, loadW: 1200, gridW: -1200, storageW: 200, p2pW: 0 });
  assert.deepEqual(
    meters.map(({ meterId, role, batteryWh }) => [meterId, role, batteryWh]),
    [
      ['A', 'consumer', 7_000],
      ['B', 'prosumer', 7_000],
    ],
  );
});

test('a meter is online while its newest reading is not older than a minute', () => {
  const { live, clock } = campusOf('A', 'B');
  assert.deepEqual([live.current().health.metersOnline, live.current().health.metersTotal], [0, 2]);
  for (const seconds of [0, 15]) live.posted('A', UnixSeconds(start + seconds), {});
  clock.setNow(UnixSeconds(start + 75));
  assert.equal(live.current().health.metersOnline, 1);
  clock.setNow(UnixSeconds(start + 76));
  assert.equal(live.current().health.metersOnline, 0);
});

test('who sells in the window of now is a prosumer, whatever it bought or sold for others', () => {
  const { live, clock } = campusOf('A', 'B');
  const roles = (): string[] => live.current().meters.map(({ role }) => role);
  live.cleared(windowOf(1), [trade(1, 'A', 'B', 100)]);
  assert.deepEqual(roles(), ['consumer', 'consumer']);
  clock.setNow(windowAt(1));
  assert.deepEqual(roles(), ['prosumer', 'consumer']);
  live.cleared(windowOf(2), [trade(2, 'B', 'A', 50)]);
  assert.deepEqual(roles(), ['prosumer', 'consumer']);
  clock.setNow(windowAt(2));
  live.settled(windowOf(1, { status: 'settled' }), null);
  assert.deepEqual(roles(), ['consumer', 'prosumer']);
});

test('the last trade of a meter is the sum of what it traded on one side of one window', () => {
  const { live } = campusOf('A', 'B', 'C');
  live.cleared(windowOf(1), [trade(1, 'A', 'B', 100), trade(1, 'A', 'C', 20), trade(1, 'X', 'C', 5)]);
  const last = () => live.current().meters.map(({ lastTrade }) => lastTrade && [lastTrade.side, lastTrade.energyWh]);
  assert.deepEqual(last(), [
    ['sell', 120],
    ['buy', 100],
    ['buy', 25],
  ]);
  live.cleared(windowOf(2), [trade(2, 'B', 'C', 7)]);
  assert.deepEqual(last(), [
    ['sell', 120],
    ['sell', 7],
    ['buy', 7],
  ]);
  assert.equal(live.current().meters[0]?.lastTrade?.priceMicroPerKWh, 150_000);
});

test('traded power is that of the window of now, until it is settled', () => {
  const { live, clock } = campusOf('A', 'B');
  live.cleared(windowOf(1), [trade(1, 'A', 'B', 100), trade(1, 'B', 'A', 50)]);
  assert.equal(live.current().campus.p2pW, 0);
  clock.setNow(UnixSeconds(windowAt(2) - 1));
  assert.equal(live.current().campus.p2pW, 1_800);
  clock.setNow(windowAt(2));
  live.settled(windowOf(1, { status: 'settled' }), null);
  assert.equal(live.current().campus.p2pW, 0);
});

test('windows run from the oldest to the newest, each once, and no more than a page shows', () => {
  const { live } = campusOf('A');
  for (const n of [2, 1, 3]) live.cleared(windowOf(n), []);
  live.settled(windowOf(2, { status: 'settled' }), null);
  assert.deepEqual(
    live.current().windows.map(({ window, status }) => [window, status]),
    [
      [windowAt(1), 'cleared'],
      [windowAt(2), 'settled'],
      [windowAt(3), 'cleared'],
    ],
  );
  for (let n = 4; n < 100; n++) live.cleared(windowOf(n), []);
  const shown = live.current().windows.map(({ window }) => window);
  assert.deepEqual([shown.length, shown.at(-1)], [shownWindows, windowAt(99)]);
});

test('settlements are kept from the oldest to the newest; a window without one adds none', () => {
  const { live } = campusOf('A');
  for (let n = 0; n < 30; n++) {
    const settlement: SettlementSnapshot = {
      window: windowAt(n),
      signature: `s${n}`,
      transfers: 1,
      volumeWh: Wh(1),
      amountMicro: Micro(1),
      confirmedAt: windowAt(n + 1),
      ledger: 'embedded',
    };
    live.settled(windowOf(n), n % 2 === 0 ? settlement : null);
  }
  const shown = live.current().settlements.map(({ signature }) => signature);
  assert.deepEqual([shown.length, shown.at(-1), shown.at(-2)], [shownSettlements, 's28', 's26']);
});

test('the database is away when a posting could not be stored, and back with the next that was', () => {
  const { live } = campusOf('A');
  assert.deepEqual([live.current().health.database, live.current().health.lastError], ['ok', null]);
  live.databaseFailed('GTX-RDG-003 the database failed');
  assert.equal(live.current().health.database, 'unavailable');
  live.posted('A', UnixSeconds(start), {});
  const { database, lastError } = live.current().health;
  assert.deepEqual([database, lastError], ['ok', 'GTX-RDG-003 the database failed']);
});

test('listeners are told of each change with its time, until they let go', () => {
  const { live, clock } = campusOf('A');
  const told: number[] = [];
  {
    using _listening = live.onChange((time) => told.push(time));
    live.begin();
    clock.setNow(UnixSeconds(start + 15));
    live.posted('A', UnixSeconds(start + 15), {});
    live.posted('A', UnixSeconds(start), {});
    live.cleared(windowOf(1), []);
    live.failed('x');
  }
  live.failed('y');
  assert.deepEqual(told, [start, start + 15, start + 15, start + 15]);
  assert.equal(live.current().startedAt, start);
});
