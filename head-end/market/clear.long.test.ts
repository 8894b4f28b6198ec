import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryBook, bookShapes } from './arbitrary-orders.ts';
import { clearZone } from './clear.ts';
import { assertLaws, naiveMatching } from './laws.ts';

for (const shape of bookShapes) {
  test(`5,000 random books of ${shape.meters} meters keep the laws`, () => {
    fc.assert(
      fc.property(arbitraryBook(shape), (book) => assertLaws(book, clearZone(book))),
      { numRuns: 5_000 },
    );
  });
}

test('5,000 small books with meters on both sides match the most that a price allows', () => {
  fc.assert(
    fc.property(arbitraryBook({ meters: 4, limits: 4, energyWh: 5, orders: 9 }), (book) => {
      const { price, matchedWh } = clearZone(book);
      if (price !== null) assert.equal(matchedWh, naiveMatching(book, price));
    }),
    { numRuns: 5_000 },
  );
});
