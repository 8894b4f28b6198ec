import { text } from 'node:stream/consumers';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { OutboxFile } from '../outbox-file.ts';
import { Connection } from './connection.ts';
import { UtilityClient } from './utility-client.ts';

/** What the test gives on stdin. */
export interface ResponseChildOrder {
  readonly identity: DeviceIdentity;
  readonly origin: string;
  readonly path: string;
  readonly from: number;
  readonly until: number;
}

/** A board's client from one instant to another, as fast as it goes; the test ends it with SIGKILL. */
const { identity, origin, path, from, until } = JSON.parse(await text(process.stdin)) as ResponseChildOrder;
const clock = new VirtualClock(UnixSeconds(from));
await using stack = new AsyncDisposableStack();
const outboxFile = stack.use(new OutboxFile(path));
const connection = stack.use(new Connection(origin, identity));
const { lfdi } = identity;
const log = createLog('child', 'silent');
const serverUrl = `${origin}/dcap`;
const client = new UtilityClient({ clock, connection, serverUrl, lfdi, outboxFile, board: 'B', seed: 1, log });
await client.start();
stack.use(client);
await clock.runUntil({ time: until, phase: 0 });
