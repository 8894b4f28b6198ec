import { GridError, reasonOf } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';

/** How a part of the board does. */
export interface PartHealth {
  /** `inverter`, `task post`, … */
  readonly part: string;
  readonly isWell: boolean;
  /** Since when it is as it is, by the board's clock. */
  readonly since: UnixSeconds;
  /** What is wrong, in a technician's words, and what may mend it. */
  readonly fault: string | undefined;
}

const toldOf = (fault: unknown): string =>
  fault instanceof GridError && fault.hint !== undefined ? `${reasonOf(fault)}. ${fault.hint}` : reasonOf(fault);

/** How the devices and tasks of a board do, each by its name; a board has a few of them. */
export class Health {
  readonly #parts = new Map<string, PartHealth>();

  /** @param fault what is wrong; `undefined` where nothing is */
  set(part: string, at: UnixSeconds, fault?: unknown): void {
    const before = this.#parts.get(part);
    const isWell = fault === undefined;
    if (isWell && before?.isWell === true) return;
    const since = before?.isWell === isWell ? before.since : at;
    this.#parts.set(part, { part, isWell, since, fault: isWell ? undefined : toldOf(fault) });
  }

  /** In the order in which they were first heard of. */
  get parts(): readonly PartHealth[] {
    return [...this.#parts.values()];
  }
}
