import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, start } from '#edge/client/test-utility.ts';
import type { BoardRegisters } from '#edge/sampler.ts';
import { watts } from '#edge/control/test-site.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { SmallDisk } from './full-disk.ts';
import { FaultySite, type Second } from './faulty-site.ts';

const exportW = ({ gridW }: Second): number => 0 - gridW;
const greatest = (seconds: readonly Second[]): number => Math.max(...seconds.map(exportW));

test('disk full: control goes on, also by what comes anew; readings are counted as lost, and kept again later', async (t) => {
  using disk = SmallDisk.mount(t, 1 << 20);
  if (disk === undefined) return;
  const connection = { importLimitW: 20_000, exportLimitW: 4_000 };
  await using site = await FaultySite.start(t, { connection, charge: 100, folder: disk.folder });
  await site.runTo(100);
  const before = site.board.outbox.totals;
  assert.ok(before.queued > 0 && before.queued === before.acknowledged);
  disk.fill();
  site.utility.setControls([
    control({ mRID: 1, from: 200, seconds: 100, base: watts('opModExpLimW', 1_000) }),
    control({ mRID: 2, from: 300, seconds: 100, base: watts('opModExpLimW', 500) }),
  ]);
  await site.runTo(400);
  assert.equal(greatest(site.between(102, 200)), 4_000);
  assert.equal(greatest(site.between(202, 300)), 1_000);
  assert.equal(greatest(site.between(302, 400)), 500);
  const full = site.board.outbox.totals;
  assert.match(site.board.health.find(({ part }) => part === 'outbox')?.fault ?? '', /GTX-OUT-002/);
  disk.free();
  await site.runTo(520);
  const after = site.board.outbox.totals;
  t.diagnostic(
    `of ${after.queued} readings ${after.dropped} are counted as lost, ${after.acknowledged} are at the head-end`,
  );
  assert.ok(after.acknowledged > full.acknowledged);
  assert.equal(after.queued, after.acknowledged + after.dropped);
  assert.ok(after.dropped > 0);
  assert.deepEqual(
    site.board.health.filter(({ isWell }) => !isWell),
    [],
  );
  assert.ok(site.board.outbox.report().gaps.some(({ why }) => why === 'not kept'));
  assert.equal(greatest(site.between(450, 520)), 4_000);
});

const faultOf = (site: FaultySite): string => site.board.health.find(({ part }) => part === 'outbox')?.fault ?? '';
const importOf = (site: FaultySite): number =>
  (site.board.outbox.state('registers') as BoardRegisters | undefined)?.grid.importWh ?? 0;

interface DiskCase {
  readonly name: string;
  readonly fail: (disk: SmallDisk) => void;
  readonly mend: (disk: SmallDisk) => void;
  /** The board has run before. */
  readonly hasRun: boolean;
}

const [full, readOnly] = [
  { fail: (disk: SmallDisk) => disk.fill(), mend: (disk: SmallDisk) => disk.free() },
  { fail: (disk: SmallDisk) => disk.setReadOnly(true), mend: (disk: SmallDisk) => disk.setReadOnly(false) },
];
const atTheStart: readonly DiskCase[] = [
  { name: 'disk full', ...full, hasRun: false },
  { name: 'disk full, of a board that has run before', ...full, hasRun: true },
  { name: 'disk read-only, of a board that has run before', ...readOnly, hasRun: true },
];

for (const { name, fail, mend, hasRun } of atTheStart) {
  test(`${name}, at the start: control runs all the same, and readings are kept when there is room`, async (t) => {
    using disk = SmallDisk.mount(t, 1 << 20);
    if (disk === undefined) return;
    const options = {
      connection: { importLimitW: 20_000, exportLimitW: 4_000 },
      charge: 100,
      folder: disk.folder,
      // Drawn from the grid, but for the time with an order.
      loadW: (at: number) => (at < 50 ? 17_000 : 1_000),
    };
    let [countedWh, queued] = [0, 0];
    if (hasRun) {
      await using site = await FaultySite.start(t, options);
      await site.runTo(100);
      [countedWh, queued] = [importOf(site), site.board.outbox.totals.queued];
    }
    fail(disk);
    await using site = await FaultySite.start(t, { ...options, startsAt: start + 600 });
    await site.runTo(1);
    assert.match(faultOf(site), /GTX-OUT-001/);
    site.utility.setControls([control({ mRID: 1, from: 150, seconds: 100, base: watts('opModExpLimW', 1_000) })]);
    await site.runTo(300);
    for (const [from, limitW] of [
      [52, 4_000],
      [152, 1_000],
    ] as const) {
      const exportsW = greatest(site.between(from, from + 98));
      // The battery takes some of it.
      assert.ok(exportsW >= limitW - 500 && exportsW <= limitW, `${exportsW} W`);
    }
    assert.ok(site.utility.responses().length > 0, 'the event is answered');
    const lost = site.board.outbox.totals;
    assert.ok(lost.queued > 0 && lost.dropped === lost.queued && site.board.outbox.size === 0);
    assert.ok(
      !site.utility.received.some(({ what }) => what === 'POST /mup/1'),
      'nothing is told by registers of its own',
    );
    mend(disk);
    await site.runTo(400);
    assert.deepEqual(
      site.board.health.filter(({ isWell }) => !isWell),
      [],
    );
    const { totals } = site.board.outbox;
    t.diagnostic(`${totals.queued} readings, ${totals.dropped} of them lost; import ${importOf(site)} Wh`);
    assert.equal(totals.dropped, lost.dropped);
    assert.ok(totals.acknowledged > 0 && totals.queued === totals.acknowledged + totals.dropped);
    assert.ok(totals.queued > queued + lost.queued);
    const whys = site.board.outbox.report().gaps.map(({ why }) => why);
    assert.deepEqual(whys, hasRun ? ['not measured', 'not kept'] : ['not kept']);
    // Each clamp counter truncates.
    assert.ok(Math.abs(importOf(site) - countedWh - site.field.site.importWh) <= 2);
    assert.ok(site.field.site.importWh > 10);
  });
}

test('clock not set: control goes on, readings are counted as lost, and none gets a time that was not', async (t) => {
  const folder = temporaryFolder(t, 'clock');
  const connection = { importLimitW: 20_000, exportLimitW: 4_000 };
  {
    await using site = await FaultySite.start(t, { connection, charge: 100, folder, startsAt: 300 });
    // Its certificates are not valid yet.
    site.utility.isDown = true;
    await site.runTo(100);
    assert.equal(greatest(site.between(2, 100)), 4_000);
    const { queued, dropped } = site.board.outbox.totals;
    t.diagnostic(`${dropped} readings are counted as lost`);
    assert.ok(queued > 0 && dropped === queued && site.board.outbox.size === 0);
    assert.match(site.board.health.find(({ part }) => part === 'clock')?.fault ?? '', /GTX-EDG-045/);
  }
  await using site = await FaultySite.start(t, { connection, charge: 100, folder });
  await site.runTo(100);
  const { queued, acknowledged, dropped } = site.board.outbox.totals;
  assert.ok(acknowledged > 0 && queued === acknowledged + dropped);
  const times = site.utility.received.flatMap(({ what, body }) =>
    what === 'POST /mup/1' ? [...body.matchAll(/<start>(\d+)/g)].map(([, time]) => Number(time)) : [],
  );
  assert.ok(times.length > 0 && times.every((time) => time >= 1_800_000_000), String(Math.min(...times)));
});
