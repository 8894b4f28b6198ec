import { maxReadRegisters } from './protocol.ts';

/** Registers to read, from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One read for several who want registers. */
export interface SharedRead<Wanted extends Span> extends Span {
  /** The one that reaches furthest of those that start first comes first. */
  readonly wanted: readonly Wanted[];
}

export interface ReadLimits {
  /** The most registers that one request may ask for, 1 to 125; 125 unless told. */
  readonly maxRegisters?: number;
  /**
   * The most registers that nobody wants which one request may take along; as many as fit unless told. With `-Infinity`
   * a request serves only those who want nothing but what it asks for anyway.
   */
  readonly bridge?: number;
}

/** The fewest Modbus reads that serve all spans within the limits, by address. */
export function shareReads<Wanted extends Span>(
  spans: readonly Wanted[],
  limits: ReadLimits = {},
): SharedRead<Wanted>[] {
  const { maxRegisters = maxReadRegisters, bridge = maxReadRegisters } = limits;
  const reads: { readonly start: number; end: number; readonly wanted: Wanted[] }[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = reads.at(-1);
    const joins =
      last !== undefined &&
      (span.end <= last.end || (span.end - last.start <= maxRegisters && span.start - last.end <= bridge));
    if (joins) {
      last.end = Math.max(last.end, span.end);
      last.wanted.push(span);
    } else reads.push({ start: span.start, end: span.end, wanted: [span] });
  }
  return reads;
}

/** What those reads ask for. */
export const planReads = (spans: readonly Span[], limits?: ReadLimits): Span[] =>
  shareReads(spans, limits).map(({ start, end }) => ({ start, end }));
