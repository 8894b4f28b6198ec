import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallSeconds } from '#hal/wall.ts';
import { control } from '#edge/client/test-utility.ts';
import { watts } from '#edge/control/test-site.ts';
import { enrolmentGround, hashOf } from '../campus/tpm-ground.ts';
import { debianPackage } from '../debian-packages.ts';
import { FaultySite, type Second } from './faulty-site.ts';

const greatest = (seconds: readonly Second[]): number => Math.max(...seconds.map(({ gridW }) => 0 - gridW));

test('TPM lost: control goes on unchanged, and every reading is kept', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'swtpm-tools') || !debianPackage(t, 'gcc')) return;
  const { first, list, client, authority, server } = await enrolmentGround(t);
  const serial = 'FAULTS_001';
  await list.allow({ endorsementHash: await hashOf(first.board), serial, building: serial }, wallSeconds());
  await first.board.enrol(client, { serial, building: serial }, authority.rootPem);
  const board = await first.board.load('operational');
  assert.ok(board !== undefined);
  const connection = { importLimitW: 20_000, exportLimitW: 4_000 };
  const site = await FaultySite.start(t, { connection, charge: 100, identities: { board, server } });
  site.setDefault(watts('opModExpLimW', 500));
  site.utility.setControls([control({ mRID: 1, from: 60, seconds: 240, base: watts('opModExpLimW', 3_000) })]);
  await site.runTo(100);
  const before = site.board.outbox.totals;
  assert.ok(before.acknowledged > 0);
  await first.emulator[Symbol.asyncDispose]();
  // Without its key it cannot connect anew.
  site.utility.isDown = true;
  await site.runTo(150);
  site.utility.isDown = false;
  const began = performance.now();
  await site.runTo(600);
  t.diagnostic(`450 s of control in ${Math.round(performance.now() - began)} ms`);
  assert.equal(greatest(site.between(100, 300)), 3_000);
  assert.equal(greatest(site.between(302, 600)), 500);
  const { queued, acknowledged, dropped, refused } = site.board.outbox.totals;
  t.diagnostic(`${queued - acknowledged} of ${queued} readings wait`);
  assert.deepEqual([acknowledged, dropped + refused], [before.acknowledged, 0]);
  assert.ok(queued > before.queued && site.board.outbox.size > 0);
  assert.equal(site.board.health.find(({ part }) => part === 'head-end')?.isWell, false);
});
