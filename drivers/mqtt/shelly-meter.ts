import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import type { MqttLink } from '#hal/ports.ts';
import { type UnixSeconds } from '#hal/units.ts';
import { deadline } from '#hal/wall.ts';
import type { ClampFrame, SiteMeter } from '../capabilities.ts';
import { EnergyGuard } from '../meter/energy-guard.ts';
import { calibrated, type ClampCalibration } from '../ct/clamp-calibration.ts';
import { channelOf, filtersOf, parseShelly, shellyChannels, type ShellyForm } from './shelly-messages.ts';

export interface ShellyOptions {
  readonly form: ShellyForm;
  /** The first part of its topics: `shellies/shellyem3-C45BBE6AB0E3`, or its MQTT prefix. */
  readonly prefix: string;
  /** Clamps in use, 1 to 3. */
  readonly channels: number;
  /** By clamp, the first first. */
  readonly clamps?: readonly ClampCalibration[];
}

interface Channel {
  powerW: number | undefined;
  powerAt: number;
  volts: number | undefined;
  readonly energies: { readonly import: Register; readonly export: Register };
}

interface Register {
  /** As it was last believed. */
  wh: number | undefined;
  /** It was heard live. */
  isLive: boolean;
  readonly guard: EnergyGuard;
}

const newRegister = (): Register => ({ wh: undefined, isLive: false, guard: new EnergyGuard(greatestClampW) });

interface Waiter {
  readonly after: number;
  readonly resolve: (frame: ClampFrame) => void;
  readonly reject: (error: GridError) => void;
  readonly limit: Disposable;
}

/**
 * A power is good for so many seconds: devices tell it when it changes, and at least every 10 to 30 s. Energy is told
 * once a minute and counts on by itself.
 */
const freshSeconds = 35;
const maxWaiters = 16;
/** More than a clamp of 400 A carries. */
const greatestClampW = 100_000;

/**
 * A Shelly energy meter at an MQTT broker. What the broker had kept is not taken for fresh: nobody knows how old it
 * is: a power must have been heard live of every clamp, and a kept energy counts only until one was heard. A register
 * that falls or leaps (a message that comes twice, a meter that was exchanged) is believed when it is told again.
 *
 * Errors: `GTX-MQT-001` no broker · `002` no message in time · `003` closed · `004` too many wait.
 */
export class ShellyMeter implements SiteMeter {
  readonly sendsByItself = true;
  readonly #link: MqttLink;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #options: ShellyOptions;
  readonly #channels: Channel[];
  #waiters: Waiter[] = [];
  #message = 0;
  #newest: ClampFrame | undefined;
  #refused = 0;
  #lastRefusal = '';
  #subscribed: Promise<void> | undefined;
  #isClosed = false;

  constructor(link: MqttLink, clock: Pick<Clock, 'now'>, options: ShellyOptions) {
    this.#link = link;
    this.#clock = clock;
    this.#options = options;
    this.#channels = Array.from({ length: shellyChannels }, () => ({
      powerW: undefined,
      powerAt: Number.NEGATIVE_INFINITY,
      volts: undefined,
      energies: { import: newRegister(), export: newRegister() },
    }));
  }

  /** Messages that made no sense since the start. */
  get refusedMessages(): number {
    return this.#refused;
  }

  /** Connects and subscribes; may be called again after it failed. */
  start(): Promise<void> {
    this.#subscribed ??= this.#subscribe().catch((error: unknown) => {
      this.#subscribed = undefined;
      throw error;
    });
    return this.#subscribed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#failAll(this.#closedError());
    await this.#link[Symbol.asyncDispose]();
  }

  async frameAfter(asked: UnixSeconds, timeoutMs: number): Promise<ClampFrame> {
    if (this.#isClosed) throw this.#closedError();
    await this.start();
    const now = this.#clock.now();
    // A clock that was set back: what it stamped before is of no use.
    const after = asked > now ? now - 1 : asked;
    const newest = this.#newest;
    if (newest !== undefined && newest.receivedAt > after && newest.receivedAt <= now) return newest;
    if (this.#waiters.length >= maxWaiters) {
      throw new GridError('GTX-MQT-004', `More than ${maxWaiters} wait for ${this.#options.prefix}`);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        after,
        resolve,
        reject,
        limit: deadline(timeoutMs, () => {
          this.#waiters = this.#waiters.filter((each) => each !== waiter);
          reject(this.#silence(timeoutMs));
        }),
      };
      this.#waiters.push(waiter);
    });
  }

  async #subscribe(): Promise<void> {
    const { form, prefix } = this.#options;
    try {
      await this.#link.start();
      for (const filter of filtersOf(form, prefix)) {
        await this.#link.subscribe(filter, (topic, payload, isRetained) => this.#take(topic, payload, isRetained));
      }
    } catch (error) {
      throw new GridError('GTX-MQT-001', `No connection to the broker of ${prefix} on ${this.#link.name}`, {
        hint: 'Check that the broker runs, its address and password, and that the Shelly has MQTT switched on.',
        cause: error,
      });
    }
  }

  #take(topic: string, payload: Buffer, isRetained: boolean): void {
    if (this.#isClosed) return;
    const { form, prefix } = this.#options;
    const values = parseShelly(form, prefix, topic, payload);
    if (typeof values === 'string') {
      this.#refused++;
      this.#lastRefusal = values;
      return;
    }
    let isNew = false;
    for (const { channel, quantity, value } of values) {
      const state = this.#channels[channel]!;
      if (quantity === 'import' || quantity === 'export') this.#count(state.energies[quantity], value, isRetained);
      else if (quantity === 'voltage') state.volts = value;
      else if (!isRetained) {
        state.powerW = value;
        state.powerAt = this.#clock.now();
        isNew = true;
      }
    }
    if (isNew) this.#offer();
  }

  #count(register: Register, wh: number, isRetained: boolean): void {
    if (isRetained && register.isLive) return;
    register.isLive ||= !isRetained;
    register.wh = register.guard.takeFirst(wh, this.#clock.now()) ?? register.wh;
  }

  /** A frame is made of a new power and what the other clamps told last, while that is fresh. */
  #offer(): void {
    const now = this.#clock.now();
    const used = this.#channels.slice(0, this.#options.channels);
    const channels = used.flatMap(({ powerW, powerAt, energies }, i) => {
      const [importWh, exportWh] = [energies.import.wh, energies.export.wh];
      const isFresh = powerAt <= now && now - powerAt <= freshSeconds;
      if (powerW === undefined || importWh === undefined || exportWh === undefined || !isFresh) return [];
      return [calibrated(channelOf(powerW, importWh, exportWh), this.#options.clamps?.[i])];
    });
    const voltsRms = used[0]?.volts;
    if (channels.length < used.length || voltsRms === undefined) return;
    const frame: ClampFrame = { receivedAt: now, message: ++this.#message, voltsRms, channels };
    this.#newest = frame;
    const served = this.#waiters.filter(({ after }) => now > after);
    this.#waiters = this.#waiters.filter(({ after }) => now <= after);
    for (const { limit, resolve } of served) {
      limit[Symbol.dispose]();
      resolve(frame);
    }
  }

  #failAll(error: GridError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { limit, reject } of waiters) {
      limit[Symbol.dispose]();
      reject(error);
    }
  }

  #silence(timeoutMs: number): GridError {
    const noise =
      this.#refused === 0 ? '' : `; ${this.#refused} messages made no sense, the last: ${this.#lastRefusal}`;
    const away = this.#link.isConnected ? '' : `; ${this.#link.name} is away`;
    const what = `Nothing new of ${this.#options.prefix} within ${timeoutMs} ms${away}${noise}`;
    return new GridError('GTX-MQT-002', what, {
      hint: 'Check the topic prefix, that the meter is online and that it publishes its status over MQTT.',
    });
  }

  #closedError(): GridError {
    return new GridError('GTX-MQT-003', `The meter ${this.#options.prefix} is closed`);
  }
}
