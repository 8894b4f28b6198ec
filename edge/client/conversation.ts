import type { Clock } from '#hal/clock.ts';
import type { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { Alarm } from './alarm.ts';
import type { Connection } from './connection.ts';
import type { Managed } from './managed.ts';
import { ManagedDevices } from './managed-devices.ts';
import { Reach } from './reach.ts';
import type { ResponseQueue } from './response-queue.ts';
import type { ServerView } from './server-view.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface ConversationParts {
  readonly clock: Clock;
  readonly connection: Connection;
  readonly server: ServerView;
  readonly devices: ReadonlyMap<Lfdi, Managed>;
  readonly queue: ResponseQueue;
  readonly subscriptions: Subscriptions | undefined;
  readonly seed: number;
  readonly log: Log;
  /** Of the certificate in use. */
  readonly ownLfdi: () => Lfdi;
  /** Something of a view, a schedule or a registration may have changed. */
  readonly onChange: () => void;
}

/**
 * The turns in which a client talks to its server: reads what is due, lives its events, and tells of its devices. One
 * turn at a time, by the clock or sooner; after a failure the server is left alone for a while, events go on.
 */
export class Conversation implements AsyncDisposable {
  readonly #parts: ConversationParts;
  readonly #managed: ManagedDevices;
  readonly #alarm: Alarm;
  readonly #reach: Reach;
  #isStopped = false;
  #talking: Promise<void> | undefined;
  #stopReason: GridError | undefined;

  constructor(parts: ConversationParts) {
    const { clock, server, devices, seed, log } = parts;
    this.#parts = parts;
    this.#managed = new ManagedDevices(devices, log);
    this.#reach = new Reach(seed, log, () => server.patience);
    this.#alarm = new Alarm(clock, 'utility', 'exchange', (now) => this.#turn(now));
  }

  /** Goes on with the events that are known, and talks to the server from the clock's next moment on. */
  async start(): Promise<void> {
    const { clock, server, subscriptions } = this.#parts;
    await this.#managed.step(() => this.serverNow());
    await subscriptions?.start((url, isSubscribed) => {
      server.notified(url, isSubscribed, clock.now());
      this.hasten(clock.now());
    });
    this.#alarm.set(clock.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#alarm[Symbol.dispose]();
    await this.#talking;
    await this.#parts.subscriptions?.[Symbol.asyncDispose]();
  }

  serverNow(): UnixSeconds {
    const { clock, server } = this.#parts;
    return UnixSeconds(clock.now() + server.timeOffset);
  }

  /** Why nothing goes on, if it does not. */
  get lastError(): GridError | undefined {
    return this.#stopReason ?? this.#reach.lastError;
  }

  /** Talks to the server at once, whatever the back-off. */
  async ask(): Promise<void> {
    this.#reach.askAgain();
    await this.#turn(this.#parts.clock.now());
  }

  /** A turn at once, for what is kept without a server too. */
  wake(): void {
    if (!this.#isStopped) this.#alarm.hasten(this.#parts.clock.now());
  }

  /** A turn by then; without a server it stays with the back-off. */
  hasten(at: number): void {
    if (!this.#reach.isLost && !this.#isStopped) this.#alarm.hasten(at);
  }

  /** The server answers again, as somebody else has found. */
  reached(): void {
    if (!this.#reach.isLost || this.#isStopped) return;
    this.#reach.askAgain();
    this.#alarm.hasten(this.#parts.clock.now() + 1);
  }

  /** Does something while the server is not talked to, and then asks it anew. Rejects as `change` does. */
  async pause(change: () => Promise<void>): Promise<void> {
    while (this.#talking !== undefined) await this.#talking;
    const changing = change();
    // Turns that come meanwhile share it; that it fails is none of their business.
    this.#talking = changing
      .catch(() => undefined)
      .finally(() => {
        this.#talking = undefined;
        this.#reach.askAgain();
        this.wake();
      });
    await Promise.all([changing, this.#talking]);
  }

  /** Callers that come during a turn share it. */
  #turn(now: UnixSeconds): Promise<void> {
    this.#talking ??= this.#talk(now).finally(() => {
      this.#talking = undefined;
    });
    return this.#talking;
  }

  async #talk(now: UnixSeconds): Promise<void> {
    if (this.#isStopped) return;
    const isAsked = now >= this.#reach.retryAt;
    const isChanged = isAsked && (await this.#attempt(now, () => this.#parts.server.refresh(now))) === true;
    // Events go on without their server.
    const isMoved = await this.#managed.step(() => this.serverNow());
    if (isChanged || isMoved) this.#parts.onChange();
    let retry: number | undefined;
    if (isAsked && !this.#reach.isLost) {
      await this.#attempt(now, async () => {
        retry = await this.#tell(now);
      });
    }
    this.#setAlarm(now, retry);
  }

  #attempt<Result>(now: UnixSeconds, talk: () => Promise<Result>): Promise<Result | undefined> {
    return this.#reach.attempt(now, talk, () => this.#parts.server.refusal);
  }

  /** Responses, reports, LogEvents and subscriptions. Answers when to come again for responses that wait. */
  async #tell(now: UnixSeconds): Promise<number | undefined> {
    const { connection, server, devices, queue, subscriptions, ownLfdi } = this.#parts;
    const retry = await queue.drain(now);
    await this.#managed.tell(connection, now);
    if (subscriptions !== undefined) {
      const [first] = devices.values();
      const own = server.endDevice(ownLfdi()) ?? first?.view?.endDevice;
      await subscriptions.keep(connection, server.nodes, own?.SubscriptionListLink?.href, now);
    }
    const reason = await this.#managed.leaveWrongPins(connection, server, this.serverNow());
    if (reason !== undefined) {
      this.#isStopped = true;
      this.#stopReason = reason;
    }
    return retry;
  }

  #setAlarm(now: UnixSeconds, retry: number | undefined): void {
    if (this.#isStopped) {
      this.#alarm.set(undefined);
      return;
    }
    const { devices, server, subscriptions } = this.#parts;
    const { isLost, retryAt } = this.#reach;
    const due: number[] = [];
    for (const managed of devices.values()) {
      if (managed.nextStep !== undefined) due.push(managed.nextStep - server.timeOffset);
      if (!isLost) due.push(managed.nextReport());
    }
    if (isLost) due.push(retryAt);
    else {
      const others = [retry, subscriptions?.nextDue()].filter((at) => at !== undefined);
      due.push(server.nextDue(), ...others);
    }
    const next = Math.min(...due);
    this.#alarm.set(next === Number.POSITIVE_INFINITY ? undefined : Math.max(next, now + 1));
  }
}
