import type { Clock } from '#hal/clock.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { ChannelName } from '#ieee2030_5/ext/channels.ts';
import { WINDOW_SECONDS, windowOf } from '#ieee2030_5/ext/windows.ts';
import type {
  CampusSnapshot,
  LastTrade,
  MeterSnapshot,
  Notice,
  SettlementSnapshot,
  SnapshotSource,
  WindowSnapshot,
} from './gateway/snapshot.ts';
import { shownSettlements, shownWindows } from './gateway/snapshot.ts';
import type { Trade } from './market/trade.ts';
import type { DeviceRecord } from './protocol.ts';

/** Registers count whole Wh, so power is their difference over about this long. */
const powerSpanSeconds = 60;
/** A meter whose newest reading is older is not online. */
const overdueSeconds = 60;
/** 1 TW: what a device reports beyond it is shown as this, and sums over all meters stay exact. */
const mostShownW = 1_000_000_000_000;

/** Cumulative registers at one instant, Wh; `undefined` where the board had no reading of one. */
interface Registers {
  readonly time: UnixSeconds;
  readonly generation: number | undefined;
  readonly consumption: number | undefined;
  readonly gridImport: number | undefined;
  readonly gridExport: number | undefined;
}

interface MeterState {
  readonly device: DeviceRecord;
  /** Within the last `powerSpanSeconds`, oldest first. */
  readonly recent: Registers[];
  storageW: W;
  stateOfChargePercent: number | null;
  lastTrade: LastTrade | null;
}

export type ChannelReading = Readonly<Partial<Record<ChannelName, number>>>;

export interface LiveSite {
  readonly name: string;
  readonly timeZone: string;
}

/** What the campus looks like now, kept from what passes through the head-end; bounded by its number of meters. */
export class LiveState implements SnapshotSource {
  readonly #clock: Clock;
  readonly #site: LiveSite;
  readonly #speed: number | null;
  #startedAt: UnixSeconds;
  readonly #meters: ReadonlyMap<string, MeterState>;
  readonly #listeners = new Set<(time: UnixSeconds) => void>();
  /** Trades of windows that are not over, by window. */
  readonly #trades = new Map<UnixSeconds, readonly Trade[]>();
  #windows: WindowSnapshot[] = [];
  #settlements: SettlementSnapshot[] = [];
  #noticeOf: (meterId: string) => Notice | undefined = () => undefined;
  #database: 'ok' | 'unavailable' = 'ok';
  #lastError: string | null = null;

  constructor(site: LiveSite, devices: readonly DeviceRecord[], clock: Clock, speed: number | null) {
    this.#clock = clock;
    this.#site = site;
    this.#speed = speed;
    this.#startedAt = clock.now();
    this.#meters = new Map(
      devices.map((device) => [
        device.meterId,
        { device, recent: [], storageW: W(0), stateOfChargePercent: null, lastTrade: null },
      ]),
    );
  }

  /** The campus starts: from now on time is its time. */
  begin(): void {
    this.#startedAt = this.#clock.now();
    this.#changed();
  }

  /** What is to be known of a meter's device is asked for there. */
  showNotices(noticeOf: (meterId: string) => Notice | undefined): void {
    this.#noticeOf = noticeOf;
  }

  /** A posting was committed: its values at the end of its period. */
  posted(meterId: string, time: UnixSeconds, values: ChannelReading): void {
    this.#database = 'ok';
    const meter = this.#meters.get(meterId);
    if (meter === undefined) return;
    const { generation, consumption, gridImport, gridExport } = values;
    const newest = meter.recent.at(-1);
    // Backfill after an outage is history, not the present.
    if (newest !== undefined && time <= newest.time) return;
    meter.recent.push({ time, generation, consumption, gridImport, gridExport });
    while (meter.recent.length > 2 && (meter.recent[1]?.time ?? time) <= time - powerSpanSeconds) meter.recent.shift();
    meter.storageW = shown(values.storagePower ?? 0);
    meter.stateOfChargePercent = values.stateOfCharge === undefined ? null : values.stateOfCharge / 100;
    this.#changed();
  }

  cleared(window: WindowSnapshot, trades: readonly Trade[]): void {
    this.#trades.set(window.window, trades);
    for (const trade of trades) {
      this.#remember(trade.seller, trade, 'sell');
      this.#remember(trade.buyer, trade, 'buy');
    }
    this.#putWindow(window);
  }

  settled(window: WindowSnapshot, settlement: SettlementSnapshot | null): void {
    this.#trades.delete(window.window);
    if (settlement !== null) this.#settlements = [...this.#settlements, settlement].slice(-shownSettlements);
    this.#putWindow(window);
  }

  /** A posting could not be stored; the next one that is says that the database is back. */
  databaseFailed(message: string): void {
    this.#database = 'unavailable';
    this.failed(message);
  }

  failed(message: string): void {
    this.#lastError = message;
    this.#changed();
  }

  current(): CampusSnapshot {
    const now = this.#clock.now();
    const trading = this.#trades.get(windowOf(now)) ?? [];
    const sellers = new Set(trading.map((trade) => trade.seller));
    const meters = [...this.#meters.values()].map((meter) => {
      const { meterId } = meter.device;
      return snapshotOf(meter, sellers.has(meterId), this.#noticeOf(meterId) ?? null);
    });
    const total = (pick: (meter: MeterSnapshot) => number): W => W(meters.reduce((sum, meter) => sum + pick(meter), 0));
    const tradedWh = trading.reduce((sum, trade) => sum + trade.energyWh, 0);
    return {
      site: this.#site,
      time: now,
      startedAt: this.#startedAt,
      speed: this.#speed,
      campus: {
        generationW: total((meter) => meter.generationW),
        loadW: total((meter) => meter.loadW),
        gridW: total((meter) => meter.gridW),
        storageW: total((meter) => meter.storageW),
        p2pW: W(Math.round((tradedWh * 3600) / WINDOW_SECONDS)),
      },
      meters,
      windows: this.#windows,
      settlements: this.#settlements,
      health: {
        metersOnline: meters.filter(
          (meter) => meter.lastReadingAt !== null && now - meter.lastReadingAt <= overdueSeconds,
        ).length,
        metersTotal: meters.length,
        database: this.#database,
        lastError: this.#lastError,
      },
    };
  }

  onChange(listener: (time: UnixSeconds) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #remember(meterId: string, trade: Trade, side: 'buy' | 'sell'): void {
    const meter = this.#meters.get(meterId);
    if (meter === undefined) return;
    const before =
      meter.lastTrade?.window === trade.window && meter.lastTrade.side === side ? meter.lastTrade.energyWh : 0;
    meter.lastTrade = {
      window: trade.window,
      side,
      energyWh: Wh(before + trade.energyWh),
      priceMicroPerKWh: trade.price,
    };
  }

  #putWindow(window: WindowSnapshot): void {
    const others = this.#windows.filter((other) => other.window !== window.window);
    this.#windows = [...others, window].toSorted((a, b) => a.window - b.window).slice(-shownWindows);
    this.#changed();
  }

  #changed(): void {
    const now = this.#clock.now();
    for (const listener of this.#listeners) listener(now);
  }
}

function snapshotOf(meter: MeterState, isSelling: boolean, notice: Notice | null): MeterSnapshot {
  const { device, recent, storageW, stateOfChargePercent, lastTrade } = meter;
  const power = powerOf(recent);
  return {
    meterId: device.meterId,
    name: device.name,
    building: device.building,
    role: isSelling || power.gridW < 0 ? 'prosumer' : 'consumer',
    ...power,
    storageW,
    stateOfChargePercent,
    batteryWh: Wh(device.storageWh),
    lastReadingAt: recent.at(-1)?.time ?? null,
    // Power is a difference of registers: with one reading there is none yet.
    powerAt: recent.length < 2 ? null : (recent.at(-1)?.time ?? null),
    lastTrade,
    notice,
  };
}

/** Mean power between the oldest and the newest registers; 0 where one of them is not known. */
function powerOf(recent: readonly Registers[]): { generationW: W; loadW: W; gridW: W } {
  const [first] = recent;
  const last = recent.at(-1);
  const seconds = first === undefined || last === undefined ? 0 : last.time - first.time;
  const mean = (register: 'generation' | 'consumption' | 'gridImport' | 'gridExport'): number => {
    const [from, to] = [first?.[register], last?.[register]];
    return from === undefined || to === undefined || seconds === 0 ? 0 : ((to - from) * 3600) / seconds;
  };
  return {
    generationW: shown(mean('generation')),
    loadW: shown(mean('consumption')),
    gridW: shown(mean('gridImport') - mean('gridExport')),
  };
}

const shown = (watts: number): W => W(Math.round(Math.min(mostShownW, Math.max(-mostShownW, watts))));
