import { text } from 'node:stream/consumers';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { OutboxFile } from '../outbox-file.ts';
import { Connection } from './connection.ts';
import { alarmSeconds, type ResponseChildOrder } from './kill-order.ts';
import { UtilityClient } from './utility-client.ts';

const alarm = { functionSet: 11, logEventPEN: 40_732, profileID: 2, logEventCode: 0 } as const;

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
clock.every({ name: 'alarm', period: alarmSeconds, phase: 'sample' }, async (now) => {
  const holds = Math.floor(now / alarmSeconds) % 2 === 0;
  if (holds !== client.isStanding(alarm)) client.logEvent({ ...alarm, logEventCode: holds ? 0 : 1 });
});
await clock.runUntil({ time: until, phase: 0 });
