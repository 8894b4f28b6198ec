import type { Scanner } from './scanner.ts';
import type { ElementPlan, Family } from './plans.ts';
import { XmlFault } from './xml-fault.ts';

/** How many optional elements are looked at before the index is asked. */
const lookAhead = 8;

/** Whether the bytes from `at` are those of `wanted`. */
export function standsAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/**
 * Which of the elements from `from` starts at the scanner's place as `<name>` in the default namespace; -1 when the
 * long way must be taken. `count` is how often the first of them has stood.
 */
export function elementAhead(
  { bytes, at }: Scanner,
  elements: readonly ElementPlan[],
  from: number,
  count: number,
  family: Family | undefined,
): number {
  const end = Math.min(elements.length, from + lookAhead);
  for (let i = from; i < end; i++) {
    const item = elements[i] as ElementPlan;
    if (standsAt(bytes, at + 1, item.ending)) return item.family === family ? i : -1;
    if (item.min > (i === from ? count : 0)) return -1;
  }
  return -1;
}

/** Proves that the elements in [from, to) have stood often enough; `count` is of the first of them. */
export function proveComplete(
  scan: Scanner,
  elements: readonly ElementPlan[],
  from: number,
  to: number,
  count: number,
  tag: string,
  place: number = scan.at,
): void {
  for (let i = from; i < to; i++) {
    const item = elements[i] as ElementPlan;
    if (item.min > (i === from ? count : 0)) {
      throw scan.fault('GTX-XML-014', `${item.name} is missing in ${tag}`, place);
    }
  }
}

export const tooMany = (item: ElementPlan, place: number): XmlFault =>
  new XmlFault('GTX-XML-015', `${item.name} stands more than ${item.max} times`, place);
