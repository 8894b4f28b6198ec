import { chmodSync, rmSync } from 'node:fs';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { type Page, type PageRequest, PageServer } from '#hal/page-server.ts';
import { type ExplainedSentence, explainInWords } from './control/explanation-words.ts';
import type { Board } from './board.ts';
import type { Explanation } from './control/explanation.ts';

/** What a board answers about itself. */
export interface BoardStatus {
  readonly meterId: string;
  /** Unix seconds of the board’s clock; absent before the first sample. */
  readonly at?: number;
  /** What holds now and why; none before the first sample. */
  readonly sentences: readonly ExplainedSentence[];
  /** The same for programs. */
  readonly explanation?: Explanation;
}

/** The name of the socket in the data folder of a process with boards. */
export const statusSocketName = 'status.sock';

/** `GET /boards`: their meter ids. `GET /boards/ID/explain`: a BoardStatus. */
const explainPath = /^\/boards\/([^/]+)\/explain$/;

/**
 * Answers what the boards of this process do and why, on a Unix socket that this user alone may open: no port, and
 * nothing for a browser or another user of the machine to reach. It only tells; it takes no orders.
 */
export class StatusSocket implements AsyncDisposable {
  readonly #path: string;
  readonly #boards: () => readonly Pick<Board, 'meterId' | 'explain' | 'utility'>[];
  readonly #server: PageServer;

  constructor(path: string, boards: () => readonly Pick<Board, 'meterId' | 'explain' | 'utility'>[]) {
    this.#path = path;
    this.#boards = boards;
    this.#server = new PageServer((request) => this.#answer(request));
  }

  /** Listens; the folder is held by this process alone. Rejects with `GTX-EDG-020` where the system does not let it. */
  async start(): Promise<void> {
    // Of a program that was killed.
    rmSync(this.#path, { force: true });
    try {
      await this.#server.listen({ path: this.#path });
      chmodSync(this.#path, 0o600);
    } catch (error) {
      throw new GridError('GTX-EDG-020', `The boards cannot answer on ${this.#path}: ${reasonOf(error)}`, {
        hint: 'Choose a data folder with a shorter path (a socket’s has about 100 characters), on a disk of this machine.',
        cause: error,
      });
    }
  }

  /** As `start`, but boards that cannot be asked run on: the log tells why. */
  async startOrTell(log: Pick<Log, 'warn'>): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      log.warn({ reason: error.describe() }, 'boards cannot be asked');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #answer({ method, path }: PageRequest): Page {
    if (method !== 'GET') return json(405, { detail: 'A board only tells.' });
    if (path === '/boards') return json(200, { boards: this.#boards().map(({ meterId }) => meterId) });
    const [, named = ''] = explainPath.exec(path) ?? [];
    const board = this.#boards().find(({ meterId }) => encodeURIComponent(meterId) === named);
    if (board === undefined) return json(404, { detail: `No board here answers to ${path}.` });
    return json(200, statusOf(board));
  }
}

/** Plain data: what no event, default or limit says is not in it. */
export function statusOf(board: Pick<Board, 'meterId' | 'explain' | 'utility'>): BoardStatus {
  const { meterId, utility } = board;
  const explanation = board.explain();
  if (explanation === undefined) return { meterId, sentences: [] };
  const sentences = explainInWords(explanation, utility.view());
  return { meterId, at: explanation.at, sentences, explanation };
}

const json = (status: Page['status'], body: object): Page => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});
