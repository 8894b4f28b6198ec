import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createLog } from '#hal/log.ts';
import { serveParent } from '#hal/process-link.ts';
import { channelNames } from '#ieee2030_5/ext/channels.ts';
import { serverTls } from '#ieee2030_5/tls.ts';
import { openDatabase } from '#head-end/database/database.ts';
import { copyRows } from '#head-end/readings/copy-rows.ts';
import type { BareIdentity } from './bare-day.ts';

/**
 * The least that a head-end can do: a `node:https` server that reads no document, and answers the posts of all boards
 * when as many readings as they hold are on the disk of a real PostgreSQL.
 */
export interface BareServerProtocol {
  /** @returns its port */
  readonly open: (given: {
    readonly folder: string;
    readonly boards: number;
    readonly identity: BareIdentity;
  }) => number;
  readonly stop: (nothing: null) => void;
}

const resources = new AsyncDisposableStack();

async function open({ folder, boards, identity }: Parameters<BareServerProtocol['open']>[0]): Promise<number> {
  const { pool } = resources.use(await openDatabase({ folder, log: createLog('bare-server', 'warn') }));
  const waiting: (() => void)[] = [];
  let periodStart = 1_782_136_800;
  const commit = async (): Promise<void> => {
    const answers = waiting.splice(0);
    periodStart += 15;
    const rows = Array.from({ length: boards * channelNames.length }, (_, i) => ({
      channelId: i + 1,
      periodStart,
      duration: 15,
      value: 123_456 + i,
    }));
    const client = await pool.connect();
    await copyRows(client, rows);
    client.release();
    for (const answer of answers) answer();
  };
  const server = https.createServer(serverTls(identity), (request, response) => {
    request.resume();
    request.on('end', () => {
      waiting.push(() => response.writeHead(201, { 'content-length': 0 }).end());
      if (waiting.length === boards) void commit();
    });
  });
  resources.defer(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const stop = (): Promise<void> => resources.disposeAsync();
serveParent<BareServerProtocol>({ open, stop }, stop);
