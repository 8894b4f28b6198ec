import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { systemCode } from './errors.ts';

/**
 * Holds a name for this process until disposed; `undefined` when another process of this machine holds it, whoever
 * runs it. The kernel lets go of it when the process dies, however it dies, and nothing is left behind: the name is a
 * Unix socket's in Linux' abstract namespace (unix(7)). Elsewhere nothing is held: boards run Linux.
 */
export async function tryHoldName(name: string): Promise<AsyncDisposable | undefined> {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: () => Promise.resolve() };
  // An address has room for 107 bytes.
  const path = `\0gridtokenx-${createHash('sha256').update(name).digest('hex')}`;
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path }, resolve);
    });
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
      }),
  };
}
