import { test } from 'node:test';
import { holdsOnFaultyLine, testedDrivers } from './fault-property.ts';

const seeds = 1000;

for (const [name, tested] of Object.entries(testedDrivers)) {
  test(`${name}: whatever befalls the line, nothing wrong is told, and it recovers (${seeds} seeds)`, async () => {
    for (let seed = 1000; seed < 1000 + seeds; seed++) await holdsOnFaultyLine(tested, seed);
  });
}
