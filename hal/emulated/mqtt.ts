import { GridError } from '../errors.ts';
import { isMatch } from '../mqtt-topic.ts';
import type { MqttLink } from '../ports.ts';

type Listener = (topic: string, payload: Buffer, isRetained: boolean) => void;

/** Topics whose last message is kept; the broker refuses more. */
const maxRetained = 1000;

/** An MQTT broker in this process, as far as `MqttLink` can tell: topics, filters, retained messages, and outages. */
export class EmulatedBroker {
  readonly #links = new Set<EmulatedLink>();
  readonly #retained = new Map<string, Buffer>();
  #isUp = true;

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Takes the broker away, or brings it back; links come back by themselves. */
  set isUp(isUp: boolean) {
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    if (isUp) for (const link of this.#links) link.reconnected();
  }

  link(name: string): MqttLink {
    return new EmulatedLink(this, `mqtt ${name} (emulated)`);
  }

  /** What a device on the network publishes. */
  publish(topic: string, payload: string, isRetained = false): void {
    const message = Buffer.from(payload);
    if (isRetained) {
      this.#retained.set(topic, message);
      if (this.#retained.size > maxRetained) throw new RangeError(`more than ${maxRetained} retained topics`);
    }
    for (const link of this.#links) link.take(topic, message);
  }

  /** The retained messages that a filter names. */
  retained(filter: string): (readonly [string, Buffer])[] {
    return [...this.#retained].filter(([topic]) => isMatch(filter, topic));
  }

  join(link: EmulatedLink): void {
    this.#links.add(link);
  }

  leave(link: EmulatedLink): void {
    this.#links.delete(link);
  }
}

class EmulatedLink implements MqttLink {
  readonly name: string;
  readonly #broker: EmulatedBroker;
  readonly #subscriptions = new Map<string, Set<Listener>>();
  readonly #onConnect = new Set<() => void>();
  #isStarted = false;

  constructor(broker: EmulatedBroker, name: string) {
    this.#broker = broker;
    this.name = name;
  }

  get isConnected(): boolean {
    return this.#isStarted && this.#broker.isUp;
  }

  async start(): Promise<void> {
    if (this.#isStarted) return;
    if (!this.#broker.isUp) throw new GridError('GTX-HAL-011', `Cannot connect to ${this.name}: it is made to be away`);
    this.#isStarted = true;
    this.#broker.join(this);
    for (const listener of this.#onConnect) listener();
  }

  async publish(topic: string, payload: string, options: { readonly isRetained?: boolean } = {}): Promise<void> {
    this.#check(`publishing to ${topic}`);
    this.#broker.publish(topic, payload, options.isRetained === true);
  }

  async subscribe(filter: string, listener: Listener): Promise<void> {
    this.#check(`subscribing to ${filter}`);
    const listeners = this.#subscriptions.get(filter) ?? new Set();
    this.#subscriptions.set(filter, listeners.add(listener));
    for (const [topic, payload] of this.#broker.retained(filter)) listener(topic, payload, true);
  }

  onConnect(listener: () => void): Disposable {
    this.#onConnect.add(listener);
    return { [Symbol.dispose]: () => this.#onConnect.delete(listener) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStarted = false;
    this.#broker.leave(this);
  }

  take(topic: string, payload: Buffer): void {
    if (!this.isConnected) return;
    for (const [filter, listeners] of this.#subscriptions) {
      if (!isMatch(filter, topic)) continue;
      for (const listener of listeners) listener(topic, payload, false);
    }
  }

  /** Subscriptions are made anew, and with them what is retained comes again. */
  reconnected(): void {
    for (const listener of this.#onConnect) listener();
    for (const [filter, listeners] of this.#subscriptions) {
      for (const [topic, payload] of this.#broker.retained(filter)) {
        for (const listener of listeners) listener(topic, payload, true);
      }
    }
  }

  #check(what: string): void {
    if (!this.isConnected) throw new GridError('GTX-HAL-012', `${this.name}, ${what}: there is no connection`);
  }
}
