import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { serveParent } from '#hal/process-link.ts';
import { clientTls } from '#ieee2030_5/tls.ts';
import type { BareIdentity } from './bare-day.ts';

/**
 * The least that boards can do: nothing is simulated, measured, controlled or kept; each makes its exchanges with a
 * server of the same process, as with its devices, and posts a document that was written once.
 */
export interface BareLaneProtocol {
  readonly open: (given: {
    readonly boards: number;
    readonly port: number;
    readonly identity: BareIdentity;
    readonly body: string;
  }) => void;
  /** One tick of the clock: resolves when all boards' posts are answered. */
  readonly tick: (nothing: null) => void;
  readonly stop: (nothing: null) => void;
}

/** A board's with its inverter, its battery and its clamps for one sample, one after another. */
const exchanges = 3;
const request = Buffer.alloc(24);
/** Of a device: the registers of a sample. */
const answer = Buffer.alloc(100);

const resources = new AsyncDisposableStack();
const boards: (() => Promise<void>)[] = [];

async function open(given: Parameters<BareLaneProtocol['open']>[0]): Promise<void> {
  const { port, identity, body } = given;
  const devices = createServer({ noDelay: true }, (socket) => socket.on('data', () => socket.write(answer)));
  devices.listen(0, '127.0.0.1');
  await once(devices, 'listening');
  resources.defer(() => void devices.close());
  for (let i = 0; i < given.boards; i++) {
    const device = connect({ port: (devices.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
    await once(device, 'connect');
    resources.defer(() => void device.destroy());
    const connector = buildConnector(clientTls(identity));
    const link = new Client(`https://127.0.0.1:${port}`, { connect: connector });
    resources.defer(() => link.close());
    boards.push(() => tickOf(device, link, body));
  }
}

async function tickOf(device: Socket, link: Client, body: string): Promise<void> {
  for (let count = 0; count < exchanges; count++) {
    device.write(request);
    await once(device, 'data');
  }
  const headers = { 'content-type': 'application/sep+xml' };
  const response = await link.request({ method: 'POST', path: '/mup/1', headers, body });
  await response.body.dump();
}

const tick = async (): Promise<void> => void (await Promise.all(boards.map((board) => board())));
const stop = (): Promise<void> => resources.disposeAsync();
serveParent<BareLaneProtocol>({ open, tick, stop }, stop);
