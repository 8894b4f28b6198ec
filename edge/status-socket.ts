import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { GridError, reasonOf } from '#hal/errors.ts';
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
  readonly #server: Server;

  constructor(path: string, boards: () => readonly Pick<Board, 'meterId' | 'explain' | 'utility'>[]) {
    this.#path = path;
    this.#boards = boards;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listens; the folder is held by this process alone. Rejects with `GTX-EDG-020` where the system does not let it. */
  async start(): Promise<void> {
    // Of a program that was killed.
    rmSync(this.#path, { force: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(this.#path, resolve);
      });
      chmodSync(this.#path, 0o600);
    } catch (error) {
      throw new GridError('GTX-EDG-020', `The boards cannot answer on ${this.#path}: ${reasonOf(error)}`, {
        hint: 'Choose a data folder with a shorter path (a socket’s has about 100 characters), on a disk of this machine.',
        cause: error,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #answer({ method, url = '/' }: IncomingMessage, response: ServerResponse): void {
    if (method !== 'GET') return send(response, 405, { detail: 'A board only tells.' });
    if (url === '/boards') return send(response, 200, { boards: this.#boards().map(({ meterId }) => meterId) });
    const [, named = ''] = explainPath.exec(url) ?? [];
    const board = this.#boards().find(({ meterId }) => encodeURIComponent(meterId) === named);
    if (board === undefined) return send(response, 404, { detail: `No board here answers to ${url}.` });
    send(response, 200, statusOf(board));
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

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
