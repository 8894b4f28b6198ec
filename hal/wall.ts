import { UnixSeconds } from './units.ts';

/** Wall time in Unix seconds: for TLS, certificates, logs, and as the default start of a campus. */
export const wallSeconds = (): UnixSeconds => UnixSeconds(Math.floor(Date.now() / 1000));

/** Milliseconds of wall time until the next whole second, 1 to 1,000. */
export const msToNextSecond = (): number => 1000 - (Date.now() % 1000);

/** Milliseconds of a clock that never steps back, for measuring how long something took. */
export const monotonicMs = (): number => performance.now();

/** Resolves after `ms` of wall time; rejects with the signal's reason when it is aborted first. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Calls `task` every `ms` of wall time until disposed; does not keep the process alive. */
export function everyWall(ms: number, task: () => void): Disposable {
  const timer = setInterval(task, ms);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Calls `onTimeout` once after `ms` of wall time unless disposed first: the deadline of a transport operation.
 * Does not keep the process alive.
 */
export function deadline(ms: number, onTimeout: () => void): Disposable {
  const timer = setTimeout(onTimeout, ms);
  timer.unref();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
