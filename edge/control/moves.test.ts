import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marginOf, moved, type Moves, noMoves } from './moves.ts';

const after = (samples: readonly (readonly [at: number, loadW: number | undefined, pvW?: number])[]): Moves =>
  samples.reduce((moves, [at, loadW, pvW]) => moved(moves, at, loadW, pvW), noMoves);

test('a margin is the greatest move of half an hour, and a quarter more', () => {
  const moves = after([
    [0, 1_000, 5_000],
    [1, 1_400, 4_800],
    [2, 1_300, 5_000],
  ]);
  assert.deepEqual(marginOf(moves, 10_000), { loadUpW: 500, loadDownW: 125, pvUpW: 250, pvDownW: 250 });
  const later = moved(moved(moves, 1_700, 1_300, 5_000), 1_701, 1_310, 5_000);
  assert.equal(marginOf(later, 10_000).loadUpW, 500);
  assert.equal(marginOf(moved(later, 1_801, 1_310, 5_000), 10_000).loadUpW, 13);
});

test('a margin has its bound, and what was not seen on both sides is no move', () => {
  assert.equal(
    marginOf(
      after([
        [0, 0],
        [1, 9_000],
      ]),
      500,
    ).loadUpW,
    500,
  );
  assert.equal(
    marginOf(
      after([
        [0, 0],
        [1, undefined],
        [2, 9_000],
      ]),
      500,
    ).loadUpW,
    0,
  );
  assert.equal(
    marginOf(
      after([
        [0, 0, 3_000],
        [1, 0],
        [2, 0, 9_000],
      ]),
      500,
    ).pvUpW,
    0,
  );
});

test('time that jumps forgets, and time that goes back harms nothing', () => {
  const moves = after([
    [0, 0],
    [1, 400],
    [1e9, 400],
  ]);
  assert.equal(marginOf(moves, 1_000).loadUpW, 0);
  assert.equal(marginOf(moved(moves, 5, 500, undefined), 1_000).loadUpW, 125);
});
