import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '#hal/log.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { DerMode, GridSupport, ModeSupport } from '#drivers/grid-support.ts';
import { DeviceOrders } from './orders.ts';

const supports: Partial<Record<DerMode, ModeSupport>> = {
  limitW: { reverts: 'toValue', ramps: false },
  targetW: { reverts: 'toDefault', ramps: false },
  voltVar: { reverts: 'toDefault', ramps: false },
  connect: { reverts: 'never', ramps: false },
};

/** A device that writes down what it is told, and refuses what it is made to. */
function bench(): { told: unknown[][]; refused: Set<DerMode>; orders: DeviceOrders } {
  const told: unknown[][] = [];
  const refused = new Set<DerMode>();
  const device = {
    modes: () => new Map(Object.entries(supports)),
    setMode: async (mode: DerMode, value: unknown, order: { revertSeconds: number; revertTo?: unknown }) => {
      if (refused.has(mode)) throw new Error('refused');
      told.push([mode, value, order.revertSeconds, ...(order.revertTo === undefined ? [] : [order.revertTo])]);
    },
  } as unknown as GridSupport;
  const orders = new DeviceOrders(
    device,
    'inverter',
    10_000,
    { limitW: W(3_000), targetW: W(0) },
    createLog('test', 'silent'),
  );
  return { told, refused, orders };
}

const at = (now: number): UnixSeconds => UnixSeconds(now);
const curve = {
  points: [
    { x: 90, y: 10 },
    { x: 110, y: 0 },
  ],
  reference: 'maxW',
} as const;

test('an order is given once, and again before half of its time has passed', async () => {
  const { told, orders } = bench();
  for (const now of [0, 1, 29, 30, 59, 60]) await orders.give({ limitW: W(5_000) }, at(now));
  assert.deepEqual(
    told,
    [0, 30, 60].map(() => ['limitW', 5_000, 60, 3_000]),
  );
});

test('a limit is lowered at once, and raised beyond the deadband', async () => {
  const { told, orders } = bench();
  for (const w of [5_000, 4_999, 5_020, 5_025]) await orders.give({ limitW: W(w) }, at(0));
  assert.deepEqual(
    told.map(([, w]) => w),
    [5_000, 4_999, 5_025],
  );
});

test('a target moves by more than the deadband', async () => {
  const { told, orders } = bench();
  for (const w of [100, 149, 151, -20]) await orders.give({ targetW: W(w) }, at(0));
  assert.deepEqual(
    told.map(([, w]) => w),
    [100, 151, -20],
  );
});

test('what is not wanted any more is ended, once', async () => {
  const { told, orders } = bench();
  await orders.give({ voltVar: curve, connect: false }, at(0));
  await orders.give({ voltVar: { ...curve, points: [...curve.points] } }, at(299));
  await orders.give({ voltVar: curve }, at(300));
  await orders.give({}, at(301));
  await orders.give({}, at(302));
  assert.deepEqual(
    told.map(([mode, value]) => [mode, value === null ? null : 'set']),
    [
      ['voltVar', 'set'],
      ['connect', 'set'],
      ['connect', null],
      ['voltVar', 'set'],
      ['voltVar', null],
    ],
  );
});

test('what fails keeps nothing else from its order: powers are tried again at once, functions later', async () => {
  const { told, refused, orders } = bench();
  refused.add('limitW').add('voltVar');
  await orders.give({ limitW: W(1), voltVar: curve, targetW: W(2) }, at(0));
  assert.deepEqual([told.map(([mode]) => mode), [...orders.refusals]], [['targetW'], [['voltVar', 'refused']]]);
  refused.clear();
  await orders.give({ limitW: W(1), voltVar: curve, targetW: W(2) }, at(1));
  assert.deepEqual(
    told.map(([mode]) => mode),
    ['targetW', 'limitW'],
  );
  await orders.give({ limitW: W(1), voltVar: curve, targetW: W(2) }, at(60));
  assert.ok(told.some(([mode]) => mode === 'voltVar'));
  assert.equal(orders.refusals.size, 0);
});

test('what could not be ended is ended later', async () => {
  const { told, refused, orders } = bench();
  await orders.give({ connect: false }, at(0));
  refused.add('connect');
  await orders.give({}, at(1));
  refused.clear();
  await orders.give({}, at(2));
  await orders.give({}, at(3));
  assert.deepEqual(
    told.map(([, value]) => value),
    [false, null],
  );
});
