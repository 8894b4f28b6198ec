import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clearSkyGhi, solarPosition } from './sun.ts';

const utc = (iso: string): number => Date.parse(iso) / 1000;
const [latitude, longitude] = [37.4275, -122.1697];
const isUp = (iso: string): boolean => solarPosition(utc(iso), latitude, longitude).cosZenith > 0;
const degrees = (radians: number): number => (radians * 180) / Math.PI;
const near = (value: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(value - expected) <= tolerance, `${value} is not within ${tolerance} of ${expected}`);

test('the declination is 23.44° at the solstices and 0 at the equinoxes', () => {
  near(degrees(solarPosition(utc('2025-06-21T02:42:00Z'), 0, 0).declination), 23.44, 0.1);
  near(degrees(solarPosition(utc('2025-12-21T15:03:00Z'), 0, 0).declination), -23.44, 0.1);
  near(degrees(solarPosition(utc('2025-03-20T09:01:00Z'), 0, 0).declination), 0, 0.6);
  near(degrees(solarPosition(utc('2025-09-22T18:19:00Z'), 0, 0).declination), 0, 0.6);
});

test('the sundial is 16.4 minutes ahead in early November and 14.2 behind in mid-February', () => {
  near(solarPosition(utc('2025-11-03T12:00:00Z'), 0, 0).equationOfTimeMinutes, 16.4, 0.3);
  near(solarPosition(utc('2025-02-11T12:00:00Z'), 0, 0).equationOfTimeMinutes, -14.2, 0.3);
});

test('the sun stands at 76.0° over the campus at noon of the summer solstice, 13:10 PDT', () => {
  const noon = solarPosition(utc('2025-06-21T20:10:30Z'), latitude, longitude);
  near(degrees(noon.hourAngle), 0, 0.2);
  near(90 - degrees(Math.acos(noon.cosZenith)), 76.0, 0.2);
});

test('it rises at 5:52 and sets at 20:28 PDT that day, refraction and the disc left out', () => {
  assert.deepEqual(['2025-06-21T12:47:00Z', '2025-06-21T12:57:00Z'].map(isUp), [false, true]);
  assert.deepEqual(['2025-06-22T03:23:00Z', '2025-06-22T03:33:00Z'].map(isUp), [true, false]);
});

test('the hour angle is negative in the morning and positive in the afternoon at any longitude', () => {
  for (const east of [-179, -122, 0, 75, 179]) {
    const noon = utc('2025-04-15T12:00:00Z') - east * 240;
    assert.ok(solarPosition(noon - 7200, 10, east).hourAngle < 0);
    assert.ok(solarPosition(noon + 7200, 10, east).hourAngle > 0);
  }
});

test('Haurwitz: 1035 W/m² under the zenith, nothing below the horizon', () => {
  near(clearSkyGhi(1), 1098 * Math.exp(-0.059), 1e-9);
  near(clearSkyGhi(1), 1035, 0.2);
  assert.equal(clearSkyGhi(0), 0);
  assert.equal(clearSkyGhi(-0.5), 0);
});
