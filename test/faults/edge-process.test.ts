import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { EdgeBench, exportLimitW } from './edge-process.ts';
import type { Second } from './field.ts';
import { SmallDisk } from './full-disk.ts';

const revertSeconds = 60;
const exportW = ({ gridW }: Second): number => 0 - gridW;

/** The load is gone with the board, and the devices are alone: they revert by themselves. */
function assertReverts(t: TestContext, bench: EdgeBench): void {
  const before = bench.newest;
  bench.loadW = 0;
  const seconds = bench.pass(revertSeconds + 1);
  const over = seconds.findLastIndex((second) => exportW(second) > exportLimitW) + 1;
  t.diagnostic(`export ${exportW(seconds[0]!)} W, at most ${exportLimitW} W after ${over} s`);
  assert.ok(before.pvW + before.batteryW > exportLimitW, `it gave ${before.pvW} and ${before.batteryW} W`);
  assert.ok(over > 0 && over <= revertSeconds, `${over} s`);
  assert.equal(bench.newest.batteryW, 0);
  assert.ok(bench.newest.pvW <= exportLimitW);
}

/** PV and battery feed the load again, rising slowly. */
async function comesBack(bench: EdgeBench): Promise<void> {
  bench.loadW = 6_000;
  const from = bench.field.seconds.length - 1;
  await bench.until('control is back', ({ pvW, batteryW }) => pvW > 1.2 * exportLimitW && batteryW > 0);
  // Up to the export limit it may give at once whatever is drawn.
  const given = bench.field.seconds.slice(from).map(({ pvW }) => Math.max(pvW, exportLimitW));
  const rises = given.slice(1).map((pvW, i) => pvW - given[i]!);
  // One percent of the rating of both a second, and two seconds when one was late.
  assert.ok(Math.max(...rises) <= 2 * 150 + 10, `${Math.max(...rises)} W a second`);
}

test(`board stopped, killed, and without power: export at most ${exportLimitW} W within ${revertSeconds} s, and back by itself`, async (t) => {
  const bench = await EdgeBench.start(t);
  const first = bench.edge();
  await bench.until('export is limited', ({ pvW }) => pvW > exportLimitW && pvW < 9_000);
  await t.test('stopped (SIGSTOP)', async (sub) => {
    first.child.kill('SIGSTOP');
    assertReverts(sub, bench);
    first.child.kill('SIGCONT');
    bench.loadW = 6_000;
    await bench.until('control is back', ({ pvW }) => pvW > 2 * exportLimitW);
  });
  await t.test('a second program for the same devices is refused, and the first one goes on', async () => {
    const { ended, told } = bench.edge('data-of-another');
    assert.deepEqual(await ended, [1, null]);
    assert.match(told(), /GTX-EDG-043 Another program on this machine drives tcp 127\.0\.0\.1:\d+ 2/);
    const again = bench.edge();
    assert.deepEqual(await again.ended, [1, null]);
    assert.match(again.told(), /GTX-DAT-003/);
    bench.loadW = 3_000;
    await bench.until('less load, less export', (now) => now.loadW === 3_000 && exportW(now) <= exportLimitW);
    bench.loadW = 6_000;
    await bench.until('control is back', ({ pvW }) => pvW > 2 * exportLimitW);
  });
  await t.test('killed (SIGKILL)', async (sub) => {
    first.child.kill('SIGKILL');
    await first.ended;
    assertReverts(sub, bench);
  });
  await t.test('without power: its connections stay open, and nothing comes through', async (sub) => {
    const second = bench.edge();
    await comesBack(bench);
    const cables = Object.values(bench.field.cables);
    await Promise.all(cables.map((cable) => cable.put('silent')));
    second.child.kill('SIGKILL');
    await second.ended;
    assertReverts(sub, bench);
    await Promise.all(cables.map((cable) => cable.put('whole')));
    bench.edge();
    await comesBack(bench);
  });
});

test('the program begins on a disk without a byte of room: it controls, and says so', async (t) => {
  using disk = SmallDisk.mount(t, 1 << 20);
  if (disk === undefined) return;
  await using bench = await EdgeBench.start(t);
  disk.fill();
  const { child, ended, told } = bench.edge(disk.folder, bench.boardPath, ['--status-port', '0']);
  await bench.until('export is limited', ({ pvW }) => pvW > exportLimitW && pvW < 9_000);
  assert.match(told(), /GTX-DAT-00\d/);
  const page = /http:\S+/.exec(told())![0];
  const shown = async (): Promise<string> => (await fetch(page)).text();
  assert.match(await shown(), /GTX-OUT-001 .*Check that the folder is writable/);
  child.kill('SIGINT');
  assert.deepEqual(await ended, [1, null]);
  assert.match(told(), /GTX-OUT-001/, 'what it counted as lost is not kept either');
});
