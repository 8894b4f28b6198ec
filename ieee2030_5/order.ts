import type { Scanner } from './scanner.ts';
import type { ElementPlan } from './plans.ts';
import { tooMany } from './sequence.ts';

/** How often each element of a type has stood, for peers that do not keep the schema's order. */
export class Order {
  readonly #elements: readonly ElementPlan[];
  readonly #counts: Uint32Array;

  constructor(elements: readonly ElementPlan[]) {
    this.#elements = elements;
    this.#counts = new Uint32Array(elements.length);
  }

  take(index: number, place: number): void {
    const item = this.#elements[index] as ElementPlan;
    const count = (this.#counts[index] ?? 0) + 1;
    if (count > item.max) throw tooMany(item, place);
    this.#counts[index] = count;
  }

  proveComplete(scan: Scanner, tag: string): void {
    for (const [i, { name, min }] of this.#elements.entries()) {
      if (min > (this.#counts[i] ?? 0)) throw scan.fault('GTX-XML-014', `${name} is missing in ${tag}`);
    }
  }
}
