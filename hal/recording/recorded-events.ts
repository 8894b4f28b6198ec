/** Something that was recorded at a time. */
export interface RecordedAt {
  /** Milliseconds since the recording began. */
  readonly ms: number;
}

/**
 * What is asked again within so many milliseconds of the time at which it was recorded is the same: half of the
 * shortest period at which boards sample.
 */
const withinMs = 500;

/** What was recorded, by what was asked, to be given once each: the same question at the same time, the same answer. */
export class RecordedEvents<T extends RecordedAt> {
  readonly #byKey = new Map<string, { readonly events: T[]; next: number }>();

  /** Events are added in the order of their time. */
  add(key: string, event: T): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, { events: [event], next: 0 });
    else known.events.push(event);
  }

  /** The next event of a key, when it was recorded about now; those that nobody asked for in their time are passed over. */
  take(key: string, nowMs: number): T | undefined {
    const known = this.#byKey.get(key);
    if (known === undefined) return undefined;
    const { events } = known;
    while ((events[known.next]?.ms ?? Infinity) < nowMs - withinMs) known.next++;
    const event = events[known.next];
    if (event === undefined || event.ms > nowMs + withinMs) return undefined;
    known.next++;
    return event;
  }

  /** The newest event of a key that was recorded before now, given or not. */
  newest(key: string, nowMs: number): T | undefined {
    const { events = [] } = this.#byKey.get(key) ?? {};
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (events[middle]!.ms <= nowMs) low = middle + 1;
      else high = middle;
    }
    return events[low - 1];
  }
}
