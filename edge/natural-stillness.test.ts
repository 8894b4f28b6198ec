import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uniform } from '#hal/random.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { ClampFrame } from '#drivers/capabilities.ts';
import { Site } from '#drivers/site/site.ts';
import { meterBoundsOf, MeterWatch } from './meter-watch.ts';
import { NaturalStillness } from './natural-stillness.ts';
import { testBoardFile } from './test-board-file.ts';

const bounds = meterBoundsOf(testBoardFile({ connection: { importLimitW: 20_000, exportLimitW: 5_000 } }));
const [day, start, pvRatedW] = [86_400, 1_800_000_000, 9_000];
const [dawn, dusk] = [6 * 3_600, 18 * 3_600];

/** How a meter shows what is. */
interface Meter {
  readonly name: string;
  /** Digits of its volts after the point; `undefined`: it shows none. */
  readonly decimals: number | undefined;
  /** It measures so often. */
  readonly everySeconds: number;
}

const meters = {
  hundredths: { name: 'volts to the hundredth', decimals: 2, everySeconds: 1 },
  tenths: { name: 'volts to the tenth', decimals: 1, everySeconds: 1 },
  slow: { name: 'a measurement every two seconds', decimals: 2, everySeconds: 2 },
  wholeVolts: { name: 'volts without a point', decimals: 0, everySeconds: 1 },
  noVolts: { name: 'no volts', decimals: undefined, everySeconds: 1 },
} as const satisfies Readonly<Record<string, Meter>>;

type Shown = Pick<ClampFrame, 'voltsRms' | 'channels'>;

/** A building whose load stands still to the watt by night, while people and the sun move it by day. */
class LiveMeter {
  readonly #meter: Meter;
  readonly #site: Site;
  readonly #watch = new MeterWatch(bounds);
  #shown: Shown | undefined;
  #at = 0;
  /** Shown from now on, whatever is. */
  stuck: Shown | undefined;

  constructor(meter: Meter, seed: number, nightW: number) {
    this.#meter = meter;
    const timeOfDay = (time: number): number => (time - start) % day;
    const isDay = (time: number): boolean => timeOfDay(time) >= dawn && timeOfDay(time) < dusk;
    const sun = (time: number): number => Math.sin((Math.PI * (timeOfDay(time) - dawn)) / (dusk - dawn));
    this.#site = new Site(
      {
        meterId: 'METER_1',
        building: 'residential',
        location: { latitude: 37, longitude: -122, timeZone: 'UTC' },
        pvRatedW,
        peakLoadW: 5_000,
        battery: { capacityWh: 0, ratedW: 0 },
        traces: {
          pvW: (time) => (isDay(time) ? Math.round(8_000 * sun(time)) : 0),
          loadW: (time) => (isDay(time) ? nightW + Math.floor(3_000 * uniform(seed, time)) : nightW),
        },
      },
      seed,
    );
    this.#site.resumeAt(UnixSeconds(start));
  }

  get shown(): Shown {
    return this.#shown!;
  }

  /** Lets a second pass. */
  step(): void {
    const now = UnixSeconds(start + ++this.#at);
    this.#site.advanceTo(now);
    const { decimals, everySeconds } = this.#meter;
    if (this.#at % everySeconds > 0 && this.#shown !== undefined) return;
    const voltsRms = decimals === undefined ? undefined : Number(this.#site.voltsRms(now).toFixed(decimals));
    this.#shown = { voltsRms, channels: [{ powerW: W(this.#site.state.gridW), energyWh: this.#site.netGridWh }] };
  }

  /** What is doubted when the meter is read now. */
  look(): string | undefined {
    const now = UnixSeconds(start + this.#at);
    const frame = { receivedAt: now, message: now, ...(this.stuck ?? this.shown) };
    return this.#watch.doubt(now, { frame, gridChannel: 1, derW: this.#site.state.pvW })?.code;
  }
}

/** Seconds with a doubt in a run of so many. */
function doubtedOf(live: LiveMeter, seconds: number, sampleSeconds = 1): number {
  let doubted = 0;
  for (let at = 1; at <= seconds; at++) {
    live.step();
    if (at % sampleSeconds === 0 && live.look() !== undefined) doubted++;
  }
  return doubted;
}

const seeds = [1, 2, 3];

for (const sampleSeconds of [1, 15]) {
  test(`a meter that measures is never doubted through a night and a day, read every ${sampleSeconds} s`, () => {
    for (const meter of [meters.hundredths, meters.tenths, meters.slow]) {
      for (const seed of seeds) {
        const nightW = [0, 30, 260][seed % 3]!;
        const doubted = doubtedOf(new LiveMeter(meter, seed, nightW), day, sampleSeconds);
        assert.equal(doubted, 0, `${meter.name}, ${nightW} W, seed ${seed}: ${doubted} times`);
      }
    }
  });
}

test('a meter that is stuck is doubted within nine seconds, whatever it shows, and until it moves', () => {
  for (const nightW of [0, 30, 100, 300, 500, 3_000]) {
    for (const seed of seeds) {
      for (const meter of [meters.hundredths, meters.slow]) {
        const live = new LiveMeter(meter, seed, nightW);
        assert.equal(doubtedOf(live, 100 + Math.floor(uniform(seed, nightW) * 2_000)), 0);
        live.stuck = live.shown;
        let seconds = 0;
        for (; live.look() === undefined; live.step()) seconds++;
        assert.ok(seconds > 3 && seconds <= 9, `${nightW} W, ${meter.name}, seed ${seed}: ${seconds} s`);
        assert.equal(doubtedOf(live, 600), 600);
        live.stuck = undefined;
        assert.equal(doubtedOf(live, 300), 0);
      }
    }
  }
});

test('a meter without volts is believed as long as nothing flows, and doubted by night a few times at the most', () => {
  assert.equal(doubtedOf(new LiveMeter(meters.noVolts, 1, 0), day), 0);
  const live = new LiveMeter(meters.noVolts, 1, 40);
  // Its night comes after a day in which it always moved.
  for (const _night of [1, 2, 3]) doubtedOf(live, day);
  const last = doubtedOf(live, day);
  assert.ok(last < 0.01 * day, `doubted for ${last} s`);
});

test('a meter that shows whole volts, and no change of them, is doubted for moments at the most', () => {
  const doubted = doubtedOf(new LiveMeter(meters.wholeVolts, 2, 30), 2 * day);
  assert.ok(doubted < 0.01 * 2 * day, `for ${doubted} s`);
});

const isBrokenAfter = (stillness: NaturalStillness, most: number): number => {
  for (let repeats = 1; repeats <= most; repeats++) if (stillness.isBroken(true)) return repeats;
  return Infinity;
};

test('what is still for longer than ever before is doubted; one that moves on as ever afterwards was stuck', () => {
  const stillness = new NaturalStillness();
  const moves = (count: number): void => {
    for (let i = 0; i < count; i++) assert.equal(stillness.isBroken(false), false);
  };
  assert.equal(isBrokenAfter(stillness, 1_000), Infinity, 'nothing is known of it');
  moves(5_000);
  for (const _time of [1, 2, 3]) {
    assert.equal(isBrokenAfter(stillness, 1_000), 5);
    for (let i = 0; i < 100_000; i++) assert.equal(stillness.isBroken(true), true);
    moves(21);
  }
});

test('what is soon still again each time is so by nature, and borne longer each time', () => {
  const stillness = new NaturalStillness();
  for (let i = 0; i < 100; i++) stillness.isBroken(false);
  const borne = Array.from({ length: 5 }, () => {
    const repeats = isBrokenAfter(stillness, 90);
    for (let i = repeats; i < 90; i++) stillness.isBroken(true);
    stillness.isBroken(false);
    return repeats;
  });
  assert.deepEqual(borne, [5, 5, 15, 45, Infinity]);
  for (let i = 0; i < 5_000; i++) stillness.isBroken(false);
  assert.ok(isBrokenAfter(stillness, 90) <= 6, 'and as short as before when it has moved for an hour');
});

test('what repeats itself by nature is borne three times as long, and when it has moved again', () => {
  const stillness = new NaturalStillness();
  for (let i = 0; i < 200; i++) for (const isSame of [false, true, true, true, true]) stillness.isBroken(isSame);
  stillness.isBroken(false);
  const least = isBrokenAfter(stillness, 100);
  assert.ok(least >= 11 && least <= 12, String(least));
  assert.equal(stillness.isBroken(false), false);
});
