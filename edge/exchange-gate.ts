/** Lets many exchanges with a server go on side by side, and one work alone: after those under way, before the next. */
export class ExchangeGate {
  readonly #underWay = new Set<Promise<unknown>>();
  #alone: Promise<void> | undefined;

  async among<T>(exchange: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const exchanging = exchange();
    this.#underWay.add(exchanging);
    try {
      return await exchanging;
    } finally {
      this.#underWay.delete(exchanging);
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      await Promise.allSettled(this.#underWay);
      return await work();
    } finally {
      this.#alone = undefined;
      resolve();
    }
  }
}
