import type { Duplex } from 'node:stream';
import { headerBytes } from './protocol.ts';
import { isIntact, maxFrameBytes, requestBytes, rtuFrame } from './rtu-frame.ts';
import { answer, type RegisterBank } from './server.ts';

/**
 * Serves register banks on one RTU line. A damaged request and one for a unit that is not here are not answered, as
 * on a line. What cannot be the start of a request is dropped up to the next chunk.
 */
export function serveRtuStream(stream: Duplex, units: ReadonlyMap<number, RegisterBank>): void {
  let received = Buffer.alloc(0);
  stream.on('error', () => stream.destroy());
  stream.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const length = requestBytes(received);
      if (length === undefined) break;
      if (length === 0 || length > maxFrameBytes) {
        received = Buffer.alloc(0);
        break;
      }
      if (received.length < length) break;
      const frame = received.subarray(0, length);
      if (!isIntact(frame)) {
        received = Buffer.alloc(0);
        break;
      }
      received = received.subarray(length);
      const response = units.has(frame[0]!) ? respond(frame, units) : undefined;
      if (response !== undefined) stream.write(response);
    }
  });
}

/** By the Modbus TCP server's own rules: only what stands around unit and PDU differs. */
function respond(frame: Buffer, units: ReadonlyMap<number, RegisterBank>): Buffer | undefined {
  const response = answer(Buffer.concat([Buffer.alloc(headerBytes), frame.subarray(0, -2)]), units);
  return response === undefined ? undefined : rtuFrame(response.subarray(headerBytes));
}
