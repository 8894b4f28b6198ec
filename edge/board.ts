import type { Clock } from '#hal/clock.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { BoardFile } from './board-file.ts';
import { type ClientIdentity, Connection, RefusedError } from './client/connection.ts';
import { discover, type Resources } from './client/discovery.ts';
import { Mirror } from './client/mirror.ts';
import { pvLimit, type StorageSituation, storageSetpoint } from './control/storage.ts';
import { Outbox, type QueuedPosting } from './outbox.ts';
import type { OutboxFile } from './outbox-file.ts';
import { type BoardDevices, type BoardRegisters, emptyRegisters, Sampler, type SiteSample } from './sampler.ts';
import { offerLeadSeconds, TradingAgent } from './trading/agent.ts';

export const postSeconds = 15;
/** A device falls back to its own safe value when the board has not refreshed its order for this long. */
const revertSeconds = 60;
/** Orders within this share of the rating are not repeated before half of `revertSeconds` has passed. */
const deadband = 0.005;
/** Statuses that the same posting gets again however often it is sent. */
const hopeless: readonly number[] = [400, 413];
/** After this many failures in a row the board looks for its resources anew. */
const failuresBeforeDiscovery = 3;

export interface BoardOptions {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly clock: Clock;
  readonly serverUrl: string;
  readonly identity: ClientIdentity & { readonly lfdi: Lfdi };
  readonly outboxFile: OutboxFile;
  readonly sampleSeconds: number;
  readonly seed: number;
  readonly log: Log;
  /** Called with the wall milliseconds of every acknowledged post. */
  readonly onPosted: (elapsedMs: number) => void;
}

/**
 * The runtime of one board: sample, control, post, trade. Real or emulated, only its devices differ; whoever made
 * them closes them after the board.
 */
export class Board implements AsyncDisposable {
  readonly meterId: string;
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly #options: BoardOptions;
  readonly #sampler: Sampler;
  readonly #mirror: Mirror;
  readonly #agent: TradingAgent;
  readonly #log: Log;
  readonly #timers = new DisposableStack();
  /** Load − PV of the samples within one window, a ring. */
  readonly #netW: Float64Array;
  #netCount = 0;
  #resources: Resources | undefined;
  #sample: SiteSample | undefined;
  #lastPosted: UnixSeconds | undefined;
  #ordered: { storageW: W; pvW: W | null; at: UnixSeconds } | undefined;
  #failures = 0;

  constructor(options: BoardOptions) {
    const { file, devices, identity, log } = options;
    this.meterId = file.meterId;
    this.#options = options;
    this.#log = log.child({ meter: file.meterId });
    this.connection = new Connection(new URL(options.serverUrl).origin, identity);
    this.outbox = new Outbox(options.outboxFile, file.meterId);
    const registers = this.outbox.state('registers') as BoardRegisters | undefined;
    this.#sampler = new Sampler(devices, registers ?? emptyRegisters, this.#log);
    this.#mirror = new Mirror(this.connection, file.meterId, identity.lfdi);
    this.#agent = new TradingAgent(file.meterId, file.building, options.seed);
    this.#netW = new Float64Array(Math.max(1, Math.floor(WINDOW_SECONDS / options.sampleSeconds)));
  }

  async start(): Promise<void> {
    const { clock, devices, sampleSeconds } = this.#options;
    await Promise.all([devices.meter.start(), devices.inverter?.start(), devices.battery?.start()]);
    const every = (
      name: string,
      period: number,
      offset: number,
      phase: 'sample' | 'exchange',
      task: (now: UnixSeconds) => Promise<void>,
    ): void => {
      this.#timers.use(clock.every({ name, period, offset, phase }, task));
    };
    every('sample', sampleSeconds, 0, 'sample', (now) => this.#sampleAndControl(now));
    every('post', postSeconds, 0, 'exchange', (now) => this.#post(now));
    every('offer', WINDOW_SECONDS, WINDOW_SECONDS - offerLeadSeconds, 'exchange', (now) => this.#trade('offer', now));
    every('collect', WINDOW_SECONDS, postSeconds, 'exchange', (now) => this.#trade('collect', now));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers.dispose();
    await this.connection[Symbol.asyncDispose]();
    await this.outbox.close();
  }

  async #sampleAndControl(now: UnixSeconds): Promise<void> {
    const sample = await this.#sampler.sample(now);
    this.#sample = sample;
    if (sample.loadW !== undefined) {
      this.#netW[this.#netCount % this.#netW.length] = sample.loadW - (sample.inverter?.powerW ?? 0);
      this.#netCount++;
    }
    await this.#control(now, sample);
  }

  async #control(now: UnixSeconds, sample: SiteSample): Promise<void> {
    const { file, devices } = this.#options;
    const { inverter, battery } = devices;
    const spec = file.devices.battery;
    const situation = this.#situation(now, sample);
    // What cannot be seen is assumed worst: without the meter or the battery's own state, the storage rests, and
    // without the meter the export limit holds at zero load.
    const storageW = situation === undefined ? W(0) : storageSetpoint(situation);
    const ratedPvW = file.devices.inverter?.ratedW ?? 0;
    const { exportLimitW } = file.connection;
    const pvW = pvLimit({ loadW: sample.loadW ?? 0, exportLimitW }, storageW, ratedPvW);
    const last = this.#ordered;
    const isSame =
      last !== undefined && Math.abs(last.storageW - storageW) <= (spec?.ratedW ?? 0) * deadband && last.pvW === pvW;
    if (isSame && now - last.at < revertSeconds / 2) return;
    this.#ordered = { storageW, pvW, at: now };
    const orders: Promise<void>[] = [];
    if (battery !== undefined) orders.push(battery.setPower(storageW, revertSeconds));
    if (inverter !== undefined && (pvW !== null || (last !== undefined && last.pvW !== pvW))) {
      orders.push(inverter.limitPower(pvW, revertSeconds));
    }
    // A device that refuses its order does not keep the other one from its own.
    for (const order of await Promise.allSettled(orders)) {
      if (order.status === 'fulfilled') continue;
      this.#log.warn({ reason: reasonOf(order.reason) }, 'order to a device failed; it reverts by itself');
      this.#ordered = undefined;
    }
  }

  #situation(now: UnixSeconds, sample: SiteSample): StorageSituation | undefined {
    const { file } = this.#options;
    const spec = file.devices.battery;
    if (sample.loadW === undefined || sample.battery === undefined || spec === undefined) return undefined;
    return {
      loadW: sample.loadW,
      pvW: sample.inverter?.powerW ?? 0,
      stateOfChargeCentiPercent: sample.battery.stateOfChargeCentiPercent,
      reserveCentiPercent: spec.reservePercent * 100,
      ratedW: spec.ratedW,
      commitmentW: this.#agent.commitmentW(now),
      importLimitW: file.connection.importLimitW,
      exportLimitW: file.connection.exportLimitW,
    };
  }

  async #post(now: UnixSeconds): Promise<void> {
    const sample = this.#sample;
    if (sample !== undefined && sample.time === now) {
      const duration = this.#lastPosted === undefined ? 0 : now - this.#lastPosted;
      this.#lastPosted = now;
      const posting = { start: UnixSeconds(now - duration), duration, values: this.#sampler.values(sample) };
      await this.outbox.append(posting, { registers: this.#sampler.registers });
    }
    await this.#exchange('post', async (resources) => {
      for (let posting = this.outbox.oldest(); posting !== undefined; posting = this.outbox.oldest()) {
        await this.#send(resources, posting);
      }
    });
  }

  /** One posting that the head-end will never take must not keep all others waiting. */
  async #send(resources: Resources, posting: QueuedPosting): Promise<void> {
    try {
      const { elapsedMs } = await this.#mirror.post(resources.mirrorUsagePoints, posting);
      this.outbox.acknowledge(posting);
      this.#options.onPosted(elapsedMs);
    } catch (error) {
      if (!(error instanceof RefusedError) || !hopeless.includes(error.status)) throw error;
      this.outbox.refuse(posting);
      this.#log.error(
        { start: posting.start, reason: error.message },
        'the head-end does not take a posting; it is given up',
      );
    }
  }

  async #trade(what: 'offer' | 'collect', now: UnixSeconds): Promise<void> {
    await this.#exchange(what, async (resources) => {
      if (what === 'collect') await this.#agent.collect(this.connection, resources, now);
      else if (this.#netCount > 0) await this.#agent.offer(this.connection, resources, now, this.#outlook());
    });
  }

  #outlook(): Parameters<TradingAgent['offer']>[3] {
    const known = Math.min(this.#netCount, this.#netW.length);
    let sum = 0;
    for (let i = 0; i < known; i++) sum += this.#netW[i] ?? 0;
    const spec = this.#options.file.devices.battery;
    const state = this.#sample?.battery;
    return {
      netW: Math.round(sum / known),
      windowSeconds: WINDOW_SECONDS,
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

  /** Talks to the head-end; a failure leaves everything queued for the next time. */
  async #exchange(what: string, talk: (resources: Resources) => Promise<void>): Promise<void> {
    const { clock, serverUrl, identity } = this.#options;
    try {
      const url = new URL(serverUrl);
      this.#resources ??= await discover(this.connection, url.pathname, identity.lfdi, clock.now());
      await talk(this.#resources);
      if (this.#failures > 0) this.#log.info({ what }, 'head-end reached again');
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      if (this.#failures === 0)
        this.#log.warn({ what, reason: error.describe() }, 'head-end not reached; kept for later');
      this.#failures++;
      if (this.#failures % failuresBeforeDiscovery === 0) this.#resources = undefined;
    }
  }
}
