import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { ReadStream } from 'node:tty';
import { GridError, reasonOf } from '../errors.ts';

/** A pair of ends of one line: programs open `path` as a serial port, we hold `stream`. */
export interface PseudoTerminal extends AsyncDisposable {
  readonly path: string;
  readonly stream: Duplex;
}

/** Longer than any name below /dev/pts, and than a `termios` of any libc. */
const enough = 256;

/**
 * Makes a pseudo-terminal in raw mode, every byte as it is: a serial line without hardware. It outlives the programs
 * that open and close it. With `link` it can be reached by that path too, until it is disposed.
 * Rejects with `GTX-HAL-030` where it cannot be had.
 */
export async function openPseudoTerminal(link?: string): Promise<PseudoTerminal> {
  let open: number[] = [];
  try {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load(null);
    const master = libc.func('int posix_openpt(int)')(constants.O_RDWR | constants.O_NOCTTY) as number;
    if (master < 0) throw new Error('no pseudo-terminal is free');
    open = [master];
    const nameBytes = Buffer.alloc(enough);
    const calls = [
      libc.func('int grantpt(int)')(master),
      libc.func('int unlockpt(int)')(master),
      libc.func('int ptsname_r(int, void *, size_t)')(master, nameBytes, enough),
    ];
    if (calls.some((result) => result !== 0)) throw new Error('the pseudo-terminal cannot be unlocked');
    const path = nameBytes.toString('utf8', 0, nameBytes.indexOf(0));
    // Held open by us as well: a line does not end because a program closes its port.
    const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    open.push(slave);
    const settings = Buffer.alloc(enough);
    libc.func('int tcgetattr(int, void *)')(slave, settings);
    libc.func('void cfmakeraw(void *)')(settings);
    libc.func('int tcsetattr(int, int, void *)')(slave, 0, settings);
    if (link !== undefined) await symlink(path, link);
    const stream = new ReadStream(master);
    return {
      path: link ?? path,
      stream,
      async [Symbol.asyncDispose]() {
        if (link !== undefined) unlinkSync(link);
        const closed = new Promise<void>((resolve) => {
          stream.once('close', () => resolve());
        });
        stream.destroy();
        await closed;
        closeSync(slave);
      },
    };
  } catch (error) {
    for (const fd of open) closeSync(fd);
    throw new GridError(
      'GTX-HAL-030',
      `Cannot make a pseudo-terminal${link === undefined ? '' : ` ${link}`}: ${reasonOf(error)}`,
      {
        hint: 'It needs Linux; the path must be free and its folder writable.',
        cause: error,
      },
    );
  }
}
