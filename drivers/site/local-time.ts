const slotSeconds = 900;

/**
 * Local wall time of one time zone. `Intl` is slow, so the offset is kept for the quarter of an hour it was asked
 * for; no zone changes its offset within one.
 */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat;
  #slot = Number.NaN;
  #offset = 0;

  /** @throws RangeError when `timeZone` is not an IANA name. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /**
   * Seconds since 1970-01-01T00:00 on the wall clock of the place: the calendar of the place by plain arithmetic
   * (`/ 86400` is the local day, `% 86400` the local second of it).
   */
  localSeconds(time: number): number {
    const slot = Math.floor(time / slotSeconds);
    if (slot !== this.#slot) {
      this.#offset = this.#offsetAt(slot * slotSeconds);
      this.#slot = slot;
    }
    return time + this.#offset;
  }

  #offsetAt(time: number): number {
    const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of this.#format.formatToParts(time * 1000)) {
      if (type in part) part[type as keyof typeof part] = Number(value);
    }
    const local = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) / 1000;
    return local - time;
  }
}

const byZone = new Map<string, LocalTime>();

/** The shared `LocalTime` of a zone (an `Intl` formatter is too large to have one a building). */
export function localTimeOf(timeZone: string): LocalTime {
  let local = byZone.get(timeZone);
  if (local === undefined) {
    local = new LocalTime(timeZone);
    byZone.set(timeZone, local);
  }
  return local;
}
