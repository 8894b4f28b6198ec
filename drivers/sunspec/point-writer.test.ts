import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelTable, type ModelId } from './device-map.ts';
import { planReads } from '../modbus/read-plan.ts';
import { absent } from './point-reader.ts';
import { composeWrites, type PointPlaces } from './point-writer.ts';
import { code } from './twin-bench.ts';

const modelAt = (id: ModelId, address: number): PointPlaces => ({
  id,
  address,
  point: (path) => {
    const point = modelTable(id).points[path];
    if (point === undefined) throw absent(path);
    return point;
  },
});
const model = modelAt(704, 40_300);
const shown = (values: Readonly<Record<string, number>>, last: string): [number, string][] =>
  composeWrites(model, values, last).map(({ address, registers }) => [address, registers.toString('hex')]);

test('points that stand side by side go into one write, with the widths of the table', () => {
  assert.deepEqual(shown({ WSetRvrtTms: 120, WSetEnaRvrt: 1 }, 'WSetEnaRvrt'), [[40_330, '000100000078']]);
});

test('points with a gap between go into several writes, and the one that switches on goes last', () => {
  const writes: [number, string][] = [
    [40_324, '00000005'],
    [40_330, '0001'],
    [40_322, '0001'],
  ];
  assert.deepEqual(shown({ WSetEna: 1, WSet: 5, WSetEnaRvrt: 1 }, 'WSetEna'), writes);
});

test('a write to a read-only point, of a value that does not fit or to a point that is not there is refused', () => {
  assert.throws(() => shown({ WSetRvrtRem: 1 }, ''), code('GTX-SUN-006'));
  assert.throws(() => shown({ WSet: 2 ** 31 }, ''), code('GTX-SUN-006'));
  assert.throws(() => shown({ Nothing: 1 }, ''), code('GTX-SUN-004'));
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
