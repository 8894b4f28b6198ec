import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { ClampFrame } from '#drivers/capabilities.ts';
import { meterBoundsOf, MeterWatch } from './meter-watch.ts';
import { testBoardFile } from './test-board-file.ts';

const bounds = meterBoundsOf(testBoardFile({ connection: { importLimitW: 20_000, exportLimitW: 5_000 } }));

interface Seen {
  readonly gridW: number;
  readonly wh: number;
  readonly derW?: number | undefined;
  readonly message?: number;
  readonly volts?: number;
}

const frame = (at: number, { gridW, wh, message = at, volts = 230 }: Seen): ClampFrame => ({
  receivedAt: UnixSeconds(1_000 + at),
  message,
  voltsRms: volts,
  channels: [{ powerW: W(gridW), energyWh: Wh(wh) }],
});

/** What is doubted at each second. */
function doubts(seconds: readonly Seen[]): readonly (string | undefined)[] {
  const watch = new MeterWatch(bounds);
  return seconds.map((seen, at) => {
    const look = { frame: frame(at, seen), gridChannel: 1, derW: seen.derW };
    return watch.doubt(UnixSeconds(1_000 + at), look)?.code;
  });
}

const seconds = <T>(count: number, of: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => of(at));

test('a meter of which nothing is known but its energy stands still within ten seconds, from some 700 W on', () => {
  // It has not moved so often yet that its nature is known.
  for (const gridW of [-2_000, 720, 9_000]) {
    const counted = seconds(20, (at) => ({ gridW: gridW + at, wh: 100 + at, derW: 9_000 }));
    const stuck = seconds(12, () => ({ gridW, wh: 200, derW: 9_000 }));
    const told = doubts([...counted, ...stuck]);
    assert.deepEqual(new Set(told.slice(0, 20)), new Set([undefined]));
    const first = told.findIndex((code) => code !== undefined) - 20;
    assert.ok(first > 0 && first <= 10, `${gridW} W after ${first} s`);
    assert.equal(told.at(-1), 'GTX-EDG-041');
  }
});

test('a meter that has never moved is believed until the devices move', () => {
  const rest = seconds(60, () => ({ gridW: 0, wh: 5, derW: 2_000 }));
  const moved = seconds(10, () => ({ gridW: 0, wh: 5, derW: 4_000 }));
  const told = doubts([...rest, ...moved]);
  assert.deepEqual(new Set(told.slice(0, 60)), new Set([undefined]));
  assert.equal(told.at(-1), 'GTX-EDG-041');
});

test('a front-end that repeats a message does not measure', () => {
  assert.deepEqual(
    doubts([
      { gridW: 10, wh: 0 },
      { gridW: 10, wh: 0, message: 0 },
    ]),
    [undefined, 'GTX-EDG-041'],
  );
});

test('more than the connection can carry is not believed once', () => {
  const told = doubts([
    { gridW: 500, wh: 0 },
    { gridW: 90_000, wh: 1 },
    { gridW: 600, wh: 2 },
    { gridW: -30_000, wh: 3 },
  ]);
  assert.deepEqual(told, [undefined, 'GTX-EDG-042', undefined, 'GTX-EDG-042']);
});

test('a clamp the wrong way round shows a building that gives without devices', () => {
  const told = doubts(seconds(8, (at) => ({ gridW: -3_000 - at, wh: -at, derW: 0 })));
  assert.deepEqual(
    told.slice(0, 5),
    seconds(5, () => undefined),
  );
  assert.equal(told.at(-1), 'GTX-EDG-042');
});

test('a meter that measures is never doubted, whatever load and devices do', () => {
  const run = fc.array(
    fc.record({ loadW: fc.integer({ min: 0, max: 20_000 }), derW: fc.integer({ min: -5_000, max: 15_000 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(run, fc.boolean(), (steps, isSlow) => {
      let joules = 0;
      // Steps that last, as those of appliances do.
      const held = steps.flatMap((step) => seconds(isSlow ? 12 : 1, () => step));
      const told = doubts(
        held.map(({ loadW, derW }, at) => {
          const gridW = loadW - derW;
          joules += gridW;
          return { gridW, wh: Math.floor(joules / 3_600), derW, volts: 230 + (at % 7) / 10 };
        }),
      );
      assert.ok(
        told.every((code) => code === undefined),
        told.join(),
      );
    }),
  );
});
