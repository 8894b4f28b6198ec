import type { Duplex } from 'node:stream';

/** A port that carries bytes: a serial line, a TCP connection to a gateway or a device, a pseudo-terminal. */
export interface BytePort {
  /** How a person finds it: `tcp 127.0.0.1:502`, `serial /dev/ttyAMA0 115200`. */
  readonly name: string;
  /** Opens it. Rejects with a `GridError` (`GTX-HAL-…`) that says what to check. */
  open(): Promise<Duplex>;
}
