import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import * as fc from 'fast-check';
import { UnixSeconds } from '#hal/units.ts';
import { postSeconds } from '#edge/board.ts';
import { parseHours, parsePort, parseSample, parseSeed, parseSpeed, parseStart, startTime } from './options.ts';

function refuses(parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) assert.throws(() => parse(text), InvalidArgumentError, JSON.stringify(text));
}

test('a port is a whole number from 0 to 65535', () => {
  assert.deepEqual(['0', '8443', '65535'].map(parsePort), [0, 8443, 65_535]);
  refuses(parsePort, ['', ' ', '-1', '65536', '80.5', 'http', '80x', 'NaN', 'Infinity']);
});

test('hours are above 0 and at most a leap year', () => {
  assert.deepEqual(['0.5', '24', '8784'].map(parseHours), [0.5, 24, 8784]);
  refuses(parseHours, ['', ' ', '0', '-1', '8785', 'NaN', 'Infinity', 'day']);
});

test('a speed is max or virtual seconds a second', () => {
  assert.deepEqual(['max', '1', '0.01', '100000'].map(parseSpeed), ['max', 1, 0.01, 100_000]);
  refuses(parseSpeed, ['', ' ', '0', '-5', '0.001', '100001', 'MAX', 'Infinity', 'NaN', 'fast']);
});

test('a sampling period divides the posting period', () => {
  assert.deepEqual(['1', '3', '5', '15'].map(parseSample), [1, 3, 5, 15]);
  refuses(parseSample, ['', '0', '-1', '2', '4', '7.5', '30', 'NaN', 'x']);
});

test('a seed is 32 bits', () => {
  assert.deepEqual(['0', '7', '4294967295'].map(parseSeed), [0, 7, 0xffff_ffff]);
  refuses(parseSeed, ['', '-1', '4294967296', '1.5', 'NaN', 'seed']);
});

test('a start is an ISO 8601 time, with its offset', () => {
  const seconds = Date.UTC(2026, 5, 21, 7) / 1000;
  for (const text of ['2026-06-21T00:00:00-07:00', '2026-06-21T07:00:00Z', '2026-06-21T07:00Z']) {
    assert.equal(parseStart(text), seconds, text);
  }
  assert.equal(parseStart('2026-06-21'), Date.UTC(2026, 5, 21) / 1000);
  refuses(parseStart, [
    '',
    'now',
    'tomorrow',
    '2026',
    '21.6.2026',
    '2026-06-21 07:00',
    '2026-06-21T7:00Z',
    '1750000000',
  ]);
});

test('a date or an hour that does not exist is no start', () => {
  refuses(parseStart, [
    '2026-02-30',
    '2026-02-29T12:00:00Z',
    '2026-06-31T00:00:00-07:00',
    '2026-13-01',
    '2026-00-10',
    '2026-06-21T25:00:00Z',
    '2026-06-21T10:60:00Z',
  ]);
  assert.equal(parseStart('2028-02-29'), Date.UTC(2028, 1, 29) / 1000);
});

const at = UnixSeconds;

test('a campus begins now, or when it was told, at a posting', () => {
  assert.equal(startTime(undefined, at(1_000_007), undefined), 1_000_005);
  assert.equal(startTime(at(500_029), at(1_000_000), undefined), 500_025);
});

test('a campus that goes on begins after what it has stored', () => {
  assert.equal(startTime(undefined, at(2_000), at(900)), 1_995);
  // Its time was ahead of the wall's: it goes on from its own.
  assert.equal(startTime(undefined, at(100), at(900)), 915);
  assert.equal(startTime(at(915), at(100), at(900)), 915);
  assert.throws(() => startTime(at(914), at(100), at(900)), { code: 'GTX-CMP-001', kind: 'input' });
});

test('a start is aligned, never before what was asked for is known, and after everything stored', () => {
  const time = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(
    fc.property(time, fc.option(time, { nil: undefined }), (now, newest) => {
      const start = startTime(undefined, at(now), newest === undefined ? undefined : at(newest));
      assert.equal(start % postSeconds, 0);
      assert.ok(start > now - postSeconds);
      assert.ok(newest === undefined || (start > newest && start <= Math.max(now, newest + 2 * postSeconds)));
    }),
  );
});
