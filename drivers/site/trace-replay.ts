/** Measured power by steps of equal length: row i holds from i·step until (i + 1)·step, so its energy is kept. */
export interface Trace {
  /** Integer W. */
  readonly rowsW: Int32Array;
  readonly stepSeconds: number;
  /** Local seconds (see `LocalTime`) of the first row; of 1970-01-01 when the rows have no date. */
  readonly start: number;
  readonly isDated: boolean;
}

const daySeconds = 86_400;
const mod = (value: number, period: number): number => ((value % period) + period) % period;

/** Day of the month, 1 to 31, of a local day number. */
const dayOfMonth = (localDay: number): number => new Date(localDay * daySeconds * 1000).getUTCDate();

/**
 * The row that a trace gives for a local second. It depends on nothing else, so that a campus that stops and goes on
 * sees the same rows:
 * - a date that the trace covers gives the row of that date;
 * - any other date gives the row of the same day of the month and time of day; a trace of fewer days repeats from
 *   its first, in whole days, so that noon stays noon;
 * - a trace shorter than a day repeats from the time of day of its first row.
 */
export class TraceReplay {
  readonly #trace: Trace;
  readonly #length: number;
  readonly #wholeDays: number;
  #day = Number.NaN;
  /** Seconds from the trace's first row to the local midnight of `#day`, on the day of the month. */
  #midnight = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#length = trace.rowsW.length * trace.stepSeconds;
    this.#wholeDays = Math.floor(this.#length / daySeconds) * daySeconds;
  }

  /** Integer W at local seconds. */
  powerW(local: number): number {
    const { rowsW, stepSeconds, start, isDated } = this.#trace;
    const since = local - start;
    const at = isDated && since >= 0 && since < this.#length ? since : this.#repeated(local, start);
    return rowsW[Math.floor(at / stepSeconds)] as number;
  }

  #repeated(local: number, start: number): number {
    const day = Math.floor(local / daySeconds);
    if (day !== this.#day) {
      const startDay = Math.floor(start / daySeconds);
      this.#midnight = (dayOfMonth(day) - dayOfMonth(startDay)) * daySeconds - (start - startDay * daySeconds);
      this.#day = day;
    }
    const offset = this.#midnight + local - day * daySeconds;
    if (this.#wholeDays > 0) return mod(offset, this.#wholeDays);
    return mod(offset, daySeconds) % this.#length;
  }
}

const pattern = /^(?:(\d{4})-(\d\d)-(\d\d)(?:[T ](?=\d)|$))?(?:(\d\d):(\d\d)(?::(\d\d))?)?$/;

/**
 * Local seconds of an ISO 8601 local time: `2021-07-01T00:15`, `2021-07-01 00:15:00`, `2021-07-01` or, without a
 * date, `00:15`. Undefined when it is none of them; a zone or offset is refused, since it would not be local.
 */
export function parseLocalTime(text: string): { readonly seconds: number; readonly isDated: boolean } | undefined {
  const match = pattern.exec(text);
  if (match === null || text === '') return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const isDated = match[1] !== undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (!isDated) return { seconds: hour * 3600 + minute * 60 + second, isDated };
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return { seconds: date.getTime() / 1000, isDated };
}
