import type { ChildProcess } from 'node:child_process';
import { type Argument, answering, Calls, type Handlers, type Protocol, type Reply, type Result } from './calls.ts';
import { GridError, reasonOf } from './errors.ts';

/** Calls between a program and the child processes that it forks (Node's IPC channel, `serialization: 'advanced'`). */
type Message = Reply | { readonly progress: string };

const send = (message: Message): void => {
  // The channel may close while an answer is under way: the parent is gone and nobody waits for it.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
};

/**
 * The child's end: answers its parent's calls, `stop` among them. When the channel closes, because the parent let go or
 * is gone, it stops in order and the process ends; with exit code 1 when stopping failed.
 */
export function serveParent<P extends Protocol<P>>(handlers: Handlers<P>, stop: () => Promise<void>): void {
  process.on('message', answering<P>(handlers, send));
  process.once('disconnect', () => {
    stop().then(
      () => process.exit(),
      (error: unknown) => {
        process.stderr.write(`${reasonOf(error)}\n`);
        process.exit(1);
      },
    );
  });
}

/** Tells the parent what a long start is doing; without a parent it does nothing. */
export const reportProgress = (progress: string): void => {
  send({ progress });
};

/** The parent's end of a child. Calls fail when the child ends before it answers. */
export class ChildLink<P extends Protocol<P>> {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves when the child has ended. */
  readonly ended: Promise<void>;
  readonly #calls = new Calls<P>();

  constructor(name: string, child: ChildProcess, onProgress: (text: string) => void) {
    this.name = name;
    this.child = child;
    child.on('message', (message) => {
      const received = message as Message;
      if ('progress' in received) onProgress(received.progress);
      else this.#calls.receive(received);
    });
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#calls.fail(new GridError('GTX-LNK-003', `Cannot start ${name}: ${error.message}`, { cause: error }));
        resolve();
      });
      child.once('exit', (code, signal) => {
        const how = signal === null ? `exit code ${code}` : signal;
        const hint = 'The next start goes on from what was stored; the log above says more.';
        this.#calls.fail(new GridError('GTX-LNK-004', `${name} ended unexpectedly (${how})`, { hint }));
        resolve();
      });
    });
  }

  call<M extends keyof P & string>(method: M, argument: Argument<P[M]>): Promise<Result<P[M]>> {
    return this.#calls.call(method, argument, (request, failed) =>
      this.child.send(request, (error) => {
        if (error !== null) failed(new GridError('GTX-LNK-004', `${this.name} does not answer: ${error.message}`));
      }),
    );
  }
}
