import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { monotonicMs } from '#hal/wall.ts';
import { channelNames } from '#ieee2030_5/ext/channels.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { BoardFile } from './board-file.ts';
import { type ClientIdentity, Connection } from './client/connection.ts';
import { ClientFile } from './client/client-file.ts';
import { Mirror } from './client/mirror.ts';
import { demandedStaple } from './client/staple.ts';
import { StapleMemory } from './client/staple-memory.ts';
import { UtilityClient, type UtilityClientOptions } from './client/utility-client.ts';
import { DerReporter } from './control/der-reporter.ts';
import type { Explanation } from './control/explanation.ts';
import { ControlLoop } from './control/loop.ts';
import { revertFaults } from './control/safe-revert.ts';
import { notApplicable, supportedModes } from './control/supported-modes.ts';
import { DeviceStarts, startRetrySeconds } from './device-starts.ts';
import { Exchanges } from './exchanges.ts';
import { Health, type PartHealth } from './health.ts';
import { meterBoundsOf } from './meter-watch.ts';
import { Metering } from './metering.ts';
import { Outbox } from './outbox.ts';
import type { OutboxFile } from './outbox-file.ts';
import type { BoardDevices, SiteSample } from './sampler.ts';
import { offerLeadSeconds } from './trading/agent.ts';
import { TradingDesk } from './trading/trading-desk.ts';
import { UtilityMetering } from './utility-metering.ts';

export const postSeconds = 15;

/** One that is lost has the LFDI that the board had before. */
export type BoardIdentity = ClientIdentity & { readonly lfdi: Lfdi };

export interface BoardOptions {
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly clock: Clock;
  readonly serverUrl: string;
  readonly identity: BoardIdentity;
  readonly outboxFile: OutboxFile;
  /** How the board stands with a utility's server: PIN, registration, subscriptions, host names in certificates. */
  readonly utility?: Pick<UtilityClientOptions, 'devices' | 'registration' | 'subscriptions'> & {
    readonly checkHostName?: boolean;
    /** How readings are mirrored; where it is not said, a server with our extension gets those of the campus. */
    readonly readings?: 'campus' | 'csip-aus';
    /** The DERs are demand response enabled devices (AS/NZS 4755): their DERStatus tells the mode. */
    readonly demandResponse?: boolean;
  };
  /** The server proves at each handshake that its certificate is not revoked; else it must once it is known to. */
  readonly serverStaples?: boolean;
  readonly sampleSeconds: number;
  readonly seed: number;
  readonly log: Log;
  /** Called with the wall milliseconds of every acknowledged post. */
  readonly onPosted: (elapsedMs: number) => void;
}

/**
 * The runtime of one board, where its parts meet: it samples, controls, posts and trades. Real or emulated, only its
 * devices differ; whoever made them closes them after the board.
 */
export class Board implements AsyncDisposable {
  readonly meterId: string;
  readonly connection: Connection;
  readonly outbox: Outbox;
  /** What the server has for this board: programs, events, and where its readings go. */
  readonly utility: UtilityClient;
  readonly #options: BoardOptions;
  /** The device of the server's that this board is; `undefined`: the one of its certificate. */
  readonly #device: Lfdi | undefined;
  #identity: BoardIdentity;
  readonly #exchanges: Exchanges;
  readonly #metering: Metering;
  /** Once it is known that the server is none of ours. */
  #utilityMetering: UtilityMetering | undefined;
  readonly #loop: ControlLoop;
  readonly #reporter: DerReporter;
  readonly #desk: TradingDesk;
  readonly #log: Log;
  readonly #health = new Health();
  readonly #starts: DeviceStarts;
  #controlledAtMs: number | undefined;
  /** Of the newest second, under way or done. */
  #control = Promise.resolve();
  readonly #timers = new DisposableStack();
  #rejected: ReturnType<typeof notApplicable> = new Map();

  constructor(options: BoardOptions) {
    const { file, devices, identity, clock, serverUrl, outboxFile, seed, sampleSeconds, onPosted } = options;
    const log = options.log.child({ meter: file.meterId });
    this.meterId = file.meterId;
    this.#options = options;
    this.#log = log;
    const { checkHostName = true, devices: managed, registration, subscriptions } = options.utility ?? {};
    const { origin } = new URL(serverUrl);
    const staple = new StapleMemory(new ClientFile(outboxFile, file.meterId), origin);
    this.connection = new Connection(origin, identity, {
      checkHostName,
      staple: options.serverStaples === true ? demandedStaple : staple,
    });
    const { connection } = this;
    this.outbox = new Outbox(outboxFile, file.meterId, channelNames);
    this.#identity = identity;
    const { lfdi } = identity;
    this.utility = new UtilityClient({
      ...(managed !== undefined && { devices: managed }),
      ...(registration !== undefined && { registration }),
      ...(subscriptions !== undefined && { subscriptions }),
      clock,
      connection,
      serverUrl,
      lfdi,
      outboxFile,
      board: file.meterId,
      seed,
      log,
    });
    const [first] = managed ?? [];
    this.#device = first?.lfdi === lfdi ? undefined : first?.lfdi;
    const mirror = new Mirror(connection, file.meterId, () => this.#identity.lfdi);
    this.#starts = new DeviceStarts(devices, this.#health, log);
    this.#metering = new Metering({
      devices,
      outbox: this.outbox,
      mirror,
      health: this.#health,
      log,
      bounds: meterBoundsOf(file),
      onPosted,
      afterControl: () => this.#control,
    });
    this.#loop = new ControlLoop({
      file,
      devices,
      utility: this.utility,
      lfdi: this.#device,
      sampleSeconds,
      readGrid: (now) => this.#metering.readGrid(now),
      log,
    });
    const demandResponse = options.utility?.demandResponse === true;
    this.#reporter = new DerReporter({ utility: this.utility, lfdi: this.#device, demandResponse });
    const { utility } = this;
    this.#exchanges = new Exchanges({ utility, device: this.#device, staple, health: this.#health, clock, log });
    this.#desk = new TradingDesk({
      file,
      seed,
      sampleSeconds,
      connection,
      exchanges: this.#exchanges,
      limitsIn: (from, until) => this.#loop.tightestIn(from, until),
      onGranted: (granted) => utility.reserved(granted, this.#device),
    });
  }

  async start(): Promise<void> {
    const { clock, sampleSeconds } = this.#options;
    await this.#starts.attempt(clock.now());
    this.#takeIntoControl();
    const every = (
      name: string,
      period: number,
      offset: number,
      phase: 'sample' | 'exchange',
      task: (now: UnixSeconds) => Promise<void>,
    ): void => {
      this.#timers.use(clock.every({ name, period, offset, phase }, task));
    };
    this.#timers.use(this.utility.onChange(() => this.#refuse()));
    await this.utility.start();
    await this.#begin();
    every('sample', sampleSeconds, 0, 'sample', (now) => (this.#control = this.#sampleAndControl(now)));
    if (!this.#starts.isComplete) {
      // With the exchange, so that control does not wait for a device that is not there.
      every('find devices', startRetrySeconds, 0, 'exchange', (now) => this.#findDevices(now));
    }
    every('post', postSeconds, 0, 'exchange', (now) => this.#post(now));
    every('offer', WINDOW_SECONDS, WINDOW_SECONDS - offerLeadSeconds, 'exchange', (now) => this.#desk.offer(now));
    every('collect', WINDOW_SECONDS, postSeconds, 'exchange', (now) => this.#desk.collect(now));
  }

  /** What it proves itself with to its server. */
  get identity(): BoardIdentity {
    return this.#identity;
  }

  /**
   * Takes another certificate of this same board into use while it runs, or its identity that was lost. Control goes
   * on; what is to be sent waits until `change` has answered which one it is to be, and is then sent with it. Rejects
   * as `change` does, and then nothing has changed.
   */
  async takeIdentity(change: () => Promise<BoardIdentity>): Promise<void> {
    await this.#exchanges.alone(() =>
      this.utility.become(async () => {
        const next = await change();
        if (next.lfdi !== this.#identity.lfdi || this.#identity.fault !== undefined) {
          this.#identity = next;
          this.connection.use(next);
        }
        return next.lfdi;
      }),
    );
  }

  /** How its devices and its head-end do. */
  get health(): readonly PartHealth[] {
    return this.#health.parts;
  }

  /** The newest sample; `undefined` before the first. */
  get sample(): SiteSample | undefined {
    return this.#metering.sample;
  }

  /** When a sample was last taken and acted upon, `monotonicMs`; `undefined` before the first. */
  get controlledAtMs(): number | undefined {
    return this.#controlledAtMs;
  }

  /** Which event, default or limit makes the devices do what they do, since when and until when; plain data. */
  explain(): Explanation | undefined {
    return this.#loop.explanation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers.dispose();
    await this.utility[Symbol.asyncDispose]();
    await this.connection[Symbol.asyncDispose]();
    await this.outbox.save();
  }

  /** A board that ran before finds its devices as they are without it; the next start is told of this one. */
  async #begin(): Promise<void> {
    if (!this.outbox.isNew) this.#loop.beginAgain();
    if (this.outbox.isOpen && !this.outbox.isNew) return;
    await this.#unlessFull(() => this.outbox.save());
  }

  /** Control needs no outbox. */
  async #unlessFull(write: () => void | Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#health.set('outbox', this.#options.clock.now(), error);
    }
  }

  async #findDevices(now: UnixSeconds): Promise<void> {
    if (await this.#starts.attempt(now)) this.#takeIntoControl();
  }

  /** Controls what has been found, and tells what would not be safe without the board. */
  #takeIntoControl(): void {
    const { file, devices, clock } = this.#options;
    const isStarted = (role: 'inverter' | 'battery'): boolean => this.#starts.isStarted(role);
    this.#loop.start(isStarted);
    for (const [role, fault] of revertFaults(file, devices, isStarted)) {
      this.#health.set(`${role} revert`, clock.now(), fault);
      this.#log.error({ device: role, reason: fault.describe() }, 'device does not fall back to something safe');
    }
  }

  async #sampleAndControl(now: UnixSeconds): Promise<void> {
    const sample = await this.#metering.take(now);
    this.#desk.take(sample);
    await this.#loop.control(sample, this.#desk.commitmentW(now));
    this.#controlledAtMs = monotonicMs();
    const hasLooked = await this.#loop.look(now);
    const { state } = this.#loop;
    if (state === undefined) return;
    await this.#foreign()?.take(sample, state.grid);
    if (hasLooked) this.#reporter.tell(state, now);
  }

  /** Answers the events of which the site can carry out nothing. */
  #refuse(): void {
    // A device that is still to be found may have what an event asks for.
    if (!this.#starts.isComplete) return;
    const controls = this.utility.view(this.#device)?.derPrograms.flatMap((program) => program.controls) ?? [];
    const rejected = notApplicable(controls, supportedModes(this.#loop.plant));
    if (isDeepStrictEqual(rejected, this.#rejected)) return;
    this.#rejected = rejected;
    this.utility.participate({ optedOut: new Set(), rejected }, this.#device);
  }

  async #post(now: UnixSeconds): Promise<void> {
    if (!this.outbox.isOpen) await this.#findOutbox(now);
    if (this.#foreign()?.isDue(now) === false) return;
    if (this.#foreign() === undefined) await this.#metering.queue(now);
    // By then the server has been asked whose it is.
    await this.#exchanges.run('post', (resources) => {
      const foreign = this.#foreign();
      return foreign === undefined ? this.#metering.post(resources) : foreign.post(resources, now);
    });
    if (this.#foreign() === undefined) await this.#desk.observe(now);
  }

  /** A disk that had no room at the start may have some again. */
  async #findOutbox(now: UnixSeconds): Promise<void> {
    await this.#unlessFull(() => {
      this.#metering.findOutbox();
      this.#health.set('outbox', now);
    });
  }

  /** The metering for a server that is not ours; `undefined` for one of ours, and while nobody knows. */
  #foreign(): UtilityMetering | undefined {
    const { hasExtension = true } = this.utility;
    const readings = this.#options.utility?.readings ?? (hasExtension ? 'campus' : 'csip-aus');
    if (readings === 'campus') return undefined;
    const { file, devices, outboxFile, sampleSeconds, seed, onPosted } = this.#options;
    this.#utilityMetering ??= new UtilityMetering({
      file,
      devices,
      connection: this.connection,
      utility: this.utility,
      lfdi: this.#device ?? this.#identity.lfdi,
      outboxFile,
      sampleSeconds,
      seed,
      log: this.#log,
      onPosted,
    });
    return this.#utilityMetering;
  }
}
