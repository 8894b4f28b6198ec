import type { BatteryReading } from '#drivers/capabilities.ts';
import { UnixSeconds } from '#hal/units.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { FlowReservationResponseList } from '#ieee2030_5/types.generated.ts';
import type { BoardFile } from '../board-file.ts';
import type { Connection } from '../client/connection.ts';
import type { Exchanges } from '../exchanges.ts';
import type { SiteSample } from '../sampler.ts';
import { nextWindow, TradingAgent } from './agent.ts';
import type { Outlook } from './forecast.ts';
import { NetHistory } from './net-history.ts';
import { meterTypeOf } from './role.ts';

export interface TradingDeskParts {
  readonly file: BoardFile;
  readonly seed: number;
  readonly sampleSeconds: number;
  readonly connection: Connection;
  readonly exchanges: Exchanges;
  /** Mean power that the connection may carry from one instant to another, W, 0 and up. */
  readonly limitsIn: (from: UnixSeconds, until: UnixSeconds) => Outlook['limits'];
  /** Takes what the market has granted. */
  readonly onGranted: (granted: FlowReservationResponseList) => void;
}

/** Where a board's samples become offers, and the market's answers commitments. */
export class TradingDesk {
  readonly #parts: TradingDeskParts;
  readonly #agent: TradingAgent;
  readonly #net: NetHistory;
  #battery: BatteryReading | undefined;

  constructor(parts: TradingDeskParts) {
    const { file, seed, sampleSeconds } = parts;
    const { inverter, battery } = file.devices;
    this.#parts = parts;
    this.#agent = new TradingAgent(file.meterId, file.building, seed, {
      type: meterTypeOf(file.devices),
      ratedW: (inverter?.ratedW ?? 0) + (battery?.ratedW ?? 0),
    });
    this.#net = new NetHistory(WINDOW_SECONDS, sampleSeconds);
  }

  /** Takes the newest sample into the forecast. */
  take({ loadW, inverter, battery }: SiteSample): void {
    if (loadW !== undefined) this.#net.add(loadW - (inverter?.powerW ?? 0));
    this.#battery = battery;
  }

  /** Mean grid power that the market committed the building to now; 0 without a trade. */
  commitmentW(now: UnixSeconds): number {
    return this.#agent.commitmentW(now);
  }

  /** A role that changes shows in the offers at once. */
  async observe(now: UnixSeconds): Promise<void> {
    const outlook = this.#outlook(now);
    if (outlook !== undefined && this.#agent.observe(now, outlook)) await this.offer(now);
  }

  /** Offers the window whose gate closes next; nothing before the first sample. */
  async offer(now: UnixSeconds): Promise<void> {
    const { connection, exchanges } = this.#parts;
    await exchanges.run('offer', async (resources) => {
      const outlook = this.#outlook(now);
      if (outlook !== undefined) await this.#agent.offer(connection, resources, now, outlook);
    });
  }

  /** Reads what the market has granted. */
  async collect(now: UnixSeconds): Promise<void> {
    const { connection, exchanges, onGranted } = this.#parts;
    await exchanges.run('collect', async (resources) => {
      const granted = await this.#agent.collect(connection, resources, now);
      if (granted !== undefined) onGranted(granted);
    });
  }

  #outlook(now: UnixSeconds): Outlook | undefined {
    const { file, limitsIn } = this.#parts;
    const netW = this.#net.meanW();
    if (netW === undefined) return undefined;
    const spec = file.devices.battery;
    const state = this.#battery;
    const window = nextWindow(now);
    return {
      netW,
      windowSeconds: WINDOW_SECONDS,
      limits: limitsIn(window, UnixSeconds(window + WINDOW_SECONDS)),
      storage:
        spec === undefined || state === undefined
          ? undefined
          : {
              stateOfChargeCentiPercent: state.stateOfChargeCentiPercent,
              reserveCentiPercent: spec.reservePercent * 100,
              capacityWh: spec.capacityWh,
              ratedW: spec.ratedW,
            },
    };
  }
}
