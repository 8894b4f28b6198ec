import { GridError } from '../errors.ts';
import type { GpioChip, I2cBus, MqttLink, SpiDevice } from '../ports.ts';
import { type AskedCall, type CallValue, parseBody, plainOf, type ToldEvent, valueOf } from './calls.ts';
import type { RecordedFrame } from './frame.ts';
import type { RecordedPort } from './header.ts';
import { type RecordedAt, RecordedEvents } from './recorded-events.ts';
import { failureAgain, msOf, type Timeline } from './replayed-bytes.ts';

/** What was recorded, with its place. */
type Timed<T> = T & RecordedAt & { readonly place: number };

const keyOf = (call: string, args: readonly unknown[]): string => JSON.stringify([call, args]);

/**
 * The calls of a port, answered as they were: the same call at about the same time gets the same answer after the same
 * time; another one gets at once what was answered last.
 */
class RecordedCalls {
  readonly #name: string;
  readonly #timeline: Timeline;
  readonly #calls = new RecordedEvents<Timed<AskedCall>>();
  readonly #told: Timed<ToldEvent>[] = [];
  readonly #listeners = new Map<string, Set<(args: readonly CallValue[]) => void>>();

  constructor(name: string, frames: readonly RecordedFrame[], timeline: Timeline) {
    this.#name = name;
    this.#timeline = timeline;
    const calls: Timed<AskedCall>[] = [];
    for (const frame of frames) {
      const { place } = frame;
      const call = frame.kind === 'asked' ? parseBody('asked', frame.body) : undefined;
      if (call !== undefined) calls.push({ ...call, place, ms: msOf(frame) - call.us / 1000 });
      const event = frame.kind === 'told' ? parseBody('told', frame.body) : undefined;
      if (event !== undefined) this.#told.push({ ...event, place, ms: msOf(frame) });
    }
    // A frame stands where the call ended.
    for (const call of calls.toSorted((a, b) => a.number - b.number))
      this.#calls.add(keyOf(call.call, call.args), call);
    this.#schedule(0);
  }

  async ask(call: string, args: readonly CallValue[]): Promise<CallValue | undefined> {
    const now = this.#timeline.monotonicMs();
    const key = keyOf(call, args.map(plainOf));
    const recorded = this.#calls.take(key, now);
    const { ms, us, place, answer, failure } = recorded ?? this.#calls.newest(key, now) ?? this.#unknown(call);
    if (recorded !== undefined && us > 0) {
      // No later than it was: what followed is about to follow.
      const doneMs = Math.min(now, ms) + us / 1000;
      await new Promise<void>((resolve) => void this.#timeline.at(doneMs, resolve, place));
    }
    if (failure !== undefined) throw failureAgain(failure);
    return answer === undefined ? undefined : valueOf(answer);
  }

  on(event: string, listener: (args: readonly CallValue[]) => void): Disposable {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return { [Symbol.dispose]: () => listeners.delete(listener) };
  }

  #unknown(call: string): never {
    const hint = 'The program asks its devices for something else than when it was recorded: record again.';
    throw new GridError('GTX-REC-007', `${this.#name}: the recording has no ${call} like this`, { hint });
  }

  #schedule(place: number): void {
    const told = this.#told[place];
    if (told === undefined) return;
    const again = (): void => {
      for (const listener of this.#listeners.get(told.event) ?? []) listener(told.args.map(valueOf));
      this.#schedule(place + 1);
    };
    this.#timeline.at(told.ms, again, told.place);
  }
}

const nothing = (): Promise<void> => Promise.resolve();
const bytesOf = (value: CallValue | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

export function replayedSpi({ name }: RecordedPort, frames: readonly RecordedFrame[], timeline: Timeline): SpiDevice {
  const calls = new RecordedCalls(name, frames, timeline);
  return {
    name,
    start: async () => void (await calls.ask('start', [])),
    transfer: async (sent) => bytesOf(await calls.ask('transfer', [sent])),
    [Symbol.asyncDispose]: nothing,
  };
}

export function replayedI2c({ name }: RecordedPort, frames: readonly RecordedFrame[], timeline: Timeline): I2cBus {
  const calls = new RecordedCalls(name, frames, timeline);
  return {
    name,
    start: async () => void (await calls.ask('start', [])),
    transfer: async (address, sent, length) => bytesOf(await calls.ask('transfer', [address, sent, length])),
    [Symbol.asyncDispose]: nothing,
  };
}

export function replayedGpio({ name }: RecordedPort, frames: readonly RecordedFrame[], timeline: Timeline): GpioChip {
  const calls = new RecordedCalls(name, frames, timeline);
  const line = (number: number) => ({
    name: `${name} ${number}`,
    start: async () => void (await calls.ask('start', [number])),
    [Symbol.asyncDispose]: nothing,
  });
  return {
    name,
    output: ({ line: number }) => ({
      ...line(number),
      set: async (isActive) => void (await calls.ask('set', [number, isActive])),
    }),
    input: ({ line: number }) => ({
      ...line(number),
      read: async () => (await calls.ask('read', [number])) === true,
      onChange: (listener) =>
        calls.on('change', ([changed, isActive]) => {
          if (changed === number) listener(isActive === true);
        }),
    }),
  };
}

export function replayedMqtt({ name }: RecordedPort, frames: readonly RecordedFrame[], timeline: Timeline): MqttLink {
  const calls = new RecordedCalls(name, frames, timeline);
  let isConnected = false;
  return {
    name,
    get isConnected() {
      return isConnected;
    },
    start: async () => {
      await calls.ask('start', []);
      isConnected = true;
    },
    publish: async (topic, payload, options) =>
      void (await calls.ask('publish', [topic, payload, options?.isRetained === true])),
    subscribe: async (filter, listener) => {
      calls.on('message', ([subscribed, topic, payload, isRetained]) => {
        if (subscribed === filter) listener(String(topic), bytesOf(payload), isRetained === true);
      });
      await calls.ask('subscribe', [filter]);
    },
    onConnect: (listener) => calls.on('connect', () => listener()),
    [Symbol.asyncDispose]: nothing,
  };
}
