import { parentPort, type Worker } from 'node:worker_threads';
import { type Argument, answering, Calls, type Handlers, type Protocol, type Reply, type Result } from './calls.ts';
import { GridError } from './errors.ts';

/** A thread's end: answers the calls of the thread that started it, for as long as that lets it. */
export function serveThread<P extends Protocol<P>>(handlers: Handlers<P>): void {
  const answer = answering<P>(handlers, (reply) => parentPort?.postMessage(reply));
  parentPort?.on('message', answer);
}

/** The starting thread's end of a worker thread. Calls fail when the thread ends before it answers. */
export class ThreadLink<P extends Protocol<P>> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #calls = new Calls<P>();

  constructor(name: string, worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply) => this.#calls.receive(reply as Reply));
    // What a thread dies of comes before its end, and says more.
    worker.once('error', (error) =>
      this.#calls.fail(new GridError('GTX-LNK-004', `${name} ended unexpectedly: ${String(error)}`, { cause: error })),
    );
    worker.once('exit', (code) =>
      this.#calls.fail(new GridError('GTX-LNK-004', `${name} ended unexpectedly (exit code ${code})`)),
    );
  }

  call<M extends keyof P & string>(method: M, argument: Argument<P[M]>): Promise<Result<P[M]>> {
    return this.#calls.call(method, argument, (request) => this.#worker.postMessage(request));
  }

  /** Ends the thread at once: what has to be ended in order is asked of it before. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
