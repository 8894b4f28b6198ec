import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions, selectFiles } from './options.ts';

const files = ['hal/units.test.ts', 'edge/a.long.test.ts', 'test/campus/day.test.ts', 'cli/main.test.ts'];

test('long suites run only in the second tier', () => {
  assert.deepEqual(selectFiles(files, parseOptions([])), [
    'test/campus/day.test.ts',
    'cli/main.test.ts',
    'hal/units.test.ts',
  ]);
  assert.ok(selectFiles(files, parseOptions(['--full'])).includes('edge/a.long.test.ts'));
});

test('a filter is a part of a path or a glob', () => {
  assert.deepEqual(selectFiles(files, parseOptions(['campus'])), ['test/campus/day.test.ts']);
  assert.deepEqual(selectFiles(files, parseOptions(['{hal,cli}/**'])), ['cli/main.test.ts', 'hal/units.test.ts']);
});

test('what takes longest is begun first, then what crosses folders', () => {
  const all = ['hal/units.test.ts', 'ieee2030_5/fuzz.test.ts', 'test/campus/day.test.ts', 'test/faults/kill.test.ts'];
  assert.deepEqual(selectFiles(all, parseOptions([])), [
    'ieee2030_5/fuzz.test.ts',
    'test/faults/kill.test.ts',
    'test/campus/day.test.ts',
    'hal/units.test.ts',
  ]);
});

test('an unknown flag is refused', () => {
  assert.throws(() => parseOptions(['--fulll']), TypeError);
});
