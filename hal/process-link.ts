import type { ChildProcess } from 'node:child_process';
import { GridError, type GridErrorCode, reasonOf } from './errors.ts';

/**
 * Calls between a program and the child processes that it forks (Node's IPC channel, `serialization: 'advanced'`).
 * A protocol is an interface of methods with one argument; both ends name it as their type.
 */
export type Protocol<P> = { readonly [M in keyof P]: (argument: never) => unknown };

type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type Result<F> = F extends (argument: never) => infer R ? Awaited<R> : never;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Failure {
  readonly code: GridErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly kind: 'input' | 'runtime';
}

type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly progress: string };

const failureOf = (error: unknown): Failure =>
  error instanceof GridError
    ? { code: error.code, message: error.message, hint: error.hint, kind: error.kind }
    : {
        code: 'GTX-LNK-002',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        hint: undefined,
        kind: 'runtime',
      };

const send = (reply: Reply): void => {
  // The channel may close while an answer is under way: the parent is gone and nobody waits for it.
  if (process.connected) process.send?.(reply, undefined, {}, () => undefined);
};

/**
 * The child's end: answers its parent's calls, `stop` among them. When the channel closes, because the parent let go or
 * is gone, it stops in order and the process ends; with exit code 1 when stopping failed.
 */
export function serveParent<P extends Protocol<P>>(
  handlers: { readonly [M in keyof P]: (argument: Argument<P[M]>) => Promise<Result<P[M]>> },
  stop: () => Promise<void>,
): void {
  process.on('message', (message) => {
    const { id, method, argument } = message as Request;
    const handler = handlers[method as keyof P] as ((argument: unknown) => Promise<unknown>) | undefined;
    if (handler === undefined) {
      send({ id, failure: failureOf(new GridError('GTX-LNK-001', `No method ${method}`)) });
      return;
    }
    handler(argument).then(
      (result) => send({ id, result }),
      (error: unknown) => send({ id, failure: failureOf(error) }),
    );
  });
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
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #end: GridError | undefined;

  constructor(name: string, child: ChildProcess, onProgress: (text: string) => void) {
    this.name = name;
    this.child = child;
    child.on('message', (message) => this.#receive(message as Reply, onProgress));
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#fail(new GridError('GTX-LNK-003', `Cannot start ${name}: ${error.message}`, { cause: error }));
        resolve();
      });
      child.once('exit', (code, signal) => {
        const how = signal === null ? `exit code ${code}` : signal;
        const hint = 'The next start goes on from what was stored; the log above says more.';
        this.#fail(new GridError('GTX-LNK-004', `${name} ended unexpectedly (${how})`, { hint }));
        resolve();
      });
    });
  }

  call<M extends keyof P & string>(method: M, argument: Argument<P[M]>): Promise<Result<P[M]>> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.child.send({ id, method, argument } satisfies Request, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(this.#end ?? new GridError('GTX-LNK-004', `${this.name} does not answer: ${error.message}`));
      });
    });
  }

  #receive(reply: Reply, onProgress: (text: string) => void): void {
    if ('progress' in reply) {
      onProgress(reply.progress);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('failure' in reply) {
      const { code, message, hint, kind } = reply.failure;
      waiting?.reject(new GridError(code, message, hint === undefined ? { kind } : { kind, hint }));
    } else waiting?.resolve(reply.result);
  }

  #fail(error: GridError): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
