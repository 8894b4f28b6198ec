import net from 'node:net';
import { reasonOf } from '../errors.ts';
import type { TpmChannel, TpmPort } from '../key-store.ts';
import { malformed, statedSize, unanswered, unreachable } from '../tpm-response.ts';
import { deadline } from '../wall.ts';

/** The longest an emulated TPM takes, RSA keys included; other clients' commands come first. */
const answerTimeoutMs = 30_000;
const closeTimeoutMs = 1000;

/**
 * An emulated TPM (swtpm) on its TCP data port. It serves one client at a time and others wait, so each command has a
 * connection of its own: several programs can then share it. Object slots are shared too; nobody frees them for a
 * client that died.
 */
export class TpmOverTcp implements TpmPort {
  readonly name: string;
  readonly #host: string;
  readonly #port: number;

  constructor(host: string, port: number) {
    this.name = `tpm tcp ${host}:${port}`;
    this.#host = host;
    this.#port = port;
  }

  async open(): Promise<TpmChannel> {
    await closed(await this.#connect());
    return {
      transact: async (command) => exchange(await this.#connect(), this.name, command),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #connect(): Promise<net.Socket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: this.#host, port: this.#port, noDelay: true });
      const refused = (error: Error): void => {
        reject(unreachable(this.name, reasonOf(error), 'Is swtpm running there?', error));
      };
      socket.once('error', refused);
      socket.once('connect', () => {
        socket.off('error', refused);
        resolve(socket);
      });
    });
  }
}

/** Waits for the other end too: swtpm keeps no more than one caller waiting, and a second loses a second. */
function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const timeout = deadline(closeTimeoutMs, () => socket.destroy());
    // An end that resets instead of closing is closed all the same.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      timeout[Symbol.dispose]();
      resolve();
    });
    socket.resume();
    socket.end();
  });
}

async function exchange(socket: net.Socket, name: string, command: Uint8Array): Promise<Uint8Array> {
  let timeout: Disposable | undefined;
  try {
    const response = await new Promise<Uint8Array>((resolve, reject) => {
      timeout = deadline(answerTimeoutMs, () => reject(unanswered(name, `nothing within ${answerTimeoutMs} ms`)));
      socket.on('error', (error) => reject(unanswered(name, reasonOf(error), error)));
      socket.on('close', () => reject(unanswered(name, 'it closed the connection')));
      let received = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        try {
          const size = statedSize(received);
          if (size === undefined || received.length < size) return;
          if (received.length > size) throw malformed(`${received.length - size} octets follow a response`);
          resolve(received);
        } catch (error) {
          reject(error);
        }
      });
      socket.write(command);
    });
    await closed(socket);
    return response;
  } finally {
    timeout?.[Symbol.dispose]();
    socket.destroy();
  }
}
