const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that is aborted when this process is asked to stop (Ctrl-C, SIGTERM, SIGHUP), until it is disposed. */
export function untilStopped(): Disposable & { readonly signal: AbortSignal } {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort(new Error('asked to stop'));
  for (const name of stopSignals) process.on(name, stop);
  return {
    signal: stopping.signal,
    [Symbol.dispose]: () => {
      for (const name of stopSignals) process.off(name, stop);
    },
  };
}
