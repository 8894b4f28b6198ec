/** Numbers, money and times as a person reads them; pure. Times are Unix seconds of the campus's virtual time. */

const oneDecimal = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const twoDecimals = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fourDecimals = new Intl.NumberFormat('en', { minimumFractionDigits: 4, maximumFractionDigits: 4 });
const sixDecimals = new Intl.NumberFormat('en', { minimumFractionDigits: 6, maximumFractionDigits: 6 });

/**
 * Watts as kilowatts with one decimal, without a sign: a word beside it tells the direction.
 * @param {number} watts
 */
export const kilowatts = (watts) => oneDecimal.format(Math.abs(watts) / 1000);

/** @param {number} wattHours */
export const kilowattHours = (wattHours) => twoDecimals.format(wattHours / 1000);

/**
 * A price or an amount in tokens, rounded to four decimals.
 * @param {number} micro
 */
export const tokens = (micro) => fourDecimals.format(micro / 1e6);

/**
 * An amount in tokens to the last unit.
 * @param {number} micro
 */
export const exactTokens = (micro) => sixDecimals.format(micro / 1e6);

/**
 * How long ago something was: `now`, `8 s ago`, `3 min ago`, `2 h ago`, `5 d ago`.
 * @param {number} seconds
 */
export function ago(seconds) {
  if (seconds <= 0) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/**
 * The pace of virtual time: empty at the pace of the wall clock.
 * @param {number | null} speed
 */
export function pace(speed) {
  if (speed === null) return 'full speed';
  return speed === 1 ? '' : `${speed} × real time`;
}

/**
 * A transaction's signature, short enough for a table.
 * @param {string} signature
 */
export const shortSignature = (signature) =>
  signature.length <= 12 ? signature : `${signature.slice(0, 5)}…${signature.slice(-5)}`;

/** Formats times in one time zone. */
export class ZoneTimes {
  #clock;
  #clockSeconds;
  #date;
  #zone;
  #parts;

  /** @param {string} timeZone IANA name */
  constructor(timeZone) {
    this.timeZone = timeZone;
    this.#clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
    this.#clockSeconds = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' });
    this.#date = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      year: 'numeric',
    });
    // British English has no names for other continents' zones.
    this.#zone = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'short' });
    this.#parts = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      dateStyle: 'short',
      timeStyle: 'medium',
    });
  }

  /** `14:35` @param {number} time */
  minutes(time) {
    return this.#clock.format(time * 1000);
  }

  /** `14:35:20` @param {number} time */
  seconds(time) {
    return this.#clockSeconds.format(time * 1000);
  }

  /** `Tue 1 Jul 2025` @param {number} time */
  date(time) {
    return this.#date.format(time * 1000).replace(',', '');
  }

  /** `PDT` @param {number} time */
  zone(time) {
    const part = this.#zone.formatToParts(time * 1000).find(({ type }) => type === 'timeZoneName');
    return part?.value ?? this.timeZone;
  }

  /** Seconds that local time is ahead of UTC. @param {number} time */
  offset(time) {
    /** @type {Record<string, number>} */
    const fields = {};
    for (const { type, value } of this.#parts.formatToParts(time * 1000)) fields[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    return Date.UTC(year < 100 ? 2000 + year : year, month - 1, day, hour, minute, second) / 1000 - time;
  }
}
