import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalTime } from './local-time.ts';

const utc = (iso: string): number => Date.parse(iso) / 1000;
const local = (zone: string, iso: string): string =>
  new Date(new LocalTime(zone).localSeconds(utc(iso)) * 1000).toISOString().slice(0, 19);

test('local time follows daylight saving of the zone', () => {
  assert.equal(local('America/Los_Angeles', '2025-01-15T20:00:00Z'), '2025-01-15T12:00:00');
  assert.equal(local('America/Los_Angeles', '2025-07-15T19:00:00Z'), '2025-07-15T12:00:00');
  assert.equal(local('America/Los_Angeles', '2025-03-09T09:59:59Z'), '2025-03-09T01:59:59');
  assert.equal(local('America/Los_Angeles', '2025-03-09T10:00:00Z'), '2025-03-09T03:00:00');
  assert.equal(local('Australia/Lord_Howe', '2025-01-15T00:00:00Z'), '2025-01-15T11:00:00');
});

test('the offset that is kept does not outlive its quarter of an hour, in either direction', () => {
  const zone = new LocalTime('America/Los_Angeles');
  const before = utc('2025-11-02T08:59:59Z');
  for (const [time, offset] of [
    [before, -7],
    [before + 1, -8],
    [before, -7],
  ] as const) {
    assert.equal(zone.localSeconds(time) - time, offset * 3600);
  }
});

test('a zone that does not exist is refused', () => {
  assert.throws(() => new LocalTime('Mars/Olympus'), RangeError);
});
