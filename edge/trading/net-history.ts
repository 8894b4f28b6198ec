/** Load − PV of the samples within the last window: a ring. */
export class NetHistory {
  readonly #netW: Float64Array;
  #count = 0;

  constructor(windowSeconds: number, sampleSeconds: number) {
    this.#netW = new Float64Array(Math.max(1, Math.floor(windowSeconds / sampleSeconds)));
  }

  add(netW: number): void {
    this.#netW[this.#count % this.#netW.length] = netW;
    this.#count++;
  }

  /** Integer W; `undefined` before the first sample. */
  meanW(): number | undefined {
    const known = Math.min(this.#count, this.#netW.length);
    let sum = 0;
    for (let i = 0; i < known; i++) sum += this.#netW[i] ?? 0;
    return known === 0 ? undefined : Math.round(sum / known);
  }
}
