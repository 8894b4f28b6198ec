import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import net from 'node:net';
import { writeFailed } from '../atomic-file.ts';
import { GridError, reasonOf } from '../errors.ts';
import type { TpmChannel, TpmPort } from '../key-store.ts';
import { delay, monotonicMs } from '../wall.ts';
import { TpmOverTcp } from './tpm-over-tcp.ts';

const startTimeoutMs = 10_000;
const pollMs = 5;
/** TPM2_GetRandom of one octet: a question that any started TPM answers. */
const getRandom = Buffer.from('80010000000c0000017b0001', 'hex');
/** What is kept of the emulator's own words for an error message. */
const wordsKept = 2000;

/**
 * An emulated TPM in a process of its own, its state in a folder, on a free port of loopback. It ends with the program
 * that started it, also where that is killed. Anyone on the machine can use its keys: an emulator protects nothing.
 */
export class Swtpm implements TpmPort, AsyncDisposable {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #port = 0;

  /** `folder`: the emulator's state, made by `swtpm_setup` or empty at first. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get name(): string {
    return `swtpm ${this.#folder}`;
  }

  /** The port on 127.0.0.1, once it is started. */
  get port(): number {
    return this.#port;
  }

  /**
   * Starts the emulator and waits until it answers. Throws GTX-TPM-010 where it does not start, GTX-HAL-020 where
   * its folder cannot be made.
   */
  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw writeFailed(this.#folder, error);
    });
    this.#port = await freePort();
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'swtpm', ...swtpmArguments(this.#folder, this.#port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-wordsKept);
    });
    child.once('error', (error) => {
      words += reasonOf(error);
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    if (await this.#answers(child)) return;
    await this[Symbol.asyncDispose]();
    // Its last words may come after its end.
    if (child.pid !== undefined) await closed;
    throw new GridError('GTX-TPM-010', `The TPM emulator for ${this.#folder} did not start: ${words.trim()}`, {
      hint: 'It needs swtpm: `apt-get install -y --no-install-recommends swtpm swtpm-tools`.',
    });
  }

  open(): Promise<TpmChannel> {
    return new TpmOverTcp('127.0.0.1', this.#port).open();
  }

  /** Whether it answers before it ends, or its time is over. */
  async #answers(child: ChildProcess): Promise<boolean> {
    const until = monotonicMs() + startTimeoutMs;
    while (monotonicMs() < until) {
      // Also gives a program that is not there the time to say so.
      await delay(pollMs);
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
      try {
        await using channel = await this.open();
        // It takes callers before it has read its state, which may stop it yet.
        await channel.transact(getRandom);
        return true;
      } catch {
        // Not yet, or never: then its process ends.
      }
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
}

const swtpmArguments = (folder: string, port: number): string[] =>
  [
    ['socket', '--tpm2', '--tpmstate', `dir=${folder},mode=0600`],
    ['--server', `type=tcp,port=${port},bindaddr=127.0.0.1`, '--flags', 'not-need-init,startup-clear'],
  ].flat();

/** swtpm takes no port 0, so one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
