import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { MqttLink } from '#hal/ports.ts';
import { HomeAssistant, homeAssistantId, type HomeAssistantState } from '#drivers/mqtt/home-assistant.ts';
import type { Board } from '../board.ts';
import type { BoardRegisters } from '../sampler.ts';

/** How often the state is told, and after how many misses Home Assistant shows it as unknown; seconds. */
const tellSeconds = 15;
const expireSeconds = 4 * tellSeconds;

/** Of a board, what Home Assistant is told. */
export type ToldBoard = Pick<Board, 'meterId' | 'sample' | 'outbox'>;

export interface OutletOptions {
  readonly board: ToldBoard;
  /** The building as people call it. */
  readonly name: string;
  readonly link: MqttLink;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known of the building now; of what does not answer the value is unknown, not old. */
export function homeAssistantState({ sample, outbox }: ToldBoard): HomeAssistantState {
  const registers = outbox.state('registers') as BoardRegisters | undefined;
  const { inverter, battery } = sample ?? {};
  const charge = battery?.stateOfChargeCentiPercent;
  return {
    grid_power: sample?.gridW,
    load_power: sample?.loadW,
    grid_import: registers?.grid.importWh,
    grid_export: registers?.grid.exportWh,
    consumption: registers?.load.importWh,
    ...(inverter !== undefined && { pv_power: inverter.powerW, generation: inverter.generationWh }),
    ...(battery !== undefined && {
      battery_power: battery.powerW,
      state_of_charge: charge === undefined ? undefined : charge / 100,
      storage_charge: battery.acChargeWh,
      storage_discharge: battery.acDischargeWh,
    }),
  };
}

/** Tells a board's state to Home Assistant for as long as it runs; a broker that is away disturbs nothing else. */
export class HomeAssistantOutlet implements AsyncDisposable {
  readonly #options: OutletOptions;
  readonly #publisher: HomeAssistant;
  #timer: Disposable | undefined;
  #isFailing = false;

  constructor(options: OutletOptions) {
    const { board, name, link } = options;
    this.#options = options;
    this.#publisher = new HomeAssistant(link, { id: homeAssistantId(board.meterId), name, expireSeconds });
  }

  start(): void {
    const schedule = { name: 'home assistant', period: tellSeconds, phase: 'exchange' } as const;
    this.#timer = this.#options.clock.every(schedule, () => this.#tell());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#publisher[Symbol.asyncDispose]();
  }

  async #tell(): Promise<void> {
    const { board, log } = this.#options;
    if (board.sample === undefined) return;
    try {
      await this.#publisher.start();
      await this.#publisher.tell(homeAssistantState(board));
      if (this.#isFailing) log.info('Home Assistant is told again');
      this.#isFailing = false;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      if (!this.#isFailing) log.warn({ reason: error.describe() }, 'Home Assistant cannot be told');
      this.#isFailing = true;
    }
  }
}
