import net from 'node:net';
import type { Duplex } from 'node:stream';
import { listenTcp, type TcpListener } from '#hal/linux/tcp.ts';

/** `cut`: connections end and new ones are refused. `silent`: they stay, and nothing comes through any more, not even an end. */
export type CableState = 'whole' | 'cut' | 'silent';

interface Link {
  readonly near: Duplex;
  readonly far: net.Socket;
}

/** A cable between a board and a device, in the middle of their TCP connection. */
export class Cable implements AsyncDisposable {
  readonly #farPort: number;
  readonly #links = new Set<Link>();
  #listener: TcpListener | undefined;
  #nearPort = 0;
  #state: CableState = 'whole';
  /** What the board gets of what the device says. */
  tamper: (chunk: Buffer) => Buffer = (chunk) => chunk;

  constructor(farPort: number) {
    this.#farPort = farPort;
  }

  /** Answers the port for the board's end. */
  async start(): Promise<number> {
    this.#listener = await listenTcp(0, (near) => this.#join(near));
    this.#nearPort = this.#listener.port;
    return this.#nearPort;
  }

  async put(state: CableState): Promise<void> {
    this.#state = state;
    if (state === 'silent') return;
    // What was lost on the way cannot be made good: both ends begin anew.
    for (const link of this.#links) end(link);
    this.#links.clear();
    if (state === 'cut') {
      await this.#listener?.[Symbol.asyncDispose]();
      this.#listener = undefined;
    } else this.#listener ??= await listenTcp(this.#nearPort, (near) => this.#join(near));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) end(link);
    await this.#listener?.[Symbol.asyncDispose]();
  }

  #join(near: Duplex): void {
    const link: Link = { near, far: net.connect({ host: '127.0.0.1', port: this.#farPort, noDelay: true }) };
    const { far } = link;
    this.#links.add(link);
    near.on('data', (chunk: Buffer) => this.#state === 'whole' && far.write(chunk));
    far.on('data', (chunk: Buffer) => this.#state === 'whole' && near.write(this.tamper(chunk)));
    for (const side of [near, far]) {
      side.on('error', () => this.#lost(link));
      side.on('close', () => this.#lost(link));
    }
  }

  #lost(link: Link): void {
    if (this.#state === 'silent') return;
    end(link);
    this.#links.delete(link);
  }
}

function end({ near, far }: Link): void {
  near.destroy();
  far.destroy();
}
