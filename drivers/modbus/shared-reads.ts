import { functionCode } from './protocol.ts';

/** A request as it will stand on the wire: an ADU of Modbus TCP. */
interface Asked {
  readonly frame: Buffer;
}

/** A request that goes on the wire, and the reads that its answer serves as well. */
export interface SharedRequest<R extends Asked> {
  readonly request: R;
  readonly served: { readonly request: R; readonly offsetBytes: number }[];
}

const isRead = ({ frame }: Asked): boolean =>
  frame[7] === functionCode.readHolding || frame[7] === functionCode.readInput;
const addressOf = ({ frame }: Asked): number => frame.readUInt16BE(8);
const countOf = ({ frame }: Asked): number => frame.readUInt16BE(10);

const holds = (outer: Asked, inner: Asked): boolean =>
  outer.frame[6] === inner.frame[6] &&
  outer.frame[7] === inner.frame[7] &&
  addressOf(outer) <= addressOf(inner) &&
  addressOf(inner) + countOf(inner) <= addressOf(outer) + countOf(outer);

/**
 * Of requests that travel together, a read of registers that another one reads anyway takes them from its answer;
 * never across a write.
 */
export function shareReads<R extends Asked>(requests: readonly R[]): readonly SharedRequest<R>[] {
  const shared: SharedRequest<R>[] = [];
  let reads: R[] = [];
  const share = (): void => {
    const hosts: SharedRequest<R>[] = [];
    for (const request of reads.toSorted((a, b) => countOf(b) - countOf(a))) {
      const host = hosts.find((other) => holds(other.request, request));
      if (host === undefined) hosts.push({ request, served: [] });
      else host.served.push({ request, offsetBytes: 2 * (addressOf(request) - addressOf(host.request)) });
    }
    shared.push(...hosts);
    reads = [];
  };
  for (const request of requests) {
    if (isRead(request)) reads.push(request);
    else {
      share();
      shared.push({ request, served: [] });
    }
  }
  share();
  return shared;
}
