import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { type ChannelValues, channelNames } from '#ieee2030_5/ext/channels.ts';
import type { Resources } from './client/discovery.ts';
import type { Mirror } from './client/mirror.ts';
import { Health } from './health.ts';
import { Metering } from './metering.ts';
import { Outbox } from './outbox.ts';
import type { Posting } from './posting.ts';
import { OutboxFile } from './outbox-file.ts';
import type { BoardDevices } from './sampler.ts';

const values = Object.fromEntries(channelNames.map((name) => [name, 1])) as ChannelValues;

test('what has waited is not sent while a second is under control', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gtx-metering-'));
  t.after(() => rmSync(folder, { recursive: true }));
  using file = new OutboxFile(join(folder, 'outbox.db'));
  const outbox = new Outbox(file, 'A', channelNames);
  for (const start of [0, 15, 30]) await outbox.append({ start: UnixSeconds(start), duration: 15, values }, {});
  let control = Promise.withResolvers<void>();
  const taken: number[] = [];
  const post = async (_href: string, { start }: Posting) => {
    taken.push(start);
    // The next second begins while this one is on its way.
    control = Promise.withResolvers<void>();
    return { status: 201, location: undefined, elapsedMs: 1 };
  };
  const metering = new Metering({
    devices: {} as BoardDevices,
    outbox,
    mirror: { post } as unknown as Mirror,
    health: new Health(),
    log: createLog('test', 'silent'),
    onPosted: () => undefined,
    afterControl: () => control.promise,
  });
  const posting = metering.post({ mirrorUsagePoints: '/mup' } as Resources);
  for (const sent of [[], [0], [0, 15], [0, 15, 30]]) {
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    assert.deepEqual(taken, sent);
    control.resolve();
  }
  await posting;
});
