import { seedOf, uniform } from '#hal/random.ts';
import { Micro, MicroPerKWh, UnixSeconds, W, Wh } from '#hal/units.ts';
import {
  type CampusSnapshot,
  type MeterSnapshot,
  type SettlementSnapshot,
  type SnapshotSource,
  shownSettlements,
  shownWindows,
  type WindowSnapshot,
} from './snapshot.ts';

/** A made-up campus for the tests of the gateway and the page. Its figures hang together, but nothing measured them. */

const buildings = [
  ['ENG', 'Engineering', 'academic', 50, 30],
  ['PHYS', 'Physics', 'academic', 45, 25],
  ['CHEM', 'Chemistry', 'academic', 40, 20],
  ['BIO', 'Biology', 'academic', 35, 18],
  ['MATH', 'Mathematics', 'academic', 30, 15],
  ['CS', 'Computer Science', 'academic', 55, 35],
  ['HIST', 'History', 'academic', 25, 12],
  ['ART', 'Art', 'academic', 20, 10],
  ['DORM1', 'Dormitory 1', 'residential', 60, 40],
  ['DORM2', 'Dormitory 2', 'residential', 55, 35],
  ['DORM3', 'Dormitory 3', 'residential', 50, 30],
  ['GRAD', 'Graduate Housing', 'residential', 45, 25],
  ['FRAT', 'Fraternity', 'residential', 35, 20],
  ['APART', 'Apartments', 'residential', 40, 0],
  ['ADMIN', 'Administration', 'administrative', 30, 15],
  ['REGIST', 'Registrar', 'administrative', 25, 12],
  ['FINANCE', 'Finance', 'administrative', 28, 14],
  ['PRES', 'President’s Office', 'administrative', 32, 16],
  ['GYM', 'Gymnasium', 'athletic', 80, 60],
  ['POOL', 'Swimming Pool', 'athletic', 70, 50],
  ['FIELD', 'Playing Field', 'athletic', 45, 30],
  ['LAB', 'Laboratory', 'research', 65, 45],
  ['MED', 'Medical Research', 'research', 75, 55],
  ['MAINT', 'Maintenance', 'support', 35, 20],
  ['DINING', 'Dining Hall', 'support', 50, 30],
] as const;

/** 11:00 of a summer day at the sample campus. */
export const sampleStart = UnixSeconds(Date.UTC(2025, 6, 1, 18, 0, 0) / 1000);

const windowSeconds = 300;
const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** A snapshot at an instant from `sampleStart` on; the same for the same instant. */
export function sampleSnapshot(time: UnixSeconds = UnixSeconds(sampleStart + 7520)): CampusSnapshot {
  const meters = buildings.map((_, i) => sampleMeter(i, time));
  const sum = (value: (meter: MeterSnapshot) => number): W =>
    W(meters.reduce((total, meter) => total + value(meter), 0));
  const windows = sampleWindows(time);
  return {
    site: { name: 'Stanford campus', timeZone: 'America/Los_Angeles' },
    time,
    startedAt: sampleStart,
    speed: 60,
    campus: {
      generationW: sum((meter) => meter.generationW),
      loadW: sum((meter) => meter.loadW),
      gridW: sum((meter) => meter.gridW),
      storageW: sum((meter) => meter.storageW),
      p2pW: W((windows.at(-1)?.volumeWh ?? 0) * 12),
    },
    meters,
    windows,
    settlements: windows
      .filter(({ status }) => status === 'settled')
      .map(sampleSettlement)
      .slice(-shownSettlements),
    health: { metersOnline: meters.length - 1, metersTotal: meters.length, database: 'ok', lastError: null },
  };
}

/** The same campus before its boards have sent anything. */
export function sampleSnapshotAtStart(): CampusSnapshot {
  const nothing = { generationW: W(0), loadW: W(0), gridW: W(0), storageW: W(0) };
  const full = sampleSnapshot(sampleStart);
  return {
    ...full,
    campus: { ...nothing, p2pW: W(0) },
    meters: full.meters.map((meter) => ({
      ...meter,
      ...nothing,
      stateOfChargePercent: null,
      lastReadingAt: null,
      powerAt: null,
      lastTrade: null,
      notice: null,
    })),
    windows: [],
    settlements: [],
    health: { ...full.health, metersOnline: 0 },
  };
}

function sampleMeter(i: number, time: UnixSeconds): MeterSnapshot {
  const [short, name, building, ratedKw, batteryKwh] = buildings[i] ?? buildings[0];
  const seed = seedOf(1, short);
  const hour = (time - sampleStart) / 3600 + 11;
  const wobble = 0.9 + 0.2 * uniform(seed, Math.floor(time / 15));
  const sun = Math.max(0, Math.sin(((hour - 6) / 13) * Math.PI));
  const generationW = Math.round(ratedKw * 1000 * 0.7 * sun * wobble * (i % 6 === 5 ? 0 : 1));
  const loadW = Math.round(ratedKw * 1000 * (0.25 + 0.4 * uniform(seed, Math.floor(time / 3600))) * wobble);
  const limit = batteryKwh * 400;
  const storageW = Math.round(Math.max(-limit, Math.min(limit, 0.6 * (loadW - generationW))));
  const gridW = loadW - generationW - storageW;
  const window = Math.floor(time / windowSeconds) * windowSeconds;
  return {
    meterId: `AMI_METER_STANFORD_${short}_001`,
    name,
    building,
    role: gridW < 0 ? 'prosumer' : 'consumer',
    generationW: W(generationW),
    loadW: W(loadW),
    gridW: W(gridW),
    storageW: W(storageW),
    stateOfChargePercent: batteryKwh === 0 ? null : Math.round(1500 + 7000 * uniform(seed, 7)) / 100,
    batteryWh: Wh(batteryKwh * 1000),
    lastReadingAt: UnixSeconds(i === 7 ? time - 250 : time - (time % 15)),
    powerAt: UnixSeconds(i === 7 ? time - 250 : time - (time % 15)),
    notice: i === 3 ? { level: 'warning', text: 'certificate ends in 6 days' } : null,
    lastTrade:
      i === 3
        ? null
        : {
            window: UnixSeconds(window - windowSeconds),
            side: gridW < 0 ? 'sell' : 'buy',
            energyWh: Wh(Math.round(Math.abs(gridW) / 12) + 1),
            priceMicroPerKWh: samplePrice(window - windowSeconds),
          },
  };
}

const samplePrice = (window: number): MicroPerKWh =>
  MicroPerKWh(Math.round(160_000 + 50_000 * Math.sin(window / 5000) + 8000 * uniform(9, window)));

function sampleWindows(time: UnixSeconds): WindowSnapshot[] {
  const newest = Math.floor(time / windowSeconds) * windowSeconds;
  const count = Math.min(shownWindows, Math.floor((newest - sampleStart) / windowSeconds));
  return Array.from({ length: count }, (_, i): WindowSnapshot => {
    const window = UnixSeconds(newest - (count - 1 - i) * windowSeconds);
    if (uniform(4, window) < 0.06)
      return { window, priceMicroPerKWh: null, volumeWh: Wh(0), trades: 0, status: 'empty' };
    return {
      window,
      priceMicroPerKWh: samplePrice(window),
      volumeWh: Wh(Math.round(4000 + 9000 * uniform(5, window))),
      trades: 6 + Math.floor(20 * uniform(6, window)),
      status: i === count - 1 ? 'cleared' : 'settled',
    };
  });
}

function sampleSettlement({ window, volumeWh, priceMicroPerKWh, trades }: WindowSnapshot): SettlementSnapshot {
  const letters = Array.from({ length: 88 }, (_, i) => base58[Math.floor(58 * uniform(window, i))]);
  return {
    window,
    signature: letters.join(''),
    transfers: Math.ceil(trades / 2),
    volumeWh,
    amountMicro: Micro(Math.floor((volumeWh * (priceMicroPerKWh ?? 0)) / 1000)),
    confirmedAt: UnixSeconds(window + 2 * windowSeconds),
    ledger: 'embedded',
  };
}

/** A source that shows what it is told to. */
export class SampleSource implements SnapshotSource {
  #snapshot: CampusSnapshot;
  readonly #listeners = new Set<(time: UnixSeconds) => void>();

  constructor(snapshot: CampusSnapshot) {
    this.#snapshot = snapshot;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  current(): CampusSnapshot {
    return this.#snapshot;
  }

  onChange(listener: (time: UnixSeconds) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  push(snapshot: CampusSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener(snapshot.time);
  }
}
