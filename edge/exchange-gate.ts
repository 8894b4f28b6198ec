/** Lets many exchanges with a server go on side by side, and one work alone: after those under way, before the next. */
export class ExchangeGate {
  #underWay = 0;
  /** What waits to be alone goes on when nothing is under way. */
  #onIdle: (() => void) | undefined;
  #alone: Promise<void> | undefined;

  async among<T>(exchange: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    this.#underWay++;
    try {
      return await exchange();
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) this.#onIdle?.();
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      if (this.#underWay > 0) await this.#idle();
      return await work();
    } finally {
      this.#alone = undefined;
      resolve();
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
