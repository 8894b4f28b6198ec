import type { RawRequest } from './raw-server.ts';

/** A request of the client, as the log of a run keeps it. */
export interface LoggedRequest {
  /** Virtual Unix seconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** The first page of a list, or no list at all. */
  readonly isFirstPage: boolean;
  readonly status: number;
}

/** Requests kept; a run of three days with polls every hour has far fewer. */
const mostRequests = 200_000;

export class RequestLog {
  readonly #requests: LoggedRequest[] = [];

  get all(): readonly LoggedRequest[] {
    return this.#requests;
  }

  add(request: LoggedRequest): void {
    if (this.#requests.length >= mostRequests) throw new Error(`more than ${mostRequests} requests in one test`);
    this.#requests.push(request);
  }

  /** The newest ones, one a line: what a failure shows. */
  tail(count: number): string {
    return this.#requests
      .slice(-count)
      .map(({ at, method, path, status }) => `${at} ${method} ${path} ${status}`)
      .join('\n');
  }
}

export const isFirstPage = ({ query }: RawRequest): boolean => (query.get('s') ?? '0') === '0';

/** Whether a path is the one that an endpoint names; `*` stands for one part between slashes. */
export function matches(path: string, endpoint: string): boolean {
  const parts = path.split('/');
  const wanted = endpoint.split('/');
  return parts.length === wanted.length && wanted.every((part, i) => part === '*' || part === parts[i]);
}

/** A gap of more than this times the interval is a poll that was missed. */
const missedAfter = 1.5;

/**
 * What is wrong with the times at which one path was polled: in five intervals one poll may be missed, and in three
 * at most six may come.
 */
export function pollFaults(times: readonly number[], interval: number, from: number): string[] {
  const last = times.at(-1) ?? from;
  const faults: string[] = [];
  const windowStarts = (length: number): number[] =>
    Array.from({ length: Math.max(0, Math.ceil((last - from) / length)) }, (_, i) => from + i * length);
  const missed = times.slice(1).flatMap((time, i) => {
    const gap = time - (times[i] ?? time);
    return gap > interval * missedAfter ? [{ time, gap }] : [];
  });
  for (const start of windowStarts(interval * 5)) {
    const end = start + interval * 5;
    const inWindow = missed.filter(({ time }) => time >= start && time < end);
    if (end <= last && inWindow.length > 1) faults.push(`gaps of ${inWindow.map(({ gap }) => gap).join(', ')} s`);
  }
  for (const start of windowStarts(interval * 3)) {
    const count = times.filter((time) => time >= start && time < start + interval * 3).length;
    if (count > 6) faults.push(`${count} polls in ${interval * 3} s`);
  }
  return faults;
}
