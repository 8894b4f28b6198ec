import { connect, type TLSSocket } from 'node:tls';
import { GridError } from '#hal/errors.ts';
import { serveParent } from '#hal/process-link.ts';
import { mediaType } from '#ieee2030_5/namespaces.ts';
import { clientTls, type TlsIdentity } from '#ieee2030_5/tls.ts';

export interface LoadTarget {
  readonly port: number;
  /** One connection for each; all are kept alive. */
  readonly identities: readonly TlsIdentity[];
}

export interface OpenedTarget {
  readonly id: number;
  /** Of the handshake. */
  readonly cipher: string;
  /** What the server answers. */
  readonly head: string;
  readonly body: string;
}

/** What the benchmark asks of the process that makes the load. */
export interface LoadProtocol {
  readonly open: (target: LoadTarget) => OpenedTarget;
  /** So many GETs of /dcap, over all connections of a target; each has one under way. */
  readonly run: (what: { readonly id: number; readonly requests: number }) => void;
  readonly stop: (nothing: null) => void;
}

const request = Buffer.from(
  `GET /dcap HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: keep-alive\r\naccept: ${mediaType}\r\n\r\n`,
);
const headEnd = '\r\n\r\n';

/** One kept-alive connection; the answers to its requests are all of one length. */
class LoadConnection {
  readonly socket: TLSSocket;
  #received: Buffer[] = [];
  #length = 0;
  #expected: number | undefined;
  #onAnswer: ((answer: Buffer) => void) | undefined;
  #onError: ((error: Error) => void) | undefined;
  #failure: GridError | undefined;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    const fail = (why: string): void => {
      this.#failure ??= new GridError('GTX-TST-020', `The connection of the load failed: ${why}`);
      this.#onError?.(this.#failure);
    };
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed by the server'));
  }

  static open(port: number, identity: TlsIdentity): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ...clientTls(identity) });
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(new LoadConnection(socket));
      });
    });
  }

  /** The answer with its head. Rejects with `GTX-TST-020`. */
  get(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#onAnswer = resolve;
      this.#onError = reject;
      this.socket.write(request);
    });
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#length += chunk.length;
    this.#expected ??= expectedLength(Buffer.concat(this.#received));
    if (this.#expected === undefined || this.#length < this.#expected) return;
    const answer = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    this.#received = [];
    this.#length = 0;
    if (answer.length === this.#expected && answer.toString('latin1', 9, 12) === '200') this.#onAnswer?.(answer);
    else this.#onError?.(new GridError('GTX-TST-020', `The load got another answer:\n${answer.toString()}`));
  }
}

/** Of an answer, when its head is there. */
function expectedLength(start: Buffer): number | undefined {
  const end = start.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = start.toString('latin1', 0, end);
  return end + headEnd.length + Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
}

const targets: LoadConnection[][] = [];

async function open({ port, identities }: LoadTarget): Promise<OpenedTarget> {
  const connections = await Promise.all(identities.map((identity) => LoadConnection.open(port, identity)));
  const [first] = connections;
  if (first === undefined) throw new GridError('GTX-TST-020', 'The load needs an identity');
  const answer = (await first.get()).toString();
  const [head = '', body = ''] = answer.split(headEnd);
  const id = targets.push(connections) - 1;
  return { id, cipher: first.socket.getCipher().name, head, body };
}

async function run({ id, requests }: { readonly id: number; readonly requests: number }): Promise<void> {
  let left = requests;
  await Promise.all(
    (targets[id] ?? []).map(async (connection) => {
      while (left-- > 0) await connection.get();
    }),
  );
}

const stop = (): Promise<void> => {
  for (const { socket } of targets.flat()) socket.destroy();
  return Promise.resolve();
};

serveParent<LoadProtocol>({ open, run, stop }, stop);
