import { deadline } from '#hal/wall.ts';

/** What comes within this many milliseconds of the one before belongs to one burst. */
const gapMs = 1;
/** And a burst is waited for no longer than this. */
const longestMs = 8;

/**
 * Has what waits committed burst by burst: a commit costs as much for one as for many, and those that wait for the
 * next would wait twice. Boards come in bursts of one size, so that a burst which has reached it is over at once.
 */
export class Bursts {
  readonly #waiting: () => number;
  readonly #commit: () => Promise<void>;
  /** Since nothing waited. */
  #came = 0;
  /** As many as came in one go the last time. */
  #usual = 1;
  #endGap: (() => void) | undefined;
  #running: Promise<void> | undefined;

  /** `commit` takes at least one of those that wait, and must not reject. */
  constructor(waiting: () => number, commit: () => Promise<void>) {
    this.#waiting = waiting;
    this.#commit = commit;
  }

  /** To be called when one more waits. */
  add(): void {
    this.#came++;
    if (this.#came >= this.#usual) this.#endGap?.();
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting() > 0) {
      await this.#end();
      await this.#commit();
    }
    this.#usual = this.#came;
    this.#came = 0;
    this.#running = undefined;
  }

  async #end(): Promise<void> {
    for (let waitedMs = 0, seen = 0; waitedMs < longestMs && seen < this.#came; waitedMs += gapMs) {
      seen = this.#came;
      if (seen >= this.#usual) return;
      await this.#gap();
    }
  }

  #gap(): Promise<void> {
    return new Promise((resolve) => {
      const gap = deadline(gapMs, resolve);
      this.#endGap = () => {
        gap[Symbol.dispose]();
        resolve();
      };
    });
  }
}
