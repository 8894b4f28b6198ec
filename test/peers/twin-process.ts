import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');

export interface Served {
  readonly twin: string;
  readonly unit: number;
  readonly at: string;
}

/** `gridtokenx twin` with these arguments, as a person runs it. */
export class TwinProcess implements AsyncDisposable {
  readonly served: readonly Served[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, served: readonly Served[]) {
    this.#child = child;
    this.served = served;
  }

  /** Resolves when so many devices are served. Rejects when it ends before. */
  static async start(args: readonly string[], devices: number): Promise<TwinProcess> {
    const child = spawn(process.execPath, [join(root, 'cli', 'gridtokenx.js'), 'twin', ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let talk = '';
    child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    const served: Served[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      served.push(JSON.parse(line) as Served);
      if (served.length === devices) return new TwinProcess(child, served);
    }
    throw new Error(`gridtokenx twin ended: ${talk}`);
  }

  /** The TCP port at which the devices are served. */
  get port(): number {
    const tcp = this.served.find(({ at }) => at.startsWith('tcp'));
    return Number(tcp?.at.split(':')[1]);
  }

  /** Stops it as Ctrl-C does; its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    const [code] = (await exit) as [number | null];
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
