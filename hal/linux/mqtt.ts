import { readFileSync } from 'node:fs';
import type { MqttClient } from 'mqtt';
import { GridError, reasonOf } from '../errors.ts';
import { isMatch } from '../mqtt-topic.ts';
import type { PortSpecOf } from '../port-file.ts';
import type { MqttLink } from '../ports.ts';
import { deadline } from '../wall.ts';

const connectTimeoutMs = 5000;
const reconnectMs = 2000;
const keepAliveSeconds = 30;
/** Messages that the broker has not taken yet; more are refused. */
const maxUnderWay = 64;

type Listener = (topic: string, payload: Buffer, isRetained: boolean) => void;

/**
 * A connection to an MQTT 3.1.1 broker. Its session is clean: subscriptions are made anew after a loss, and what the
 * broker could not deliver meanwhile is gone.
 */
export class MqttConnection implements MqttLink {
  readonly name: string;
  readonly #spec: PortSpecOf<'mqtt'>;
  readonly #subscriptions = new Map<string, Set<Listener>>();
  readonly #onConnect = new Set<() => void>();
  #client: MqttClient | undefined;
  #starting: Promise<void> | undefined;
  #underWay = 0;

  constructor(spec: PortSpecOf<'mqtt'>) {
    this.name = `mqtt ${spec.mqtt}`;
    this.#spec = spec;
  }

  get isConnected(): boolean {
    return this.#client?.connected === true;
  }

  /** Rejects with `GTX-HAL-011` when the broker does not take the first connection; the next call tries again. */
  start(): Promise<void> {
    if (this.#client !== undefined) return Promise.resolve();
    this.#starting ??= this.#connect().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Rejects with `GTX-HAL-012` while there is no connection, or when it is lost before the broker has answered. */
  async publish(topic: string, payload: string, options: { readonly isRetained?: boolean } = {}): Promise<void> {
    const client = this.#connected(`publishing to ${topic}`);
    if (this.#underWay >= maxUnderWay) throw this.#notConnected(`publishing to ${topic}: ${maxUnderWay} wait already`);
    this.#underWay++;
    const lost = Promise.withResolvers<never>();
    const onClose = (): void => lost.reject(this.#notConnected(`publishing to ${topic}: the connection was lost`));
    client.once('close', onClose);
    try {
      const sent = client.publishAsync(topic, payload, { qos: 1, retain: options.isRetained === true });
      await Promise.race([sent, lost.promise]);
    } catch (error) {
      if (error instanceof GridError) throw error;
      throw this.#notConnected(`publishing to ${topic}: ${reasonOf(error)}`, error);
    } finally {
      client.off('close', onClose);
      this.#underWay--;
    }
  }

  /** Rejects with `GTX-HAL-012` while there is no connection. */
  async subscribe(filter: string, listener: Listener): Promise<void> {
    const client = this.#connected(`subscribing to ${filter}`);
    try {
      await client.subscribeAsync(filter, { qos: 1 });
    } catch (error) {
      throw this.#notConnected(`subscribing to ${filter}: ${reasonOf(error)}`, error);
    }
    const listeners = this.#subscriptions.get(filter) ?? new Set();
    this.#subscriptions.set(filter, listeners.add(listener));
  }

  onConnect(listener: () => void): Disposable {
    this.#onConnect.add(listener);
    return { [Symbol.dispose]: () => this.#onConnect.delete(listener) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#starting?.catch(() => undefined);
    const client = this.#client;
    this.#client = undefined;
    await client?.endAsync(true);
  }

  async #connect(): Promise<void> {
    const { connect } = await import('mqtt');
    const { user, passwordFile } = this.#spec;
    const client = connect(`mqtt://${this.#spec.mqtt}`, {
      protocolVersion: 4,
      clean: true,
      resubscribe: true,
      reconnectPeriod: reconnectMs,
      connectTimeout: connectTimeoutMs,
      keepalive: keepAliveSeconds,
      queueQoSZero: false,
      ...(user === undefined ? {} : { username: user }),
      ...(passwordFile === undefined ? {} : { password: readPassword(this.name, passwordFile) }),
    });
    const first = Promise.withResolvers<void>();
    client.on('connect', () => {
      this.#client = client;
      first.resolve();
      for (const listener of this.#onConnect) listener();
    });
    // Later errors are told by `isConnected`; the client tries again by itself.
    client.on('error', (error) => first.reject(error));
    client.on('message', (topic, payload, { retain }) => this.#take(topic, payload, retain));
    using _limit = deadline(connectTimeoutMs, () => first.reject(new Error(`no answer within ${connectTimeoutMs} ms`)));
    try {
      await first.promise;
    } catch (error) {
      await client.endAsync(true);
      throw new GridError('GTX-HAL-011', `Cannot connect to ${this.name}: ${reasonOf(error)}`, {
        hint: 'Check the address of the broker, its user and password, and that it listens beyond its own machine.',
        cause: error,
      });
    }
  }

  #take(topic: string, payload: Buffer, isRetained: boolean): void {
    for (const [filter, listeners] of this.#subscriptions) {
      if (!isMatch(filter, topic)) continue;
      for (const listener of listeners) listener(topic, payload, isRetained);
    }
  }

  #connected(what: string): MqttClient {
    if (this.#client?.connected === true) return this.#client;
    throw this.#notConnected(`${what}: there is no connection`);
  }

  #notConnected(what: string, cause?: unknown): GridError {
    const hint = 'It comes back by itself when the broker does.';
    return new GridError('GTX-HAL-012', `${this.name}, ${what}`, { hint, cause });
  }
}

function readPassword(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new GridError('GTX-HAL-011', `${name}: the password file ${file} cannot be read: ${reasonOf(error)}`, {
      hint: 'Check the path and that the program may read it.',
      kind: 'input',
      cause: error,
    });
  }
}
