import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsOnFaultyLine, testedDrivers } from './fault-property.ts';
import { lineFaults } from './modbus/fault-line.ts';

const seeds = 50;

for (const [name, tested] of Object.entries(testedDrivers)) {
  test(`${name}: whatever befalls the line, nothing wrong is told, and it recovers (${seeds} seeds)`, async () => {
    const met = new Set<string>();
    let told = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const run = await holdsOnFaultyLine(tested, seed);
      for (const fault of run.faults) met.add(fault);
      told += run.told;
    }
    assert.ok(told > 5 * seeds, `${told} readings were told on faulty lines`);
    assert.deepEqual([...met].toSorted(), [...lineFaults].toSorted(), 'every kind of fault was met');
  });
}
