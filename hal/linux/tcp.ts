import net from 'node:net';
import type { Duplex } from 'node:stream';
import { GridError, reasonOf } from '../errors.ts';
import type { BytePort } from '../ports.ts';
import { deadline } from '../wall.ts';

const connectTimeoutMs = 5000;

/** A byte port over TCP: Modbus TCP devices, serial device servers, emulated serial lines. */
export class TcpPort implements BytePort {
  readonly name: string;
  readonly isChecked = true;
  readonly #host: string;
  readonly #port: number;

  constructor(host: string, port: number) {
    this.name = `tcp ${host}:${port}`;
    this.#host = host;
    this.#port = port;
  }

  open(): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: this.#host, port: this.#port, noDelay: true });
      const timeout = deadline(connectTimeoutMs, () => {
        socket.destroy(new Error(`no answer within ${connectTimeoutMs} ms`));
      });
      const onError = (error: Error): void => {
        timeout[Symbol.dispose]();
        const hint = 'Check the address, the cable and that the device allows another client.';
        reject(new GridError('GTX-HAL-001', `Cannot open ${this.name}: ${reasonOf(error)}`, { hint, cause: error }));
      };
      socket.once('error', onError);
      socket.once('connect', () => {
        timeout[Symbol.dispose]();
        socket.off('error', onError);
        resolve(socket);
      });
    });
  }
}

/** Listens on loopback for byte streams; `port` 0 takes any free one. Disposing ends every connection. */
export async function listenTcp(port: number, onConnection: (stream: Duplex) => void): Promise<TcpListener> {
  const open = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new GridError('GTX-HAL-002', `Cannot listen on port ${port}: ${reasonOf(error)}`, { cause: error }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as net.AddressInfo;
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

export interface TcpListener extends AsyncDisposable {
  readonly port: number;
}
