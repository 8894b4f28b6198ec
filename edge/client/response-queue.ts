import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { DueResponse } from '#ieee2030_5/events/life.ts';
import { responseStatus } from '#ieee2030_5/events/responses.ts';
import { type Lfdi, lfdiBytes } from '#ieee2030_5/identity.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import { backoffSeconds, backoffUpTo } from './backoff.ts';
import type { ClientFile, QueuedPost } from './client-file.ts';
import { type Connection, RefusedError } from './connection.ts';
import { isHopeless } from './refused-error.ts';
import type { ResponseRoot } from './utility-view.ts';

/** What responses of one device are made of. */
export interface ResponseOrder {
  readonly device: Lfdi;
  readonly root: ResponseRoot;
  readonly due: readonly DueResponse[];
}

export interface ResponseQueueOptions {
  readonly file: ClientFile;
  readonly connection: Pick<Connection, 'postKept'>;
  readonly seed: number;
  readonly log: Log;
}

/** What happened to an event is worth telling soon, seconds. */
const maxPauseSeconds = 60;
/**
 * Responses to events, in order and each once (IEEE 2030.5-2018 §10.2.4): they lie in the board's file before the
 * state of their event moves on, and leave it with the server's answer. After a crash between a post and its answer
 * that one response is sent again: nobody can know whether the server has it.
 */
export class ResponseQueue {
  readonly #options: ResponseQueueOptions;
  #failures = 0;
  #retryAt = 0;
  /** What was in the file is sent, and nothing was queued since: there is no need to look. */
  #isEmpty = false;
  #draining: Promise<void> | undefined;

  constructor(options: ResponseQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#options.file.waitingPosts;
  }

  /**
   * Queues responses and keeps the memory that they follow from, all or nothing; resolves when both are safe.
   * Responses that nobody waits for (no replyTo) are left out.
   */
  async enqueue(memory: ReadonlyMap<string, string | undefined>, orders: readonly ResponseOrder[]): Promise<void> {
    await this.#options.file.remember(
      memory,
      orders.flatMap(({ device, root, due }) =>
        due.flatMap((response): Omit<QueuedPost, 'sequence'>[] => {
          const { replyTo, subject } = response;
          if (replyTo === undefined) return [];
          const status = responseStatus(response.response);
          return [{ href: replyTo, device, subject, status, body: bodyOf(device, root, response, status) }];
        }),
      ),
    );
    this.#isEmpty = false;
  }

  /** Sends what waits, oldest first. Answers when to come again, if something is left; seconds. */
  async drain(now: UnixSeconds): Promise<number | undefined> {
    if (this.#isEmpty) return undefined;
    if (now < this.#retryAt) return this.size === 0 ? undefined : this.#retryAt;
    this.#draining ??= this.#drain(now).finally(() => {
      this.#draining = undefined;
    });
    await this.#draining;
    return this.size === 0 ? undefined : this.#retryAt;
  }

  async #drain(now: UnixSeconds): Promise<void> {
    const { file, connection, log, seed } = this.#options;
    for (let post = file.nextPost(); post !== undefined; post = file.nextPost()) {
      try {
        await connection.postKept(post.href, post.body);
        this.#failures = 0;
      } catch (error) {
        if (!(error instanceof GridError)) throw error;
        if (!isHopeless(error)) {
          this.#failures++;
          this.#retryAt = now + retryAfter(error, this.#failures, seed);
          if (this.#failures === 1) log.warn({ reason: error.describe() }, 'response not sent; kept for later');
          return;
        }
        const { subject, status } = post;
        log.error({ subject, status, reason: error.message }, 'the server does not take a response; it is given up');
      }
      await file.finishPost(post);
    }
    this.#retryAt = 0;
    this.#isEmpty = file.isOpen;
  }
}

const retryAfter = (error: GridError, failures: number, seed: number): number =>
  (error instanceof RefusedError ? error.retryAfter : undefined) ??
  backoffSeconds(backoffUpTo(maxPauseSeconds), failures, seed);

const bodyOf = (device: Lfdi, root: ResponseRoot, { subject, at }: DueResponse, status: number): string =>
  writeDocument(root, {
    createdDateTime: BigInt(at),
    endDeviceLFDI: lfdiBytes(device),
    status,
    subject: Uint8Array.from(Buffer.from(subject, 'hex')),
  });
