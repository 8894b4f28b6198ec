import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { exceptionCode, type ModbusException } from '../modbus/protocol.ts';
import { registerMapSchema } from '../register-map.ts';
import { meterMap, meterMaps } from './maps.ts';
import { BankBus, meterBench } from './meter-bench.ts';
import { RegisterMeter } from './register-meter.ts';
import { schemaFile } from './write-schema.ts';

test('the published schema is that of the code', () => {
  assert.deepEqual(JSON.parse(readFileSync(schemaFile, 'utf8')), JSON.parse(JSON.stringify(registerMapSchema)));
});

/** Registers worked out by hand from the data sheets, and what they mean: no code of ours has made them. */
const vectors: Readonly<Record<string, { registers: Readonly<Record<number, string>>; meaning: object }>> = {
  // Eastron SDM630: float32, high word first. 230.0 V, 5.0 A, 1150.5 W, total −3452 W, 50.0 Hz, 12345.678 kWh, 0.5 kWh.
  sdm630: {
    registers: {
      0: '43660000',
      6: '40a00000',
      0x0c: '448fd000',
      0x34: 'c557c000',
      0x46: '42480000',
      0x48: '4640e6b6',
      0x4a: '3f000000',
      0x15a: '447a0000',
    },
    meaning: {
      powerW: -3452,
      importWh: 12_345_678,
      exportWh: 500,
      frequencyMilliHz: 50_000,
      voltageMilliV: 230_000,
      currentMilliA: 5_000,
      phasePowerW: 1151,
      phaseImportWh: 1_000_000,
      phases: 3,
    },
  },
  // Eastron SDM120: 240.0 V, 1.0 A, 240.0 W, 60.0 Hz, 100.0 kWh in, 25.5 kWh out.
  sdm120: {
    registers: { 0: '43700000', 6: '3f800000', 0x0c: '43700000', 0x46: '42700000', 0x48: '42c80000', 0x4a: '41cc0000' },
    meaning: {
      powerW: 240,
      importWh: 100_000,
      exportWh: 25_500,
      frequencyMilliHz: 60_000,
      voltageMilliV: 240_000,
      currentMilliA: 1_000,
      phases: 1,
    },
  },
  // Carlo Gavazzi EM24 on RS-485: int32, low word first. 2301 (/10 V), 4321 (/1000 A), −12345 (/10 W), 500 (/10 Hz),
  // 1234567 (/10 kWh), 99 (/10 kWh).
  em24: {
    registers: {
      0: '08fd0000',
      0x0c: '10e10000',
      0x12: 'cfc7ffff',
      0x28: 'cfc7ffff',
      0x37: '01f4',
      0x42: 'd6870012',
      0x5c: '00630000',
    },
    meaning: {
      powerW: -1234,
      importWh: 123_456_700,
      exportWh: 9_900,
      frequencyMilliHz: 50_000,
      voltageMilliV: 230_100,
      currentMilliA: 4_321,
      phasePowerW: -1234,
      phases: 3,
    },
  },
  'em24-ethernet': {
    registers: { 0: '08fd0000', 0x28: '27100000', 0x33: '01f4', 0x34: 'd6870012', 0x4e: '00630000' },
    meaning: { powerW: 1000, importWh: 123_456_700, exportWh: 9_900, frequencyMilliHz: 50_000, phases: 3 },
  },
  // Victron GX, unit 100: int16 W at 820 to 822; 700 W in, 1200 W out, 50 W in.
  'victron-gx': {
    registers: { 820: '02bc', 821: 'fb50', 822: '0032' },
    meaning: { powerW: -450, phasePowerW: 700, phases: 3, importWh: undefined, exportWh: undefined },
  },
  // 2,500 W of generation on L1, counted as export here.
  'victron-gx-pv': { registers: { 808: '09c4' }, meaning: { powerW: -2500, phasePowerW: -2500, phases: 3 } },
  // Victron grid meter: 230.5 V, −1.2 A, 1000.00 kWh of L1, 123456.78 kWh in all, −276 W, 49.98 Hz.
  'victron-grid': {
    registers: {
      2616: '0901',
      2617: 'fff4',
      2622: '000186a0',
      2634: '00bc614e',
      2638: 'fffffeec',
      2644: '1386',
    },
    meaning: {
      powerW: -276,
      importWh: 123_456_780,
      frequencyMilliHz: 49_980,
      voltageMilliV: 230_500,
      currentMilliA: -1_200,
      phaseImportWh: 1_000_000,
      phases: 3,
    },
  },
  // Acrel ADW300: int32 ΣP in W, energies in hundredths of a kWh.
  adw300: {
    registers: { 36: 'fffff830', 62: '0001e240', 64: '00000064' },
    meaning: { powerW: -2000, importWh: 1_234_560, exportWh: 1_000, phases: 0 },
  },
};

test('every map reads the registers of its data sheet as the data sheet means them', async () => {
  assert.deepEqual(meterMaps.map(({ name }) => name).toSorted(), Object.keys(vectors).toSorted());
  for (const [name, { registers, meaning }] of Object.entries(vectors)) {
    const map = meterMap(name);
    const image = Buffer.alloc(2 * 0x10000);
    for (const [at, hex] of Object.entries(registers)) image.write(hex, 2 * Number(at), 'hex');
    const read = (address: number, count: number) => image.subarray(2 * address, 2 * (address + count));
    // The one function that the device has; the other is refused.
    const bank =
      map.function === 'input'
        ? { read: (): ModbusException => exceptionCode.illegalFunction, readInput: read }
        : { read };
    const meter = new RegisterMeter(map, new BankBus(bank), map.unitId ?? 1, { now: meterBench(map).clock.now });
    await meter.start();
    const reading = await meter.read();
    const [l1] = reading.phases;
    const found: Readonly<Record<string, unknown>> = {
      ...reading,
      phases: reading.phases.length,
      voltageMilliV: l1?.voltageMilliV,
      currentMilliA: l1?.currentMilliA,
      phasePowerW: l1?.powerW,
      phaseImportWh: l1?.importWh,
    };
    for (const [key, value] of Object.entries(meaning)) assert.equal(found[key], value, `${name} ${key}`);
  }
});

test('every twin shows what flows, and its driver reads it', async () => {
  for (const map of meterMaps) {
    const { state, meter } = meterBench(map);
    Object.assign(state, { powerW: map.name === 'victron-gx-pv' ? -900 : 4500, reactiveVar: 600 });
    await meter.start();
    const { powerW, importWh, phases } = await meter.read();
    assert.equal(powerW, state.powerW, map.name);
    if (map.points.some(({ name }) => name === 'energyImport')) assert.equal(importWh, 5000, map.name);
    for (const phase of phases) {
      if (phase.powerW !== undefined && phases.length === 3) assert.equal(phase.powerW, state.powerW / 3, map.name);
    }
  }
});

test('a value outside its range is refused, not passed on', async () => {
  const { state, meter } = meterBench(meterMap('sdm120'));
  await meter.start();
  state.powerW = 20_000;
  await assert.rejects(meter.read(), { code: 'GTX-MTR-001', message: /20000 W for power/ });
  state.powerW = 100;
  state.hertz = 400;
  await assert.rejects(meter.read(), { code: 'GTX-MTR-001', message: /400 Hz for frequency/ });
});

test('an energy register that falls or leaps counts only when it says so twice', async () => {
  const { state, clock, meter } = meterBench(meterMap('sdm120'));
  const next = async (importWh: number): Promise<number | undefined> => {
    state.importWh = importWh;
    clock.time++;
    return (await meter.read()).importWh;
  };
  await meter.start();
  assert.equal(await next(5001), 5001);
  assert.equal(await next(900_000), undefined, 'a leap');
  assert.equal(await next(5002), 5002, 'the leap was a damaged frame');
  assert.equal(await next(12), undefined, 'a fall');
  assert.equal(await next(13), 13, 'it goes on from there: another meter was put in');
});

test('the first energy is believed when a second reading agrees with it', async () => {
  const { state, meter } = meterBench(meterMap('sdm120'));
  state.importWh = 900_000;
  await meter.start();
  state.importWh = 5000;
  assert.equal((await meter.read()).importWh, undefined);
  assert.equal((await meter.read()).importWh, 5000);
});

test('a meter that stands still under load is found out; a steady one is not', async () => {
  const { state, clock, meter } = meterBench(meterMap('sdm120'));
  state.powerW = 3000;
  await meter.start();
  for (let i = 0; i < 59; i++) {
    clock.time++;
    await meter.read();
  }
  clock.time += 2;
  await assert.rejects(meter.read(), { code: 'GTX-MTR-003' });
  state.importWh += 1;
  await meter.read();
  state.powerW = 0;
  await meter.read();
  clock.time += 86_400;
  await meter.read();
});

test('where the total is no number the phases stand in for it; a meter without either says so', async () => {
  const { state, twin, meter } = meterBench(meterMap('sdm630'));
  state.powerW = 900;
  const bank = twin.bank.readInput!.bind(twin.bank);
  twin.bank.readInput = (address, count) => {
    const registers = bank(address, count);
    if (typeof registers !== 'number' && address <= 52) registers.write('7fc00000', 2 * (52 - address), 'hex');
    return registers;
  };
  await meter.start();
  const { powerW } = await meter.read();
  assert.equal(powerW, 900);
  const single = meterBench(meterMap('sdm120'));
  single.bus.damage = (registers, address) => {
    if (address <= 12) registers.write('7fc00000', 2 * (12 - address), 'hex');
    return registers;
  };
  await assert.rejects(single.meter.start(), { code: 'GTX-MTR-002' });
});

test('a point that is held shows its value whatever flows', async () => {
  const { state, twin, meter } = meterBench(meterMap('em24'));
  state.powerW = 100;
  twin.hold('power', 1234.5);
  await meter.start();
  assert.equal((await meter.read()).powerW, 1235);
  assert.throws(() => twin.hold('volume', 1), { code: 'GTX-MTR-004' });
  assert.throws(() => twin.hold('frequency', -5), { code: 'GTX-MAP-004' });
});

test('a twin refuses what its device refuses', () => {
  const { twin } = meterBench(meterMap('em24'));
  const { bank } = twin;
  assert.equal(bank.read(0, 2), exceptionCode.illegalFunction);
  assert.equal(bank.readInput!(0, 12), exceptionCode.illegalDataValue, 'eleven registers at most');
  assert.equal(bank.readInput!(200, 2), exceptionCode.illegalDataAddress);
  const { twin: strict } = meterBench(meterMap('adw300'));
  assert.equal(strict.bank.read(36, 4), exceptionCode.illegalDataAddress, 'a gap that it does not answer');
  assert.ok(Buffer.isBuffer(strict.bank.read(36, 2)));
});
