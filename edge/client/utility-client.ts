import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { seedOf } from '#hal/random.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Schedule } from '#ieee2030_5/events/schedule.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { FlowReservationResponseList, MirrorUsagePoint } from '#ieee2030_5/types.generated.ts';
import type { OutboxFile } from '../outbox-file.ts';
import { ClientFile } from './client-file.ts';
import type { Connection } from './connection.ts';
import { Conversation } from './conversation.ts';
import type { Resources } from './discovery.ts';
import { EventLife, type Participation } from './event-life.ts';
import { Extension } from './extension.ts';
import { type LoggedEvent, LogEvents } from './log-events.ts';
import { Managed } from './managed.ts';
import { type ManagedDevice, type RegistrationState } from './registration.ts';
import type { DeviceReports } from './reports.ts';
import { ResponseQueue } from './response-queue.ts';
import { ServerView } from './server-view.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { UtilityView } from './utility-view.ts';

export interface UtilityClientOptions {
  readonly clock: Clock;
  /** Of the identity that the client is given; with a foreign utility a fixed one that does not expire. */
  readonly connection: Connection;
  /** `https://host:port/dcap`, or without a path: then CSIP-AUS's well-known file is asked, and else /dcap. */
  readonly serverUrl: string;
  /** Of the client's certificate. */
  readonly lfdi: Lfdi;
  /** The devices that it stands for: itself (direct), or those of an aggregator. Default: itself, without a PIN. */
  readonly devices?: readonly ManagedDevice[];
  /** `in band`: devices that the server does not know are POSTed to its EndDeviceList. Default `out of band`: wait. */
  readonly registration?: 'in band' | 'out of band';
  readonly outboxFile: OutboxFile;
  /** Under which name this client keeps its things in the file. */
  readonly board: string;
  readonly subscriptions?: Subscriptions;
  readonly seed: number;
  readonly log: Log;
}

/** Called after something of a device's view, schedule or registration may have changed. */
export type ViewListener = (lfdi: Lfdi) => void;

/**
 * The client of one 2030.5 server (IEEE 2030.5-2018, CSIP v2.1, CSIP-AUS 1.3): finds its resources by links, keeps
 * them current, lives its events and answers them, and tells the server of its devices. What it knows survives a
 * restart without the server: events that were received run to their end, and defaults follow.
 */
export class UtilityClient implements AsyncDisposable {
  readonly #options: UtilityClientOptions;
  readonly #file: ClientFile;
  readonly #queue: ResponseQueue;
  readonly #devices: Map<Lfdi, Managed>;
  /** Of the certificate in use. */
  #lfdi: Lfdi;
  readonly #server: ServerView;
  readonly #extension: Extension;
  readonly #conversation: Conversation;
  readonly #listeners = new Set<ViewListener>();

  constructor(options: UtilityClientOptions) {
    const { clock, connection, outboxFile, board, log, lfdi, serverUrl } = options;
    this.#options = options;
    const seed = seedOf(options.seed, board);
    const file = new ClientFile(outboxFile, board);
    this.#file = file;
    this.#lfdi = lfdi;
    this.#belongTo(lfdi);
    this.#queue = new ResponseQueue({ file, connection, seed, log });
    const memory = file.memory();
    this.#devices = new Map(
      (options.devices ?? [{ lfdi }]).map((device) => {
        const drawnBy = device.lfdi === lfdi ? board : device.lfdi;
        const life = new EventLife(device.lfdi, connection.origin, this.#queue, memory, drawnBy);
        return [device.lfdi, new Managed(device, life, new LogEvents(file, device.lfdi, memory))];
      }),
    );
    const isInBand = options.registration === 'in band';
    const devices = this.#devices;
    this.#server = new ServerView({ connection, serverUrl, file, devices, isInBand, seed, log });
    this.#extension = new Extension(connection, file);
    this.#conversation = new Conversation({
      clock,
      connection,
      server: this.#server,
      devices,
      queue: this.#queue,
      subscriptions: options.subscriptions,
      seed,
      log,
      ownLfdi: () => this.#lfdi,
      onChange: () => this.#notify(),
    });
  }

  /** Takes over what an earlier run knew, and talks to the server from the clock's next moment on. */
  async start(): Promise<void> {
    this.#server.restore();
    await this.#conversation.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#conversation[Symbol.asyncDispose]();
  }

  /**
   * Goes over to another certificate of its own device while it runs: `change` takes it into use with the connection,
   * and answers its LFDI. Meanwhile the server is not talked to, and what holds by events that were received holds on.
   * What waits and what is remembered is the new LFDI's from then on; everything is read anew. Rejects as `change`
   * does, and then nothing has changed.
   */
  async become(change: () => Promise<Lfdi>): Promise<void> {
    await this.#conversation.pause(async () => this.#rename(await change()));
  }

  /** Server time: what events are reckoned in. */
  serverNow(): UnixSeconds {
    return this.#conversation.serverNow();
  }

  /** Server time minus the board's, seconds; 0 before the server was reached for the first time. */
  get timeOffset(): number {
    return this.#server.timeOffset;
  }

  /** Whether the server is one of ours, with our extension; `undefined` before it was asked by `resources`. */
  get hasExtension(): boolean | undefined {
    return this.#extension.isOffered;
  }

  /** Responses that wait to be sent. */
  get waitingResponses(): number {
    return this.#queue.size;
  }

  /** Why nothing goes on, if it does not. */
  get lastError(): GridError | undefined {
    return this.#conversation.lastError;
  }

  registration(lfdi: Lfdi = this.#lfdi): RegistrationState {
    return this.#devices.get(lfdi)?.state ?? 'unknown';
  }

  /** What the server has for a device, as it was read last; `undefined` while it is not registered. */
  view(lfdi: Lfdi = this.#lfdi): UtilityView | undefined {
    return this.#devices.get(lfdi)?.view;
  }

  /** What holds for a device's DER now and later, in server time; `undefined` before anything is known. */
  schedule(lfdi: Lfdi = this.#lfdi): Schedule<DERModes> | undefined {
    return this.#devices.get(lfdi)?.life.schedule;
  }

  /** The MirrorUsagePoints that the server has of this client, with the postRates that it wants. */
  mirrorUsagePoints(): readonly MirrorUsagePoint[] {
    return this.#server.mirrorUsagePoints;
  }

  onChange(listener: ViewListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Tells the server of a device: at once where something has changed, else once a period. `der` is the place of the
   * DER in its DERList that the DER documents are of; the device's own go with the first.
   */
  report(reports: DeviceReports, lfdi: Lfdi = this.#lfdi, der = 0): void {
    const managed = this.#devices.get(lfdi);
    if (managed === undefined) return;
    managed.report(reports, der);
    if (managed.view !== undefined) this.#conversation.hasten(managed.nextReport());
  }

  /** The flow reservations that a server has granted: their events are answered where it asks for responses. */
  reserved(list: FlowReservationResponseList, lfdi: Lfdi = this.#lfdi): void {
    const managed = this.#devices.get(lfdi);
    if (managed?.reserve(list, this.#options.connection.origin) === true) this.#conversation.wake();
  }

  /** Tells the server of an alarm, or of another event. Without a server it is kept. */
  logEvent(event: LoggedEvent, lfdi: Lfdi = this.#lfdi): void {
    this.#devices.get(lfdi)?.logEvents.add(event, this.serverNow());
    this.#conversation.wake();
  }

  /** Whether the server was told, in this run or an earlier one, that something holds, and not yet that it is over. */
  isStanding(event: LoggedEvent, lfdi: Lfdi = this.#lfdi): boolean {
    return this.#devices.get(lfdi)?.logEvents.isStanding(event) === true;
  }

  /** Says which events a device does not follow; the responses are due at once. */
  participate(participation: Participation, lfdi: Lfdi = this.#lfdi): void {
    const managed = this.#devices.get(lfdi);
    if (managed === undefined) return;
    managed.participation = participation;
    this.#conversation.wake();
  }

  /**
   * Where a device's readings and reservations go; asks the server while that is not known, whatever the back-off.
   * Rejects with `GTX-SEP-001`, `-002`, with `-004` where the server does not have them, with `-008` after a wrong PIN.
   */
  async resources(lfdi: Lfdi = this.#lfdi): Promise<Resources> {
    if (!this.#server.isKnown || this.view(lfdi) === undefined) {
      await this.#conversation.ask();
      if (this.lastError !== undefined) throw this.lastError;
    }
    const found = this.#server.resources(lfdi);
    return { ...found, offerTerms: await this.#extension.offerTerms() };
  }

  /**
   * Everything is read anew, soon: something that was linked is not there any more. A device that is not registered
   * waits for the next poll.
   */
  rediscover(): void {
    if ([...this.#devices.values()].every(({ view }) => view === undefined)) return;
    const soon = UnixSeconds(this.#options.clock.now() + 1);
    this.#server.expire(soon);
    this.#extension.forget();
    this.#conversation.hasten(soon);
  }

  /** The server answers again, as somebody else has found: there is no need to wait any longer. */
  reached(): void {
    this.#conversation.reached();
  }

  /** At once, so that nothing comes between. */
  #rename(lfdi: Lfdi): void {
    const own = this.#devices.get(this.#lfdi);
    if (lfdi === this.#lfdi) return;
    const isCarriedOver = this.#belongTo(lfdi);
    if (own !== undefined) {
      this.#devices.delete(this.#lfdi);
      this.#devices.set(lfdi, own);
      own.rename(lfdi);
    }
    this.#lfdi = lfdi;
    this.#server.reopen(isCarriedOver);
  }

  /** Whether the file is this LFDI's. What a full disk keeps from being carried over is so by the next start. */
  #belongTo(lfdi: Lfdi): boolean {
    try {
      this.#file.belongTo(lfdi);
      return true;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      const { log } = this.#options;
      log.error({ lfdi, reason: error.describe() }, 'what is kept of the device stays under its old LFDI');
      return false;
    }
  }

  #notify(): void {
    for (const lfdi of this.#devices.keys()) for (const listener of this.#listeners) listener(lfdi);
  }
}
