import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MridTable } from './mrid-table.ts';

const mRID = (n: number): Uint8Array => Uint8Array.of(0, n);
const steps = fc.array(
  fc.record({ does: fc.constantFrom('get', 'get', 'set', 'delete'), n: fc.nat(5), value: fc.nat() }),
  { maxLength: 60 },
);

test('answers as a map does, in whatever order it is asked', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const table = new MridTable<number>();
      const map = new Map<number, number>();
      for (const { does, n, value } of all) {
        if (does === 'get') assert.equal(table.get(mRID(n)), map.get(n));
        else if (does === 'set') {
          table.set(mRID(n), value);
          map.set(n, value);
        } else {
          table.delete(mRID(n));
          map.delete(n);
        }
      }
      assert.deepEqual([table.size, table.values()], [map.size, [...map.values()]]);
    }),
  );
});

test('an mRID of another length is another one', () => {
  const table = new MridTable<string>();
  table.set(Uint8Array.of(1, 2), 'short');
  assert.equal(table.get(Uint8Array.of(1, 2, 3)), undefined);
  assert.equal(table.get(Uint8Array.of(1, 2)), 'short');
});
