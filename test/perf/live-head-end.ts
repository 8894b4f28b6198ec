import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { LockstepLeader } from '#hal/emulated/lockstep.ts';
import type { ChildLink } from '#hal/process-link.ts';
import { wallSeconds } from '#hal/wall.ts';
import { prepareIdentities } from '#cli/campus/identities.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { HeadEndProtocol } from '#head-end/protocol.ts';
import { forked } from './forked.ts';

export interface LiveHeadEnd {
  readonly sepPort: number;
  readonly boardsFolder: string;
  readonly link: ChildLink<HeadEndProtocol>;
}

/** A head-end in a process of its own, in real time, that knows the boards of these files. */
export async function startLiveHeadEnd(
  resources: AsyncDisposableStack,
  folder: string,
  files: readonly BoardFile[],
): Promise<LiveHeadEnd> {
  const { serverFolder, boardsFolder, devices } = await prepareIdentities(
    join(folder, 'ca'),
    join(folder, 'identities'),
    files,
  );
  const link = forked<HeadEndProtocol>(resources, 'the head-end', import.meta.resolve('#head-end/main.ts'));
  const zone = files[0]?.zone ?? 'perf';
  const { sepPort } = await link.call('open', {
    dataFolder: folder,
    databaseUrl: undefined,
    sepPort: 0,
    httpPort: 0,
    identityFolder: serverFolder,
    devices,
    zone,
    site: { name: 'perf', timeZone: 'UTC' },
    speed: 1,
    logLevel: 'silent',
  });
  const start = wallSeconds();
  const next = await link.call('begin', { start });
  const participant = {
    name: link.name,
    runUntil: (bound: Parameters<HeadEndProtocol['runUntil']>[0]) => link.call('runUntil', bound),
  };
  const stopping = new AbortController();
  const led = new LockstepLeader([{ participant, next }], { start, speed: 1 }).run(stopping.signal);
  resources.defer(async () => {
    stopping.abort();
    await led;
  });
  return { sepPort, boardsFolder, link };
}

/** A way to a port that can be closed: connections are refused then, and those that there are end. */
export class Gate implements AsyncDisposable {
  readonly #to: number;
  readonly #open = new Set<Socket>();
  #port = 0;
  readonly #server = createServer((socket) => this.#pass(socket));

  constructor(to: number) {
    this.#to = to;
  }

  /** Answers the port, which stays the same. */
  async open(): Promise<number> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pass(near: Socket): void {
    const far = connect(this.#to, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(one);
      one.on('error', () => one.destroy());
      one.once('close', () => {
        this.#open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
