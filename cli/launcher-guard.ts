import { Socket } from 'node:net';

/** The longest that an orderly stop may take after the launcher is gone, in milliseconds. */
const stopWithinMs = 10_000;

/**
 * Ends this process, as SIGTERM would, when the launcher that started it is gone (killed, or its terminal's
 * session torn down), so that nothing is left running that nobody can reach. Does nothing where there is none.
 */
export function followLauncher(): void {
  const fd = Number(process.env['GRIDTOKENX_LAUNCHER_FD']);
  // Children of this process have no such pipe at that number.
  delete process.env['GRIDTOKENX_LAUNCHER_FD'];
  if (!Number.isInteger(fd)) return;
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.unref();
  pipe.on('error', () => pipe.destroy());
  pipe.on('close', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), stopWithinMs).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  pipe.resume();
}
