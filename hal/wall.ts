import { UnixSeconds } from './units.ts';

/** What the time of the wall is told by: this machine's clocks and timers, or others in their place. */
export interface WallTime {
  /** Unix time, milliseconds. */
  unixMs(): number;
  /** Milliseconds of a clock that never steps back. */
  monotonicMs(): number;
  /** Calls `task` once after `ms`; a timer that is `kept` keeps the process alive. */
  after(ms: number, task: () => void, kept: boolean): Disposable;
  /** Calls `task` every `ms`; does not keep the process alive. */
  every(ms: number, task: () => void): Disposable;
}

/** There is one for every exchange with a device or a server: a class is made faster than an object with such a name. */
class MachineTimer implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(timer: NodeJS.Timeout) {
    this.#timer = timer;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** The clocks and timers of this machine. */
export const machineTime: WallTime = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, task, kept) {
    const timer = setTimeout(task, ms);
    return new MachineTimer(kept ? timer : timer.unref());
  },
  every(ms, task) {
    return new MachineTimer(setInterval(task, ms).unref());
  },
};

let present: WallTime = machineTime;

/**
 * Lets this whole process live by another time of the wall until disposed: a recording is replayed so, at any speed.
 * @throws RangeError where it is replaced already
 */
export function replaceWallTime(time: WallTime): Disposable {
  if (present !== machineTime) throw new RangeError('the time of the wall is replaced already');
  present = time;
  return {
    [Symbol.dispose]: () => {
      present = machineTime;
    },
  };
}

/** Wall time in Unix milliseconds. */
export const wallMs = (): number => present.unixMs();

/** Wall time in Unix seconds: for TLS, certificates, logs, and as the default start of a campus. */
export const wallSeconds = (): UnixSeconds => UnixSeconds(Math.floor(present.unixMs() / 1000));

/** Milliseconds of wall time until the next whole second, 1 to 1,000. */
export const msToNextSecond = (): number => 1000 - (present.unixMs() % 1000);

/** Milliseconds of a clock that never steps back, for measuring how long something took. */
export const monotonicMs = (): number => present.monotonicMs();

/** Resolves after `ms` of wall time; rejects with the signal's reason when it is aborted first. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason as Error);
    };
    const timer = present.after(
      ms,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      true,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Calls `task` every `ms` of wall time until disposed; does not keep the process alive. */
export const everyWall = (ms: number, task: () => void): Disposable => present.every(ms, task);

/**
 * Calls `onTimeout` once after `ms` of wall time unless disposed first: the deadline of a transport operation.
 * Does not keep the process alive.
 */
export const deadline = (ms: number, onTimeout: () => void): Disposable => present.after(ms, onTimeout, false);
