import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import type { SiteMeter } from '../capabilities.ts';
import type { DriverContext } from '../driver.ts';
import { driverNamed } from '../registry.ts';
import { Site } from '../site/site.ts';

const start = 1_782_136_800;
const atmClamp = (voltageInput: number) => ({ voltageInput, voltageGain: 0x8123, currentGain: 0x7000 });
const adeClamp = { wattsPerCount: 1 / 154, wattHoursPerCount: 1 / 25_240 };

/** What a board file says of each, beside its channels. */
const frontEnds: Readonly<Record<string, object>> = {
  emontx: {},
  atm90e32: {
    lineHz: 60,
    clamps: [{ ...atmClamp(1), isReversed: true }, { ...atmClamp(1), ratio: 3 }, atmClamp(3)],
  },
  ade7953: {
    voltsPerCount: 1 / 26_000,
    clamps: [
      { ...adeClamp, isReversed: true },
      { ...adeClamp, currentGain: 0x48_0000 },
    ],
  },
  shelly: { form: 'em', prefix: 'shellypro3em' },
};

for (const [name, own] of Object.entries(frontEnds)) {
  test(`${name}: from the board file's settings to what flows in the building, over the twin's wire`, async () => {
    const clock = { time: start, now: () => UnixSeconds(clock.time) };
    const site = new Site(
      {
        meterId: 'FRONT_END',
        building: 'residential',
        location: { latitude: 37, longitude: -122, timeZone: 'UTC' },
        pvRatedW: 8_000,
        peakLoadW: 9_000,
        battery: { capacityWh: 0, ratedW: 0 },
      },
      1,
    );
    let kept: unknown;
    const memory: DriverContext['memory'] = {
      read: () => kept,
      write: (value) => {
        kept = value;
        return Promise.resolve();
      },
    };
    const driver = driverNamed('clamps', name);
    const settings = { driver: name, gridChannel: 1, loadChannel: 2, ...own } as never;
    assert.equal(driver.check?.(settings), undefined);
    const twin = driver.twin(settings, { clock, site, serial: 'T' });
    await twin.start?.();
    const meter = driver.make(settings, twin.wire as never, { clock, memory }) as SiteMeter;
    await using _ = {
      [Symbol.asyncDispose]: async () => {
        await meter[Symbol.asyncDispose]();
        await twin[Symbol.asyncDispose]?.();
      },
    };
    await meter.start();
    site.resumeAt(UnixSeconds(start));
    const step = async (): Promise<readonly { powerW: number; energyWh: number }[]> => {
      clock.time++;
      site.advanceTo(clock.now());
      // A frame is asked for before it is sent, as a board does.
      const frame = meter.frameAfter(UnixSeconds(clock.time - 1), 5000);
      await new Promise(setImmediate);
      twin.afterSecond?.(clock.now());
      return (await frame).channels;
    };
    clock.time += 2;
    site.advanceTo(clock.now());
    twin.afterSecond?.(clock.now());
    for (let second = 0; second < 150; second++) await step();
    twin.afterSecond?.(clock.now());
    const channels = await step();
    assert.ok(Math.abs(channels[0]!.powerW - site.state.gridW) <= 500, `${channels[0]!.powerW} W, ${site.state.gridW}`);
    assert.ok(Math.abs(channels[1]!.powerW - site.state.loadW) <= 500, `${channels[1]!.powerW} W, ${site.state.loadW}`);
    const [grid, load] = channels;
    assert.ok(Math.abs(grid!.energyWh - site.netGridWh) <= 40, `${grid!.energyWh} Wh, ${site.netGridWh}`);
    assert.ok(Math.abs(load!.energyWh - site.consumptionWh) <= 40, `${load!.energyWh} Wh, ${site.consumptionWh}`);
  });
}

test('a channel that a front-end has not is a fault of the board file, with its key', () => {
  for (const [name, inputs] of [
    ['atm90e32', 3],
    ['ade7953', 2],
    ['shelly', 3],
    ['emontx', 6],
  ] as const) {
    const settings = { gridChannel: inputs + 1, loadChannel: 1, ...frontEnds[name] } as never;
    assert.equal(driverNamed('clamps', name).check?.(settings)?.key, 'gridChannel');
  }
});
