import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeWrite } from './point-writer.ts';
import { planReads } from './point-reader.ts';
import { code } from './twin-bench.ts';

const block = { id: 704, address: 40_300, length: 65 } as const;

test('points that stand side by side go into one write, with the widths of the table', () => {
  const { address, registers } = composeWrite(block, { WSetRvrtTms: 120, WSetEnaRvrt: 1 });
  assert.equal(address, 40_330);
  assert.equal(registers.toString('hex'), '000100000078');
});

test('a write with a gap, a read-only point, a value that does not fit or a point that is not there is refused', () => {
  assert.throws(() => composeWrite(block, { WSetEna: 1, WSet: 5 }), code('GTX-SUN-006'));
  assert.throws(() => composeWrite(block, { WSetRvrtRem: 1 }), code('GTX-SUN-006'));
  assert.throws(() => composeWrite(block, { WSet: 2 ** 31 }), code('GTX-SUN-006'));
  assert.throws(() => composeWrite({ ...block, length: 20 }, { WSet: 1 }), code('GTX-SUN-004'));
});

test('spans are read together up to 125 registers, whatever their order', () => {
  const spans = [
    { start: 300, end: 304 },
    { start: 100, end: 101 },
    { start: 223, end: 225 },
    { start: 224, end: 226 },
    { start: 110, end: 112 },
  ];
  assert.deepEqual(planReads(spans), [
    { start: 100, end: 225 },
    { start: 224, end: 304 },
  ]);
  assert.deepEqual(planReads([]), []);
});
