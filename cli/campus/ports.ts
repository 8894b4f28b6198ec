import { GridError, reasonOf, systemCode } from '#hal/errors.ts';
import { listenTcp } from '#hal/linux/tcp.ts';

/** Throws `GTX-CMP-004` when both servers are asked to listen on one port. */
export function checkDistinct({ sepPort, httpPort }: { readonly sepPort: number; readonly httpPort: number }): void {
  if (sepPort === 0 || sepPort !== httpPort) return;
  throw new GridError('GTX-CMP-004', `--sep-port and --http-port are both ${sepPort}`, {
    kind: 'input',
    hint: 'Give each server a port of its own; 0 takes any free one.',
  });
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
