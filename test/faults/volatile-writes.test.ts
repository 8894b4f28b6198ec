import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds, W } from '#hal/units.ts';
import type { Battery, PvInverter } from '#drivers/capabilities.ts';
import { drivers } from '#drivers/registry.ts';
import type { DerMode, DerModes, VarCurve } from '#drivers/grid-support.ts';
import type { RegisterBank } from '#drivers/modbus/server.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import { Site } from '#drivers/site/site.ts';
import { modelTable, scanDevice } from '#drivers/sunspec/device-map.ts';
import { models } from '#drivers/sunspec/models.generated.ts';
import { PassingMemory } from '#edge/runtime/device-memory.ts';

/**
 * SunSpec does not say which points a device keeps in flash (neither its JSON nor the Device Information Model
 * Specification has a mark for it). Taken as volatile are setpoints: they stand in a model of "immediate" controls, or
 * beside a timer that reverts them, and what reverts by itself is nothing to keep. Ratings, settings and limits of
 * installation are not: models 1, 120, 121, 701, 702, 713, 714, 802 and what else they have.
 */
const setpoints: ReadonlyMap<number, RegExp> = new Map([
  [123, /./],
  [124, /^(StorCtl_Mod|OutWRte|InWRte|InOutWRte_(WinTms|RvrtTms|RmpTms))$/],
  [704, /^(WMaxLim|WSet|WRmp|PFW|VarSet)/],
  [715, /^ControllerHb$/],
  [802, /^CtrlHb$/],
]);
/** Counted on while the board lives, whatever it orders. */
const heartbeats: ReadonlySet<string> = new Set(['715.ControllerHb', '802.CtrlHb']);
/** Functions of the utility's: written when it changes them, never as the site's power moves. */
const functions: ReadonlySet<number> = new Set([703, 705, 706, 707, 708, 709, 710, 711, 712]);
/** What the board orders second by second. */
const powers: readonly DerMode[] = ['limitW', 'targetW'];

const curve: VarCurve = {
  points: [
    { x: 90, y: 30 },
    { x: 110, y: -30 },
  ],
  reference: 'maxVar',
};
const trip = (magnitude: number) => [{ seconds: 1, magnitude }];

/** A value of every mode. */
const values: DerModes = {
  connect: false,
  limitW: W(3_000),
  targetW: W(1_000),
  powerFactorInject: { cosPhi: 0.95, excitation: 'over' },
  powerFactorAbsorb: { cosPhi: 0.95, excitation: 'under' },
  fixedVar: { percent: 10, of: 'maxVar' },
  voltVar: curve,
  voltWatt: { ...curve, points: curve.points.map(({ x }) => ({ x, y: 50 })), reference: 'maxW' },
  wattVar: { ...curve, points: curve.points.map(({ x, y }) => ({ x: x - 50, y })) },
  freqDroop: { deadbandOverHz: 0.05, deadbandUnderHz: 0.05, droopOver: 0.05, droopUnder: 0.05, responseSeconds: 1 },
  lowVoltageMustTrip: trip(50),
  lowVoltageMayTrip: trip(60),
  lowVoltageMomentaryCessation: trip(55),
  highVoltageMustTrip: trip(120),
  highVoltageMayTrip: trip(115),
  highVoltageMomentaryCessation: trip(118),
  lowFrequencyMustTrip: trip(57),
  lowFrequencyMayTrip: trip(58),
  highFrequencyMustTrip: trip(63),
  highFrequencyMayTrip: trip(62),
  rampRate: 5,
  enterService: {
    maxVoltagePercent: 106,
    minVoltagePercent: 92,
    maxHz: 60.1,
    minHz: 59.5,
    delaySeconds: 300,
    randomDelaySeconds: 0,
    rampSeconds: 300,
  },
};

/** A bus of one bank that remembers which registers were written. */
function recordingBus(bank: RegisterBank) {
  const written = new Set<number>();
  const settle = async (registers: ReturnType<RegisterBank['read']>): Promise<Buffer> => {
    if (typeof registers === 'number') throw new RangeError(`exception ${registers}`);
    return Buffer.from(registers);
  };
  const transport: RegisterTransport = {
    name: 'test',
    start: () => Promise.resolve(),
    readHolding: (_unit, address, count) => settle(bank.read(address, count)),
    readInput: (_unit, address, count) => settle(bank.readInput?.(address, count) ?? bank.read(address, count)),
    writeHolding: async (_unit, address, registers) => {
      const refusal = bank.write?.(address, registers);
      if (refusal !== undefined) throw new RangeError(`exception ${refusal} at ${address}`);
      for (let i = 0; i < registers.length / 2; i++) written.add(address + i);
    },
  };
  return { transport, written };
}

const pointAt = (model: number, offset: number): string =>
  Object.entries(modelTable(model as keyof typeof models).points).find(
    ([, { at, size }]) => offset >= at && offset < at + size,
  )?.[0] ?? `group at ${offset}`;

const driven = drivers
  .filter(({ role, wire }) => wire === 'modbus' && (role === 'inverter' || role === 'battery'))
  .flatMap((driver) => ['ieee1547', 'legacy'].map((generation) => [driver, generation] as const));

for (const [driver, generation] of driven) {
  test(`${driver.name} (${generation}) writes setpoints only, and but its heartbeat nothing before it is told to`, async (t) => {
    const clock = { now: () => UnixSeconds(1_800_000_000) };
    const battery = { capacityWh: 20_000, ratedW: 5_000 };
    const location = { latitude: 37, longitude: -122, timeZone: 'UTC' };
    const site = new Site(
      { meterId: 'TEST', building: 'residential', location, pvRatedW: 10_000, peakLoadW: 5_000, battery },
      1,
    );
    const settings = { unit: 1, ratedW: 10_000, capacityWh: 20_000, reservePercent: 10, models: generation };
    const twin = driver.twin(settings, { clock, site, serial: 'TEST' });
    const { transport, written } = recordingBus(twin.wire as RegisterBank);
    const made = driver.make(settings, transport, { clock, memory: new PassingMemory() });
    const device = made as PvInverter | Battery;
    await device.start();
    await device.read();
    await device.readGrid();
    const { blocks } = await scanDevice(transport, 1);
    const placesOf = (addresses: Iterable<number>): readonly (readonly [number, string])[] =>
      [...addresses].map((address) => {
        const block = blocks.find(({ address: start, length }) => address >= start && address < start + length + 2);
        assert.ok(block !== undefined, `${address} is in no model`);
        return [block.id, pointAt(block.id, address - block.address)] as const;
      });
    assert.ok(placesOf(written).every((place) => heartbeats.has(place.join('.'))));
    const writtenBy = async (mode: DerMode, value: unknown): Promise<readonly (readonly [number, string])[]> => {
      written.clear();
      await device.setMode(mode, value as never, { revertSeconds: 60 });
      return placesOf(written);
    };
    const seen = new Set<string>();
    for (const mode of device.modes().keys()) {
      const points = [...(await writtenBy(mode, values[mode])), ...(await writtenBy(mode, null))];
      assert.ok(points.length > 0, mode);
      for (const [model, point] of points) {
        seen.add(`${model}.${point}`);
        const isSetpoint = setpoints.get(model)?.test(point) === true || (model === 704 && point.startsWith('group'));
        const isFunction = functions.has(model) && !powers.includes(mode);
        assert.ok(isSetpoint || isFunction, `${mode} writes ${model}.${point}`);
      }
    }
    t.diagnostic(`${device.modes().size} modes write ${seen.size} points`);
  });
}
