import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, list } from '../client/test-utility.ts';
import { TestSite, watts } from './test-site.ts';

const full = { traces: { pvW: (): number => 9_000, loadW: (): number => 1_000 }, charge: 100 } as const;
const settings = '<setGradW>1000</setGradW>';
const greatest = (site: TestSite, from: number, until: number): number =>
  Math.max(...site.between(from, until).map(({ gridW }) => 0 - gridW));

test('without its server the board follows the events that it has to their end, then the default', async (t) => {
  const site = await TestSite.start(t, { ...full, base: watts('opModExpLimW', 500), settings });
  site.utility.setControls([
    control({ mRID: 1, from: 60, seconds: 240, base: watts('opModExpLimW', 6_000) }),
    control({ mRID: 2, from: 300, seconds: 300, base: watts('opModExpLimW', 3_000) }),
  ]);
  await site.runTo(120);
  site.utility.isDown = true;
  await site.runTo(1_800);
  assert.ok(greatest(site, 80, 300) > 5_900);
  assert.deepEqual(
    [6_000, 3_000, 500],
    [greatest(site, 80, 300), greatest(site, 310, 600), greatest(site, 610, 1_800)],
  );
  const { limits, isServerLost } = site.board.explain() ?? {};
  assert.equal(isServerLost, false, 'the installer has no rule for it');
  assert.deepEqual([limits?.export?.source.kind, limits?.export?.w], ['default', 500]);
});

test('a board that starts anew without its server knows events and default', async (t) => {
  const site = await TestSite.start(t, { ...full, base: watts('opModExpLimW', 500), settings });
  site.utility.setControls([control({ mRID: 1, from: 300, seconds: 300, base: watts('opModExpLimW', 3_000) })]);
  await site.runTo(120);
  site.utility.isDown = true;
  await site.restart();
  await site.runTo(900);
  assert.equal(greatest(site, 123, 300), 500);
  assert.equal(greatest(site, 310, 600), 3_000);
  assert.equal(greatest(site, 610, 900), 500);
});

test("when nothing is known, the installer's limit holds; and his rule for a lost server after its time", async (t) => {
  const connection = {
    importLimitW: 100_000,
    exportLimitW: 4_000,
    controlWhenLost: { afterSeconds: 300, exportLimitW: 0 },
  };
  const site = await TestSite.start(t, { ...full, connection, settings });
  await site.runTo(200);
  site.utility.isDown = true;
  await site.runTo(900);
  assert.equal(greatest(site, 100, 400), 4_000);
  assert.equal(greatest(site, 620, 900), 0);
  assert.deepEqual(site.board.explain()?.limits.export?.source, { kind: 'whenLost' });
  site.utility.isDown = false;
  await site.runTo(2_000);
  assert.equal(greatest(site, 1_900, 2_000), 4_000, 'the server is there again');
});

test('the rule for a lost server leaves events and defaults alone', async (t) => {
  const controlWhenLost = { afterSeconds: 10, exportLimitW: 0 };
  const connection = { importLimitW: 100_000, exportLimitW: 8_000, controlWhenLost };
  const site = await TestSite.start(t, { ...full, connection, base: watts('opModExpLimW', 2_000), settings });
  await site.runTo(100);
  site.utility.isDown = true;
  await site.runTo(600);
  assert.equal(greatest(site, 300, 600), 2_000);
});

test('of programs by primacy the lower number wins, mode by mode, and the explanation says so', async (t) => {
  const site = await TestSite.start(t, { ...full, settings });
  const { utility } = site;
  const programs = [utility.program(1, 0), utility.program(2, 5)];
  utility.documents.set('/derp', list('DERProgramList', 'pollRate="60"', programs));
  utility.documents.set('/derp/2/dderc', utility.defaultControl(''));
  utility.setControls([control({ mRID: 1, from: 60, seconds: 600, base: watts('opModExpLimW', 5_000) })], 1);
  utility.setControls(
    [control({ mRID: 2, from: 60, seconds: 600, base: watts('opModExpLimW', 1_000) + watts('opModGenLimW', 4_000) })],
    2,
  );
  await site.runTo(120);
  const { limits } = site.board.explain() ?? {};
  assert.deepEqual([limits?.export?.goalW, limits?.generation?.goalW], [5_000, 4_000]);
  const [one, two] = [limits?.export?.source, limits?.generation?.source];
  assert.ok(one?.kind === 'event' && two?.kind === 'event');
  assert.deepEqual(
    [Number.parseInt(one.mRID, 16), one.primacy, Number.parseInt(two.mRID, 16), two.primacy],
    [1, 0, 2, 5],
  );
  assert.deepEqual([limits?.generation?.since, limits?.generation?.until], [1_800_000_060, 1_800_000_660]);
  assert.equal(site.seconds.at(-1)?.pvW, 4_000);
  assert.deepEqual(
    [site.board.explain()?.setpoints.pvLimitW, site.board.explain()?.setpoints.pvBy],
    [4_000, 'generation'],
  );
});
