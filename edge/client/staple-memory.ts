import type { ClientFile } from './client-file.ts';
import type { StapleRule } from './staple.ts';

const memoryName = 'staple';

/**
 * Demands the proof that a server is not revoked once one of ours has given it: whoever has stolen its key and lost its
 * certificate does not get by without. Before that a server may be another's, and those need not staple. Kept over
 * restarts, by the server's address.
 */
export class StapleMemory implements StapleRule {
  readonly #file: Pick<ClientFile, 'memory' | 'remember'>;
  readonly #origin: string;
  #isDemanded: boolean;
  #isProved = false;

  constructor(file: Pick<ClientFile, 'memory' | 'remember'>, origin: string) {
    this.#file = file;
    this.#origin = origin;
    this.#isDemanded = file.memory().get(memoryName) === origin;
  }

  get isDemanded(): boolean {
    return this.#isDemanded;
  }

  proved(): void {
    this.#isProved = true;
  }

  /** The server has shown that it is one of ours; resolves when what it has proved is kept. */
  async isOurs(): Promise<void> {
    if (this.#isDemanded || !this.#isProved) return;
    await this.#file.remember(new Map([[memoryName, this.#origin]]), []);
    this.#isDemanded = true;
  }
}
