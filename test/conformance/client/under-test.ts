import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import { deadline } from '#hal/wall.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { markSuperseded } from './utility/standing.ts';
import { UtilityServer } from './utility-server.ts';

/** A market window's start and a whole hour. */
const start = UnixSeconds(1_782_000_000);

/** Real time that a client may take over what one virtual second brings. */
const patienceMs = 20_000;

/**
 * A client of ours and a utility that it has never met. Both live on one virtual clock; everything between them goes
 * over TLS on loopback.
 */
export abstract class UnderTest implements AsyncDisposable {
  readonly clock = new VirtualClock(start);
  readonly server: UtilityServer;
  readonly identity: DeviceIdentity;
  /** How long the world stands still at a time; 1 but in tests of days. */
  readonly stepSeconds: number;
  protected readonly resources = new AsyncDisposableStack();
  /** What is to be done between two seconds, one a step. */
  readonly #deeds: (() => Promise<void>)[] = [];

  constructor(identity: DeviceIdentity, serverIdentity: DeviceIdentity, stepSeconds = 1) {
    this.identity = identity;
    this.stepSeconds = stepSeconds;
    this.server = this.resources.use(new UtilityServer(serverIdentity, this.clock));
  }

  /** The utility listens; the client is off. */
  async start(): Promise<void> {
    await this.server.start();
    const { utility } = this.server;
    const period = this.stepSeconds;
    this.clock.every({ name: 'superseding', period, phase: 'open' }, () => {
      if (utility.marksSuperseded) markSuperseded(utility);
    });
    this.clock.every({ name: 'notifications', period, phase: 'close' }, () => this.server.notifier.flush());
  }

  /** Switches the client on: what it has learnt before is in its file. */
  abstract boot(): Promise<void>;

  /** Cuts its power. */
  abstract shutDown(): Promise<void>;

  /** Off, and on again. */
  powerCycle(): void {
    this.#deeds.push(
      () => this.shutDown(),
      () => this.boot(),
    );
  }

  get now(): number {
    return this.clock.now();
  }

  /** Lets time pass, step by step, as long as the condition holds; at most so many seconds. */
  async pass(seconds: number, goesOn: () => boolean = () => true): Promise<void> {
    const until = this.clock.now() + seconds;
    while (this.clock.now() < until && goesOn()) {
      const next = Math.min(until, this.clock.now() + this.stepSeconds);
      await within(patienceMs, this.clock.runUntil({ time: next, phase: 0 }));
      this.clock.setNow(UnixSeconds(next));
      if (this.server.server.failure !== undefined) throw this.server.server.failure;
      await this.#deeds.shift()?.();
    }
  }

  /** Lets time pass until something holds; throws when it does not within so many seconds. */
  async until(what: string, seconds: number, holds: () => boolean): Promise<void> {
    await this.pass(seconds, () => !holds());
    if (!holds()) throw new Error(`after ${seconds} s not so: ${what}\n${this.server.requests.tail(12)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutDown();
    await this.resources.disposeAsync();
  }
}

/** What waits for ever is a failure: a request that is never answered holds the virtual time. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  using _deadline = deadline(ms, () => reject(new Error(`nothing moves for ${ms / 1000} s of real time`)));
  return await Promise.race([work, promise]);
}
