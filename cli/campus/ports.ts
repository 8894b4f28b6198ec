import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { listenTcp } from '#hal/linux/tcp.ts';

/** A server that is to listen, and the flag of its port. */
export interface Listener {
  readonly port: number;
  readonly what: string;
  readonly flag: string;
}

/** Rejects with `GTX-CMP-004` when two servers are asked to listen on one port, and as `checkPort` does for each. */
export async function checkPorts(listeners: readonly Listener[]): Promise<void> {
  for (const { port, flag } of listeners) {
    const other = listeners.find((one) => one.flag !== flag && one.port === port && port !== 0);
    if (other === undefined) continue;
    throw new GridError('GTX-CMP-004', `${flag} and ${other.flag} are both ${port}`, {
      kind: 'input',
      hint: 'Give each server a port of its own; 0 takes any free one.',
    });
  }
  for (const { port, what, flag } of listeners) await checkPort(port, what, flag);
}

/**
 * Rejects with `GTX-CMP-003` when a port cannot be listened on: looked at before anything is made, so that a campus
 * that cannot run changes nothing.
 */
export async function checkPort(port: number, what: string, flag: string): Promise<void> {
  try {
    await using _probe = await listenTcp(port, (stream) => stream.destroy());
  } catch (error) {
    const cause = error instanceof GridError ? error.cause : error;
    const why = systemCode(cause) === 'EADDRINUSE' ? 'is taken' : `cannot be used: ${reasonOf(cause)}`;
    throw new GridError('GTX-CMP-003', `Port ${port} of ${what} ${why}`, {
      hint: `Choose another with ${flag} PORT; 0 takes any free one.`,
      cause,
    });
  }
}
