import { once } from 'node:events';
import { connect } from 'node:net';
import { serveParent } from '#hal/process-link.ts';
import { delay, wallMs } from '#hal/wall.ts';

/**
 * What the machine itself can do, seen by a process that does nothing else: it wakes once a second, half a second apart
 * from the board, and makes as many exchanges with the devices' process as the board's control does.
 */
export interface BareProtocol {
  /** @param port of a server that sends back what it gets */
  readonly open: (port: number) => void;
  /** Milliseconds from each second's half to the end of its exchanges. */
  readonly stop: (nothing: null) => readonly number[];
}

/** Of a second in which the inverter and the battery are read and told that the board is alive, and one gets an order. */
const exchanges = 9;
const request = Buffer.alloc(12);

const afterMs: number[] = [];
let isStopped = false;
let running: Promise<void> = Promise.resolve();

async function run(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  try {
    for (;;) {
      const half = Math.floor(wallMs() / 1000 + 0.5) * 1000 + 500;
      while (wallMs() < half) await delay(half - wallMs());
      if (isStopped) return;
      for (let count = 0; count < exchanges; count++) {
        socket.write(request);
        await once(socket, 'data');
      }
      afterMs.push(wallMs() - half);
    }
  } finally {
    socket.destroy();
  }
}

async function stop(): Promise<readonly number[]> {
  isStopped = true;
  await running;
  return afterMs;
}

serveParent<BareProtocol>(
  {
    open: async (port) => {
      running = run(port);
    },
    stop,
  },
  async () => void (await stop()),
);
