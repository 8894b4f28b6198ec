import { GridError, type GridErrorCode } from './errors.ts';

/**
 * Calls between two ends that can only send messages to each other: processes (process-link.ts) or threads
 * (thread-link.ts). A protocol is an interface of methods with one argument; both ends name it as their type.
 */
export type Protocol<P> = { readonly [M in keyof P]: (argument: never) => unknown };

export type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
export type Result<F> = F extends (argument: never) => infer R ? Awaited<R> : never;
export type Handlers<P> = { readonly [M in keyof P]: (argument: Argument<P[M]>) => Promise<Result<P[M]>> };

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

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure };

const failureOf = (error: unknown): Failure =>
  error instanceof GridError
    ? { code: error.code, message: error.message, hint: error.hint, kind: error.kind }
    : {
        code: 'GTX-LNK-002',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        hint: undefined,
        kind: 'runtime',
      };

/** The end that is called: answers each message. A method that it does not have is GTX-LNK-001. */
export function answering<P extends Protocol<P>>(
  handlers: Handlers<P>,
  send: (reply: Reply) => void,
): (message: unknown) => void {
  return (message) => {
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
  };
}

/** The calls of the end that asks: each waits for its own answer, all fail when the other end is gone. */
export class Calls<P extends Protocol<P>> {
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #end: GridError | undefined;

  /** `post` sends the request, and says when it could not be sent. */
  call<M extends keyof P & string>(
    method: M,
    argument: Argument<P[M]>,
    post: (request: Request, failed: (error: GridError) => void) => void,
  ): Promise<Result<P[M]>> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      post({ id, method, argument }, (error) => {
        this.#waiting.delete(id);
        reject(this.#end ?? error);
      });
    });
  }

  receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('failure' in reply) {
      const { code, message, hint, kind } = reply.failure;
      waiting?.reject(new GridError(code, message, hint === undefined ? { kind } : { kind, hint }));
    } else waiting?.resolve(reply.result);
  }

  /** The other end is gone: what waits fails, and so does every later call. */
  fail(error: GridError): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
