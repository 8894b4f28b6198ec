import { maxReadRegisters } from './protocol.ts';

/** Registers to read, from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ReadLimits {
  /** The most registers that one request may ask for, 1 to 125; 125 unless told. */
  readonly maxRegisters?: number;
  /** The most registers that nobody wants which one request may take along; as many as fit unless told. */
  readonly bridge?: number;
}

/** The fewest Modbus reads that cover the spans within the limits, by address. */
export function planReads(spans: readonly Span[], limits: ReadLimits = {}): Span[] {
  const { maxRegisters = maxReadRegisters, bridge = maxReadRegisters } = limits;
  const reads: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = reads.at(-1);
    const end = Math.max(last?.end ?? 0, span.end);
    const joins = last !== undefined && end - last.start <= maxRegisters && span.start - last.end <= bridge;
    if (joins) reads[reads.length - 1] = { ...last, end };
    else reads.push(span);
  }
  return reads;
}
