import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createLog, type Log } from '#hal/log.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { Battery, BatteryReading, ClampFrame, PvInverter, SiteMeter } from '#drivers/capabilities.ts';
import { type BoardDevices, emptyRegisters, Sampler } from './sampler.ts';

const log = createLog('test', 'silent');

/** Devices that read what they are set to; `undefined` does not answer. */
class Bench {
  message = 0;
  frame: { gridW: number; gridWh: number; loadW: number; loadWh: number } | undefined = {
    gridW: 500,
    gridWh: 0,
    loadW: 700,
    loadWh: 0,
  };
  generationWh: number | undefined = 1000;
  storage: BatteryReading | undefined = storageOf(0, 0, 0, 0);
  readonly asked: number[] = [];

  devices(has: { inverter?: boolean; battery?: boolean } = {}): BoardDevices {
    const meter = {
      frameAfter: async (after: UnixSeconds): Promise<ClampFrame> => {
        this.asked.push(after);
        if (this.frame === undefined) throw new Error('no frame');
        const { gridW, gridWh, loadW, loadWh } = this.frame;
        const channel = (powerW: number, energyWh: number) => ({ powerW: W(powerW), energyWh: Wh(energyWh) });
        const channels = [channel(gridW, gridWh), channel(loadW, loadWh)];
        this.message++;
        return { receivedAt: UnixSeconds(this.message), message: this.message, voltsRms: 230, channels };
      },
    } as unknown as SiteMeter;
    const inverter = {
      read: async () => {
        if (this.generationWh === undefined) throw new Error('no inverter');
        return { powerW: W(200), generationWh: Wh(this.generationWh) };
      },
    } as unknown as PvInverter;
    const battery = {
      read: async () => {
        if (this.storage === undefined) throw new Error('no battery');
        return this.storage;
      },
    } as unknown as Battery;
    return {
      meter,
      gridChannel: 1,
      loadChannel: 2,
      inverter: has.inverter === false ? undefined : inverter,
      battery: has.battery === false ? undefined : battery,
    };
  }
}

function storageOf(acCharge: number, dcCharge: number, dcDischarge: number, acDischarge: number): BatteryReading {
  return {
    powerW: W(-5),
    stateOfChargeCentiPercent: 5_000,
    acChargeWh: Wh(acCharge),
    dcChargeWh: Wh(dcCharge),
    dcDischargeWh: Wh(dcDischarge),
    acDischargeWh: Wh(acDischarge),
  };
}

const now = UnixSeconds(900);

test('a sample has what every device said, and its values follow the channels', async () => {
  const bench = new Bench();
  const sampler = new Sampler(bench.devices(), emptyRegisters, log);
  await sampler.sample(now);
  bench.frame = { gridW: -300, gridWh: -20, loadW: 700, loadWh: 35 };
  bench.storage = storageOf(110, 100, 50, 45);
  const sample = await sampler.sample(now);
  assert.deepEqual([sample.gridW, sample.loadW, sample.inverter?.powerW], [-300, 700, 200]);
  assert.deepEqual(sampler.values(sample), {
    gridImport: 0,
    gridExport: 20,
    generation: 1000,
    consumption: 35,
    storageCharge: 100,
    storageDischarge: 50,
    losses: 15,
    storagePower: -5,
    stateOfCharge: 5_000,
  });
});

test('each device that does not answer leaves out its own values only, and they come back with it', async () => {
  const losses = [
    ['frame', ['gridImport', 'gridExport', 'consumption']],
    ['generationWh', ['generation']],
    ['storage', ['storageCharge', 'storageDischarge', 'losses', 'storagePower', 'stateOfCharge']],
  ] as const;
  for (const [device, missing] of losses) {
    const bench = new Bench();
    const sampler = new Sampler(bench.devices(), emptyRegisters, log);
    const missed = async (): Promise<string[]> =>
      Object.entries(sampler.values(await sampler.sample(now)))
        .filter(([, value]) => value === undefined)
        .map(([name]) => name);
    const was = bench[device];
    Object.assign(bench, { [device]: undefined });
    assert.deepEqual(await missed(), missing);
    Object.assign(bench, { [device]: was });
    assert.deepEqual(await missed(), []);
  }
});

test('a building without inverter and battery has no values of theirs', async () => {
  const sampler = new Sampler(new Bench().devices({ inverter: false, battery: false }), emptyRegisters, log);
  const sample = await sampler.sample(now);
  assert.deepEqual([sample.inverter, sample.battery], [undefined, undefined]);
  const { generation, losses } = sampler.values(sample);
  assert.deepEqual([generation, losses], [undefined, undefined]);
});

test('a failing device is told of once, and once more when it answers again', async () => {
  const said: string[] = [];
  const tell = (level: string) => (facts: { device: string }, what: string) =>
    said.push(`${level} ${facts.device} ${what}`);
  const bench = new Bench();
  const telling = { warn: tell('warn'), info: tell('info') } as unknown as Log;
  const sampler = new Sampler(bench.devices(), emptyRegisters, telling);
  bench.generationWh = undefined;
  for (let n = 0; n < 3; n++) await sampler.sample(now);
  bench.generationWh = 1001;
  for (let n = 0; n < 3; n++) await sampler.sample(now);
  assert.deepEqual(said, ['warn inverter device does not answer', 'info inverter device answers again']);
});

test('a frame is asked for that came after the last one, whatever happened between', async () => {
  const bench = new Bench();
  const sampler = new Sampler(bench.devices(), emptyRegisters, log);
  await sampler.sample(now);
  const { frame } = bench;
  bench.frame = undefined;
  await sampler.sample(now);
  bench.frame = frame;
  await sampler.sample(now);
  assert.deepEqual(bench.asked, [0, 1, 1]);
});

test('what flowed while the clamps did not answer is counted when they do', async () => {
  const bench = new Bench();
  const sampler = new Sampler(bench.devices(), emptyRegisters, log);
  await sampler.sample(now);
  bench.frame = undefined;
  await sampler.sample(now);
  bench.frame = { gridW: 0, gridWh: 40, loadW: 0, loadWh: 60 };
  await sampler.sample(now);
  assert.deepEqual([sampler.registers.grid.importWh, sampler.registers.load.importWh], [40, 60]);
});

test('registers go on from where they were kept', async () => {
  const kept = {
    grid: { importWh: Wh(7_000), exportWh: Wh(300), last: { netWh: Wh(10), message: 0 } },
    load: { importWh: Wh(9_000), exportWh: Wh(0), last: { netWh: Wh(20), message: 0 } },
    lossesWh: Wh(80),
  };
  const bench = new Bench();
  bench.frame = { gridW: 0, gridWh: 15, loadW: 0, loadWh: 26 };
  const sampler = new Sampler(bench.devices(), kept, log);
  const { gridImport, gridExport, consumption, losses } = sampler.values(await sampler.sample(now));
  assert.deepEqual([gridImport, gridExport, consumption, losses], [7_005, 300, 9_006, 80]);
});

test('where no clamp is around the load, it is what comes in and what the devices give', async () => {
  const bench = new Bench();
  bench.storage = { ...storageOf(0, 0, 0, 0), powerW: W(-50) };
  const sampler = new Sampler({ ...bench.devices(), loadChannel: undefined }, emptyRegisters, log);
  assert.equal((await sampler.sample(now)).loadW, 500 + 200 - 50);
  bench.frame = { gridW: -900, gridWh: 100, loadW: 0, loadWh: 0 };
  bench.generationWh = 1010;
  bench.storage = { ...storageOf(30, 0, 0, 5), powerW: W(0) };
  const sample = await sampler.sample(now);
  // A load cannot give: the devices were read a moment apart.
  assert.equal(sample.loadW, 0);
  assert.equal(sampler.values(sample).consumption, 100 + 10 + 5 - 30);
  bench.generationWh = undefined;
  assert.equal((await sampler.sample(now)).loadW, undefined);
});

test('a frame of a front-end that sends seldom counts until it is too old', async () => {
  const waits: number[] = [];
  const frame: ClampFrame = {
    receivedAt: now,
    message: 1,
    voltsRms: 230,
    channels: [
      { powerW: W(500), energyWh: Wh(0) },
      { powerW: W(700), energyWh: Wh(0) },
    ],
  };
  const meter = {
    frameAfter: async (after: UnixSeconds, timeoutMs: number): Promise<ClampFrame> => {
      waits.push(timeoutMs);
      if (after >= now) throw new Error('no newer frame');
      return frame;
    },
  } as unknown as SiteMeter;
  const devices = { ...new Bench().devices({ inverter: false, battery: false }), meter, frameSeconds: 10 };
  const sampler = new Sampler(devices, emptyRegisters, log);
  const gridAt = async (seconds: number) => (await sampler.sample(UnixSeconds(now + seconds))).gridW;
  assert.deepEqual([await gridAt(0), await gridAt(1), await gridAt(9), await gridAt(10)], [500, 500, 500, undefined]);
  assert.deepEqual(waits, [300, 300, 300, 300]);
  // A clock that was set back makes no frame an old one.
  assert.equal(await gridAt(-100), 500);
  // One that sends by itself is not waited for while what it said last counts.
  waits.length = 0;
  const other = new Sampler({ ...devices, meter: { ...meter, sendsByItself: true } }, emptyRegisters, log);
  for (const seconds of [0, 1, 9, 10]) await other.sample(UnixSeconds(now + seconds));
  assert.deepEqual(waits, [300, 10, 10, 300]);
});

test('no register of the board ever steps back', async () => {
  const wh = fc.integer({ min: 0, max: 1_000 });
  const step = fc.record({
    gridWh: fc.option(fc.integer({ min: -1_000, max: 1_000 }), { nil: undefined }),
    storage: fc.option(fc.tuple(wh, wh, wh, wh), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const bench = new Bench();
      const sampler = new Sampler(bench.devices(), emptyRegisters, log);
      let before = sampler.registers;
      for (const { gridWh, storage } of steps) {
        bench.frame = gridWh === undefined ? undefined : { gridW: 0, gridWh, loadW: 0, loadWh: Math.abs(gridWh) };
        bench.storage = storage === undefined ? undefined : storageOf(...storage);
        await sampler.sample(now);
        const { grid, load, lossesWh } = sampler.registers;
        assert.ok(grid.importWh >= before.grid.importWh && grid.exportWh >= before.grid.exportWh);
        assert.ok(load.importWh >= before.load.importWh && lossesWh >= before.lossesWh);
        before = sampler.registers;
      }
    }),
    { numRuns: 50 },
  );
});

test('registers that were found late go on as if they had been there from the start', async () => {
  const wh = fc.integer({ min: -1_000, max: 1_000 });
  const at = fc.record({ gridWh: wh, loadWh: fc.nat(1_000) });
  await fc.assert(
    fc.asyncProperty(at, fc.array(at, { minLength: 1, maxLength: 8 }), async (before, steps) => {
      const bench = new Bench();
      const kept = {
        grid: { importWh: Wh(7_000), exportWh: Wh(300), last: { netWh: Wh(before.gridWh), message: 0 } },
        load: { importWh: Wh(9_000), exportWh: Wh(0), last: { netWh: Wh(before.loadWh), message: 0 } },
        lossesWh: Wh(80),
      };
      const [early, late] = [kept, emptyRegisters].map((each) => new Sampler(bench.devices(), each, log));
      for (const { gridWh, loadWh } of steps) {
        bench.frame = { gridW: 0, gridWh, loadW: 0, loadWh };
        await early!.sample(now);
        bench.message--;
        await late!.sample(now);
      }
      late!.goOnFrom(kept);
      assert.deepEqual(late!.registers, early!.registers);
    }),
    { numRuns: 50 },
  );
});
