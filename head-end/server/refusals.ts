import type { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';

const { invalidFormat, invalidValues, resourceLimit } = ReasonCode;

export interface Refusal {
  readonly status: number;
  readonly reasonCode: ReasonCode;
}

/**
 * Status and reasonCode by how an error's code begins; the first that fits counts, and where none does the fault is
 * ours. 503: too much waiting, stopping, or a database that did not take it, so the same post may go through later.
 */
const table: readonly (readonly [start: string, status: number, reasonCode: ReasonCode])[] = [
  // What we cannot write is our own mistake.
  ['GTX-XML-03', 500, invalidValues],
  ['GTX-XML-02', 400, invalidValues],
  ['GTX-XML-004', 413, resourceLimit],
  ['GTX-XML-', 400, invalidFormat],
  ['GTX-LST-', 400, invalidValues],
  ['GTX-IDN-', 400, invalidValues],
  ['GTX-ORD-003', 400, resourceLimit],
  ['GTX-ORD-', 400, invalidValues],
  ['GTX-MKT-001', 400, invalidValues],
  ['GTX-MKT-003', 400, invalidValues],
  ['GTX-MKT-005', 403, invalidValues],
  ['GTX-RDG-004', 400, invalidValues],
  ['GTX-RDG-005', 400, invalidValues],
  ['GTX-RDG-006', 400, resourceLimit],
  ['GTX-RDG-008', 400, invalidValues],
  ['GTX-RDG-007', 404, invalidValues],
  ['GTX-REG-001', 400, invalidValues],
  ['GTX-RES-', 400, resourceLimit],
  ['GTX-RSP-', 400, invalidValues],
  ['GTX-SUB-', 400, invalidValues],
  ['GTX-SRV-003', 400, invalidValues],
  ['GTX-RDG-001', 503, resourceLimit],
  ['GTX-RDG-002', 503, resourceLimit],
  ['GTX-RDG-003', 503, resourceLimit],
  ['GTX-DB-003', 503, resourceLimit],
  ['GTX-DB-008', 503, resourceLimit],
];

/** What the sender of a request is told of an error; undefined when the fault is ours. */
export function refusalOf({ code }: GridError): Refusal | undefined {
  const found = table.find(([start]) => code.startsWith(start));
  return found === undefined || found[1] === 500 ? undefined : { status: found[1], reasonCode: found[2] };
}

/** Kinds of refusal that are counted apart. */
const maxCounted = 1_000;

/** Logs each kind of refusal of a device once, and then every time that its number has grown tenfold. */
export class RefusalLog {
  readonly #log: Log;
  readonly #message: string;
  readonly #counts = new Map<string, { count: number; next: number }>();

  constructor(log: Log, message = 'request refused') {
    this.#log = log;
    this.#message = message;
  }

  /** `who` is a meter or an LFDI, `what` a code; `facts` are logged with it. Answers whether this one was logged. */
  note(who: string, what: string, facts: Readonly<Record<string, unknown>>): boolean {
    const key = `${who} ${what}`;
    const known = this.#counts.get(key) ?? { count: 0, next: 1 };
    if (!this.#counts.has(key) && this.#counts.size >= maxCounted) {
      // The one that was heard of first gives way.
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined) this.#counts.delete(oldest);
    }
    this.#counts.set(key, known);
    known.count++;
    if (known.count < known.next) return false;
    known.next *= 10;
    this.#log.warn({ who, code: what, times: known.count, ...facts }, this.#message);
    return true;
  }
}
