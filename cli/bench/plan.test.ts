import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GridError } from '#hal/errors.ts';
import { loadCases } from './case.ts';

const sites = fileURLToPath(new URL('../../boards/bench/sites', import.meta.url));
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gtx-bench-'));
});
after(() => rmSync(folder, { recursive: true }));

/** The cases of a plan on the board with PV, by its lines. */
function casesOf(lines: readonly string[], board = 'solar') {
  const path = join(folder, 'plan.yaml');
  writeFileSync(path, ['title: A plan', `board: ${join(sites, `${board}.yaml`)}`, ...lines, ''].join('\n'));
  return loadCases(path);
}

const faulty: readonly (readonly [name: string, lines: readonly string[], message: RegExp])[] = [
  ['an unknown step', ['steps:', '  - wait: 5', '  - jump: 3'], /:5 steps\[1\]: expected a mapping with one of .*wait/],
  ['a step of another kind', ['steps: [{ wait: soon }]'], /:3 steps\[0\]\.wait: expected an integer from 1/],
  [
    'an unknown quantity',
    ['steps: [{ expect: { quantity: speed, is: 1 } }]'],
    /steps\[0\]\.expect\.quantity: .*gridPower/,
  ],
  ['nothing expected', ['steps: [{ expect: { quantity: charge } }]'], /expect\.is: expected either is, or atLeast/],
  [
    'a unit of something else',
    ['steps: [{ expect: { quantity: pvPower, is: 1, unit: V } }]'],
    /unit: expected W or kW for pvPower/,
  ],
  [
    'a range upside down',
    ['steps: [{ expect: { quantity: pvPower, atLeast: 2, atMost: 1 } }]'],
    /atLeast: expected no more/,
  ],
  [
    'a value that is not there',
    ['steps: [{ expect: { quantity: pvPower, is: 1, tolerance: $step } }]'],
    /tolerance: there is no value \$step/,
  ],
  [
    'a device that the board has not',
    ['steps: [{ dispatch: { batteryW: 5 } }]'],
    /:3 steps\[0\]: it needs a board with battery/,
  ],
  ['a cable of nobody', ['steps: [{ pull: fridge }]'], /steps\[0\]\.pull: expected one of clamps, inverter.*"fridge"/],
  ['faults without a line', ['steps: [{ storm: true }]'], /steps\[0\]\.storm: there are no faults/],
  [
    'a line with faults beside a device of another wire',
    [
      'line: { baud: 9600, faults: 0.1 }',
      'matrix: [{ name: one, devices: { clamps: { driver: emontx, gridChannel: 1 } } }]',
      'steps: [{ storm: true }]',
    ],
    /:\d+ .*expected a board with Modbus devices only: emontx/,
  ],
  [
    'two neighbours of one unit',
    ['neighbours: [{ name: flat, driver: sdm120, unit: 3, loadW: 1 }]', 'steps: [{ wait: 1 }]'],
    /:3 neighbours\[0\]\.unit: unit 3 is a device/,
  ],
  [
    'a neighbour that nobody named',
    ['steps: [{ expect: { quantity: gridPower, of: flat, is: 1 } }]'],
    /expect\.of: expected all or one of the neighbours, found "flat"/,
  ],
  [
    'a row with a device that the board file refuses',
    [
      'matrix:',
      '  - { name: one, devices: { clamps: { driver: sdm630, unit: 300, gridChannel: 1 } } }',
      'steps: [{ wait: 1 }]',
    ],
    /:4 matrix\[0\]\.devices: .*clamps\.unit: expected an integer from 1 to 247, found 300/,
  ],
];

for (const [name, lines, message] of faulty) {
  test(`${name} is told with file, line and what was expected`, () => {
    assert.throws(
      () => casesOf(lines),
      (error) => {
        assert.ok(error instanceof GridError, String(error));
        assert.equal(error.code, 'GTX-BEN-002');
        assert.equal(error.kind, 'input');
        assert.match(error.message, message);
        assert.match(error.message, /plan\.yaml:\d+ /);
        assert.match(error.hint ?? '', /plan\.schema\.json/);
        return true;
      },
    );
  });
}

test('a text that is no YAML, and a file that is not there, are told so', () => {
  assert.throws(() => casesOf(['steps: [']), { code: 'GTX-BEN-001' });
  assert.throws(() => loadCases(join(folder, 'nowhere.yaml')), { code: 'GTX-BEN-001', hint: /bench --list/ });
});

test('each row of a matrix is a case with its devices and values in place of the plan’s', () => {
  const cases = casesOf([
    'values: { step: 5 }',
    'matrix:',
    '  - { name: fine, devices: {} }',
    '  - { name: coarse, devices: { clamps: { driver: em24, unit: 9, gridChannel: 1 } }, values: { step: 100 } }',
    'steps: [{ expect: { quantity: gridImport, is: 1, tolerance: $step } }]',
  ]);
  assert.deepEqual(
    cases.map(({ name, board, steps: [step] }) => [
      name,
      board.devices.clamps?.driver,
      step !== undefined && 'expect' in step && step.expect.tolerance,
    ]),
    [
      ['plan fine', 'sdm630', 5],
      ['plan coarse', 'em24', 100],
    ],
  );
});

test('another board takes the place of the plan’s own and of its matrix', () => {
  casesOf(['matrix: [{ name: a, devices: {} }, { name: b, devices: {} }]', 'steps: [{ wait: 1 }]']);
  const cases = loadCases(join(folder, 'plan.yaml'), join(sites, 'meter.yaml'));
  assert.deepEqual(
    cases.map(({ name, board }) => [name, board.meterId]),
    [['plan', 'BENCH_METER']],
  );
});
