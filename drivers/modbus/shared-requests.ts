import { functionCode } from './protocol.ts';
import { shareReads, type Span } from './read-plan.ts';

/** A request as it will stand on the wire: an ADU of Modbus TCP. */
interface Asked {
  readonly frame: Buffer;
}

/** A request that goes on the wire, and the reads that its answer serves as well. */
export interface SharedRequest<R extends Asked> {
  readonly request: R;
  readonly served: readonly { readonly request: R; readonly offsetBytes: number }[];
}

const isRead = ({ frame }: Asked): boolean =>
  frame[7] === functionCode.readHolding || frame[7] === functionCode.readInput;

/** Unit and function. */
const kindOf = ({ frame }: Asked): number => frame.readUInt16BE(6);

function isWithin(read: Asked, other: Asked): boolean {
  if (read === other || kindOf(read) !== kindOf(other)) return false;
  const [a, b] = [read.frame.readUInt16BE(8), other.frame.readUInt16BE(8)];
  return a >= b && a + read.frame.readUInt16BE(10) <= b + other.frame.readUInt16BE(10);
}

const none: readonly never[] = [];

function wantedBy<R extends Asked>(request: R): Span & { readonly request: R } {
  const start = request.frame.readUInt16BE(8);
  return { request, start, end: start + request.frame.readUInt16BE(10) };
}

function sharedReads<R extends Asked>(reads: readonly R[]): readonly SharedRequest<R>[] {
  // Mostly no read is part of another, every second and from every device.
  if (!reads.some((read) => reads.some((other) => isWithin(read, other)))) {
    return reads.map((request) => ({ request, served: none }));
  }
  return [...Map.groupBy(reads, kindOf).values()].flatMap((alike) =>
    shareReads(alike.map(wantedBy), { bridge: Number.NEGATIVE_INFINITY }).map(({ start, wanted }) => {
      const [first, ...others] = wanted.map((each) => ({ ...each, offsetBytes: 2 * (each.start - start) }));
      return { request: first!.request, served: others };
    }),
  );
}

/**
 * Of requests that travel together, a read of registers that another one reads anyway takes them from its answer;
 * never across a write.
 */
export function shareRequests<R extends Asked>(requests: readonly R[]): readonly SharedRequest<R>[] {
  const shared: SharedRequest<R>[] = [];
  let reads: R[] = [];
  for (const request of requests) {
    if (isRead(request)) reads.push(request);
    else {
      shared.push(...sharedReads(reads), { request, served: [] });
      reads = [];
    }
  }
  shared.push(...sharedReads(reads));
  return shared;
}
