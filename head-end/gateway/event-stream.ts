import { deadline, everyWall } from '#hal/wall.ts';

/** One listener's end of the stream: an HTTP response, or a test's list. */
export interface EventSink {
  /** False when what was written waits in memory for a slow reader; `onDrain` follows once it went out. */
  write(text: string): boolean;
  /** Sends what waits, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
}

export interface EventStreamOptions {
  /** The newest state as one line of JSON. */
  readonly data: () => string;
  /** Listeners at the same time; 64 unless told. */
  readonly maxClients?: number;
  /** Least distance of two snapshots to one listener, wall milliseconds; 500 unless told. */
  readonly minIntervalMs?: number;
  /** Wall milliseconds between two signs of life; 15,000 unless told. A listener that is stuck for two is dropped. */
  readonly heartbeatMs?: number;
}

/** What one listener gets of a state that all get alike; undefined ends the stream. */
export type View = (all: () => string) => string | undefined;

interface Client {
  readonly sink: EventSink;
  readonly view: View;
  /** There is a state which this listener has not seen. */
  stale: boolean;
  /** Its last write still waits in memory. */
  blocked: boolean;
  missedHeartbeats: number;
  /** Runs while it is too early for another snapshot. */
  pause: Disposable | undefined;
}

/**
 * Server-sent events (HTML Living Standard, 9.2) of one kind, `snapshot`: each is the whole state, so a listener that
 * is slow or paused skips the states in between and nothing queues up. The sign of life is a comment and an event
 * `heartbeat` (scripts cannot see a comment).
 */
export class EventStream implements Disposable {
  readonly #clients = new Set<Client>();
  readonly #data: () => string;
  readonly #maxClients: number;
  readonly #minIntervalMs: number;
  readonly #heartbeatMs: number;
  #heartbeat: Disposable | undefined;
  #text: string | undefined;
  #closed = false;

  constructor(options: EventStreamOptions) {
    this.#data = options.data;
    this.#maxClients = options.maxClients ?? 64;
    this.#minIntervalMs = options.minIntervalMs ?? 500;
    this.#heartbeatMs = options.heartbeatMs ?? 15_000;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Whether another listener may join. */
  get hasRoom(): boolean {
    return !this.#closed && this.#clients.size < this.#maxClients;
  }

  /** Adds a listener and sends it the present state, or its view of it. Ask `hasRoom` first; without room it throws a RangeError. */
  add(sink: EventSink, view: View = (all) => all()): void {
    if (!this.hasRoom) throw new RangeError('no room for another listener');
    const client: Client = { sink, view, stale: true, blocked: false, missedHeartbeats: 0, pause: undefined };
    this.#clients.add(client);
    sink.onClose(() => this.#remove(client));
    sink.onDrain(() => {
      client.blocked = false;
      client.missedHeartbeats = 0;
      this.#send(client);
    });
    this.#heartbeat ??= everyWall(this.#heartbeatMs, () => this.#beat());
    // The browser's own wait before it connects again, milliseconds.
    client.blocked = !sink.write('retry: 1000\n\n');
    this.#send(client);
  }

  /** The state has changed: every listener gets it as soon as its turn comes. */
  changed(): void {
    this.#text = undefined;
    for (const client of this.#clients) {
      client.stale = true;
      this.#send(client);
    }
  }

  /** Ends every listener's stream; none may join afterwards. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const client of this.#clients) {
      this.#remove(client);
      client.sink.end();
    }
  }

  #send(client: Client): void {
    if (!client.stale || client.blocked || client.pause !== undefined || !this.#clients.has(client)) return;
    const state = client.view(() => {
      this.#text ??= this.#data();
      return this.#text;
    });
    if (state === undefined) {
      this.#remove(client);
      client.sink.end();
      return;
    }
    client.stale = false;
    client.pause = deadline(this.#minIntervalMs, () => {
      client.pause = undefined;
      this.#send(client);
    });
    client.blocked = !client.sink.write(`event: snapshot\ndata: ${state}\n\n`);
  }

  #beat(): void {
    for (const client of this.#clients) {
      if (!client.blocked) {
        client.blocked = !client.sink.write(': heartbeat\nevent: heartbeat\ndata: 1\n\n');
        continue;
      }
      client.missedHeartbeats += 1;
      if (client.missedHeartbeats < 2) continue;
      this.#remove(client);
      client.sink.destroy();
    }
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    client.pause?.[Symbol.dispose]();
    client.pause = undefined;
    if (this.#clients.size > 0) return;
    this.#heartbeat?.[Symbol.dispose]();
    this.#heartbeat = undefined;
  }
}
