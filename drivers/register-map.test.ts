import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GridError } from '#hal/errors.ts';
import { decodePoint, encodePoint, registersOf, type RegisterType, registerTypes, stepOf } from './register-codec.ts';
import { loadRegisterMap, parseRegisterMap, readsOf } from './register-map.ts';

const base = {
  name: 'test-meter',
  title: 'Test meter',
  kind: 'meter',
  source: 'none',
  function: 'input',
  wordOrder: 'high-first',
};
const power = { name: 'power', at: 10, type: 'float32', unit: 'W', quantity: 'power' };

const textOf = (points: readonly object[], more: object = {}): string =>
  JSON.stringify({ ...base, ...more, points }, null, 2);

const refuses = (points: readonly object[], expected: RegExp, more: object = {}): void => {
  assert.throws(
    () => parseRegisterMap('m.json', textOf(points, more)),
    (error: unknown) => {
      assert.ok(error instanceof GridError && error.code === 'GTX-MAP-002' && error.kind === 'input', String(error));
      assert.match(error.message, /^m\.json:\d+ /, 'file and line');
      assert.match(error.message, expected);
      assert.ok(error.hint !== undefined);
      return true;
    },
  );
};

test('a map that cannot be is refused with file, line and what was expected', () => {
  refuses(
    [power, { ...power, name: 'power2', at: 11, phase: 'L1' }],
    /^m\.json:1\d points\[1\]\.at: expected registers of its own, found 11 to 12, where power has 10 to 11/,
  );
  refuses([{ ...power, at: 65_535 }], /points\[0\]\.at: expected a place for 2 registers below 65536, found 65535/);
  refuses([{ ...power, at: 70_000 }], /points\[0\]\.at: expected an integer from 0 to 65535, found 70000/);
  refuses([{ ...power, type: 'float64' }], /points\[0\]\.type: expected one of int16, uint16, .*found "float64"/);
  refuses([{ ...power, unit: 'V' }], /points\[0\]\.unit: expected W or kW for power, found V/);
  refuses([{ ...power, scale: 0 }], /points\[0\]\.scale: expected a step other than 0/);
  refuses([power, { ...power, at: 20 }], /points\[1\]\.name: expected a name of its own/);
  refuses(
    [power, { ...power, name: 'again', at: 20 }],
    /points\[1\]\.quantity: expected one point for power of the whole/,
  );
  refuses([{ ...power, range: [5, 5] }], /points\[0\]\.range/);
  refuses([{ ...power, quantity: 'frequency', unit: 'Hz' }], /points: expected a point of quantity power/);
  refuses([{ ...power, type: 'uint64' }], /points\[0\]\.type: expected at most maxRegisters \(2\)/, {
    maxRegisters: 2,
  });
  refuses([{ ...power, colour: 'red' }], /points\[0\]\.colour: unknown key/);
  refuses([power], /bridge: expected an integer/, { bridge: -1 });
});

test('a file that is not there or is no JSON is refused with its name', () => {
  assert.throws(() => loadRegisterMap('/nowhere/m.json'), { code: 'GTX-MAP-001', message: /nowhere/ });
  assert.throws(() => parseRegisterMap('m.json', '{ "name": '), { code: 'GTX-MAP-001', message: /m\.json:1/ });
});

test('a reading takes as few requests as the map allows', () => {
  const points = [0, 2, 20, 60].map((at, i) => ({
    ...power,
    name: `p${i}`,
    at,
    quantity: i === 0 ? 'power' : 'current',
    unit: i === 0 ? 'W' : 'A',
    ...(i === 0 ? {} : { phase: `L${i}` }),
  }));
  const reads = (more: object): readonly (readonly number[])[] =>
    readsOf(parseRegisterMap('m.json', textOf(points, more))).map(({ start, end }) => [start, end]);
  assert.deepEqual(reads({}), [
    [0, 4],
    [20, 22],
    [60, 62],
  ]);
  assert.deepEqual(reads({ bridge: 16 }), [
    [0, 22],
    [60, 62],
  ]);
  assert.deepEqual(reads({ bridge: 125 }), [[0, 62]]);
  assert.deepEqual(reads({ bridge: 125, maxRegisters: 22 }), [
    [0, 22],
    [60, 62],
  ]);
});

test('numbers stand in registers as data sheets write them', () => {
  const decode = (type: RegisterType, hex: string, wordOrder: 'high-first' | 'low-first', more: object = {}) =>
    decodePoint({ type, ...more }, { wordOrder }, Buffer.from(hex, 'hex'));
  // IEEE 754: 230.0 is 0x43660000.
  assert.equal(decode('float32', '43660000', 'high-first'), 230);
  assert.equal(decode('float32', '00004366', 'low-first'), 230);
  // 2301 tenths of a volt in two registers, the low one first.
  assert.equal(decode('int32', '08fd0000', 'low-first', { scale: 0.1 }), 230.1);
  assert.equal(decode('int32', 'ffffff9c', 'high-first'), -100);
  assert.equal(decode('int32', 'ff9cffff', 'low-first', { scale: 0.1 }), -10);
  assert.equal(decode('uint16', '04d2', 'high-first', { scale: -1 }), -1234);
  assert.equal(decode('uint64', '0000000000000102', 'high-first'), 258);
  assert.equal(decode('int32', '80000000', 'high-first', { absent: 0x80000000 }), undefined);
  assert.equal(decode('float32', '7fc00000', 'high-first'), undefined, 'not a number');
  assert.equal(
    decodePoint({ type: 'int32' }, { wordOrder: 'high-first', byteOrder: 'low-first' }, Buffer.from('01000200', 'hex')),
    0x00010002,
  );
  assert.throws(() => decode('uint64', 'ffffffffffffffff', 'high-first'), { code: 'GTX-MAP-003' });
});

test('what is encoded is decoded again to within half a step, in every order', () => {
  const orders = fc.record({
    wordOrder: fc.constantFrom('high-first' as const, 'low-first' as const),
    byteOrder: fc.constantFrom('high-first' as const, 'low-first' as const),
  });
  const types = fc.constantFrom(...(Object.keys(registerTypes) as RegisterType[]));
  const scales = fc.constantFrom(1, 0.1, 0.01, 0.001, -0.1, 10);
  fc.assert(
    fc.property(orders, types, scales, fc.integer({ min: 0, max: 3000 }), (order, type, scale, value) => {
      const positive = scale > 0 || !type.startsWith('u') ? value : -value;
      const point = { type, scale };
      fc.pre(Math.abs(value / scale) < 0x8000 || registersOf(type) > 1);
      const bytes = encodePoint(point, order, positive);
      assert.equal(bytes.length, 2 * registersOf(type));
      const back = decodePoint(point, order, bytes);
      assert.ok(back !== undefined && Math.abs(back - positive) <= stepOf(point, positive), `${back} for ${positive}`);
    }),
  );
  assert.throws(() => encodePoint({ type: 'int16' }, { wordOrder: 'high-first' }, 40_000), { code: 'GTX-MAP-004' });
  assert.throws(() => encodePoint({ type: 'int16' }, { wordOrder: 'high-first' }, Number.NaN), { code: 'GTX-MAP-004' });
});
