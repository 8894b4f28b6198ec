import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { W, Wh } from '#hal/units.ts';
import { type EmonMessage, formatEmonLine, maxLineBytes, parseEmonLine } from './emon-line.ts';
import { LineSplitter } from './line-splitter.ts';

const six = 'P1:512,P2:-20,P3:0,P4:0,P5:0,P6:0,E1:10,E2:-3,E3:0,E4:0,E5:0,E6:0';
const line = `MSG:12,V1:230.11,${six},pulse:0`;

const plain = { noNullPrototype: true };
const anyChannel = fc.record(
  { powerW: fc.integer({ min: -10_000_000, max: 10_000_000 }).map(W), energyWh: fc.integer().map(Wh) },
  plain,
);
const anyMessage: fc.Arbitrary<EmonMessage> = fc.record(
  {
    message: fc.nat(0xffffffff),
    voltsRms: fc.nat(100_000).map((centivolts) => centivolts / 100),
    channels: fc.array(anyChannel, { minLength: 1, maxLength: 12 }),
  },
  plain,
);

test("a front-end's line is read: message, volts, and power and energy of each channel", () => {
  const message = parseEmonLine(line);
  assert.ok(typeof message === 'object');
  assert.equal(message.message, 12);
  assert.equal(message.voltsRms, 230.11);
  assert.equal(message.channels.length, 6);
  assert.deepEqual(message.channels.slice(0, 2), [
    { powerW: 512, energyWh: 10 },
    { powerW: -20, energyWh: -3 },
  ]);
});

test('the optional tails and the JSON variant give the same message', () => {
  const expected = parseEmonLine(line);
  assert.deepEqual(parseEmonLine(`${line},analog:123,I1:2.222,I2:0.000`), expected);
  assert.deepEqual(parseEmonLine(`{"${line.replaceAll(':', '":').replaceAll(',', ',"')}}`), expected);
  assert.deepEqual(parseEmonLine(`MSG:12,V1:230.11,V2:229.80,V3:231.02,${six},pulse:0`), expected);
});

test('power factors are told where the front-end sends them', () => {
  const message = parseEmonLine(`${line},pf1:0.9876,pf2:-0.5`);
  assert.ok(typeof message === 'object');
  assert.deepEqual(
    message.channels.slice(0, 3).map(({ powerFactor }) => powerFactor),
    [0.9876, -0.5, undefined],
  );
});

test('what is written is read again, plain and as JSON', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const text = formatEmonLine(message);
      assert.ok(text.length <= maxLineBytes);
      assert.deepEqual(parseEmonLine(text), message);
      assert.deepEqual(parseEmonLine(`{"${text.replaceAll(':', '":').replaceAll(',', ',"')}}`), message);
    }),
  );
});

test('a line with anything missing, twice, out of range or unknown says why it is refused', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /not a list/],
    ['emonTx4 v1.6 ready', /not a list/],
    ['OK 5 0 0 1 2 (-60)', /not a list/],
    [`${line},`, /not a list/],
    [line.slice(4), /^12,V1 is not known|not a list/],
    [line.replace('V1:230.11,', ''), /without MSG or V1/],
    [line.replace('MSG:12,', ''), /without MSG or V1/],
    ['MSG:1,V1:230', /without a channel/],
    [line.replace('P2', 'Q2'), /Q2 is not known/],
    [line.replace('P2:-20,', ''), /P2 or E2 is missing/],
    [line.replace('P2:-20,', '').replace('E2:-3,', ''), /a channel before 3 is missing/],
    [line.replace('P2:', 'P1:'), /P1 comes twice/],
    [line.replace('P1:512', 'P1:512.5'), /P1 is out of range/],
    [line.replace('P1:512', 'P1:10000001'), /P1 is out of range/],
    [line.replace('P1:512', 'P1:'), /P1 is out of range/],
    [line.replace('P1:512', 'P1: 512'), /P1 is out of range/],
    [line.replace('P1:512', 'P1:0x12'), /P1 is out of range/],
    [line.replace('P1:512', 'P1:--1'), /P1 is out of range/],
    [line.replace('E1:10', 'E1:2147483648'), /E1 is out of range/],
    [line.replace('230.11', '1000.01'), /V1 is out of range/],
    [line.replace('230.11', '230.1.1'), /V1 is out of range/],
    [line.replace('230.11', '.5'), /V1 is out of range/],
    [line.replace('230.11', '230.'), /V1 is out of range/],
    [line.replace('230.11', 'NaN'), /V1 is out of range/],
    [`${line},P13:1`, /P13 is not known/],
    [`${line},__proto__:1`, /__proto__ is not known/],
    ['{"MSG":1,"V1":{"a":1}}', /not a flat JSON object/],
    ['{"MSG":1,"MSG":2}', /MSG comes twice/],
    ['{"MSG":1e3}', /not a flat JSON object/],
    [`${line},${'I1:1,'.repeat(250)}`, /too long/],
  ];
  for (const [text, expected] of refused) {
    const reason = parseEmonLine(text);
    assert.ok(typeof reason === 'string' && expected.test(reason), `${text} → ${JSON.stringify(reason)}`);
  }
});

test('any text is a message or a reason', () => {
  const mutated = fc.tuple(fc.nat(line.length), fc.string({ maxLength: 5 })).map(([at, noise]) => {
    return line.slice(0, at) + noise + line.slice(at + noise.length);
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 1500 }), mutated), (text) => {
      const message = parseEmonLine(text);
      if (typeof message === 'string') return;
      assert.ok(message.channels.length >= 1 && message.channels.length <= 12);
      for (const { powerW, energyWh } of message.channels) {
        assert.ok(Number.isSafeInteger(powerW) && Number.isSafeInteger(energyWh));
      }
    }),
    { numRuns: 1000 },
  );
});

test('lines come out whole, however the stream is cut; one too long is passed over to its end', () => {
  const text = `abc\r\n\r\nxy\n${'z'.repeat(50)}\r\n12345678\r\nend\r\nhalf`;
  const expected = ['abc', '', 'xy', undefined, '12345678', 'end'];
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
      const splitter = new LineSplitter(8);
      const lines: (string | undefined)[] = [];
      const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      at.forEach((start, i) => splitter.push(Buffer.from(text.slice(start, at[i + 1])), (l) => lines.push(l)));
      assert.deepEqual(lines, expected);
      assert.equal(splitter.kept, 4);
    }),
  );
});

test('bytes without a line end keep no more than one line', () => {
  const splitter = new LineSplitter(100);
  for (let i = 0; i < 1000; i++) {
    splitter.push(Buffer.alloc(37, 0x41), () => assert.fail('no line'));
    assert.ok(splitter.kept <= 101);
  }
});
