/** For tests: what every driver of a Modbus device must hold on a line with faults. */
import assert from 'node:assert/strict';
import { GridError } from '#hal/errors.ts';
import { uniform } from '#hal/random.ts';
import { UnixSeconds } from '#hal/units.ts';
import { meterMap } from './meter/maps.ts';
import { MeterTwin } from './meter/meter-twin.ts';
import { RegisterMeter } from './meter/register-meter.ts';
import { FaultLine } from './modbus/fault-line.ts';
import { ModbusRtuClient } from './modbus/rtu-client.ts';
import { BusScheduler } from './modbus/scheduler.ts';
import type { RegisterBank } from './modbus/server.ts';
import { StepTimer } from './modbus/step-timer.ts';
import type { RegisterTransport } from './modbus/transport.ts';
import { SunSpecBattery } from './sunspec/battery.ts';
import { SunSpecBatteryTwin } from './sunspec/battery-twin.ts';
import { SunSpecInverter } from './sunspec/inverter.ts';
import { SunSpecInverterTwin } from './sunspec/inverter-twin.ts';
import { SunSpecMeter } from './sunspec/sunspec-meter.ts';
import { SunSpecMeterTwin } from './sunspec/sunspec-meter-twin.ts';

/** The physics of one device: another power each second, and energy that follows. */
interface Flow {
  powerW: number;
  energyWh: number;
}

interface Clock {
  now(): UnixSeconds;
}

/** What of a reading is compared; energy that the driver doubts is `undefined`. */
interface Told {
  readonly powerW: number;
  readonly energyWh: number | undefined;
}

interface TestedDriver {
  start(): Promise<void>;
  read(): Promise<Told>;
}

interface Tested {
  bank(flow: Flow, clock: Clock): RegisterBank;
  driver(bus: RegisterTransport, clock: Clock): TestedDriver;
}

const unit = 5;
const zero = (): number => 0;
const meterSource = (flow: Flow) => ({
  revision: () => flow.energyWh,
  powerW: () => flow.powerW,
  reactiveVar: zero,
  importWh: () => flow.energyWh,
  exportWh: zero,
  voltsRms: () => 230,
  frequencyHz: () => 50,
});
const toldOf = (powerW: number, energyWh: number | undefined): Told => ({ powerW, energyWh });

/** The drivers by name. */
export const testedDrivers: Readonly<Record<string, Tested>> = {
  'register map (sdm630)': {
    bank: (flow) => new MeterTwin(meterMap('sdm630'), meterSource(flow)).bank,
    driver: (bus, clock) => {
      const meter = new RegisterMeter(meterMap('sdm630'), bus, unit, clock);
      return { start: () => meter.start(), read: async () => meter.read().then((r) => toldOf(r.powerW, r.importWh)) };
    },
  },
  'sunspec meter': {
    bank: (flow) => new SunSpecMeterTwin(meterSource(flow), 'M-1').bank,
    driver: (bus, clock) => {
      const meter = new SunSpecMeter(bus, unit, clock);
      return { start: () => meter.start(), read: async () => meter.read().then((r) => toldOf(r.powerW, r.importWh)) };
    },
  },
  'sunspec inverter': {
    bank: (flow, clock) => {
      const source = { ratedW: 20_000, serial: 'PV-1', powerW: () => flow.powerW, energyWh: () => flow.energyWh };
      return new SunSpecInverterTwin(source, clock, 'ieee1547').bank;
    },
    driver: (bus) => {
      const inverter = new SunSpecInverter(bus, unit);
      return {
        start: () => inverter.start(),
        read: async () => inverter.read().then((r) => toldOf(r.powerW, r.generationWh)),
      };
    },
  },
  'sunspec battery': {
    bank: (flow, clock) => {
      const source = {
        ratedW: 20_000,
        capacityWh: 30_000,
        serial: 'BAT-1',
        acPowerW: () => flow.powerW,
        socCentiPercent: () => 5000,
        acChargeWh: zero,
        acDischargeWh: () => flow.energyWh,
        dcChargeWh: zero,
        dcDischargeWh: zero,
      };
      return new SunSpecBatteryTwin(source, clock).bank;
    },
    driver: (bus) => {
      const battery = new SunSpecBattery(bus, unit);
      return {
        start: () => battery.start(),
        read: async () => battery.read().then((r) => toldOf(r.powerW, r.acDischargeWh)),
      };
    },
  },
};

const answerTimeoutMs = 200;
/** The longest back-off of a unit and of the bus, and a round of time-outs. */
const recoverWithinMs = 35_000;
const asks = 40;

export interface FaultyRun {
  /** The faults that were met. */
  readonly faults: ReadonlySet<string>;
  /** Readings that were told while there were faults. */
  readonly told: number;
}

/**
 * A driver on a line with faults asked 40 times, at once or after up to a second: what it tells is what the device showed while it was asked, or an error
 * with a code; and within 35 s after the last fault it tells the truth again.
 */
export async function holdsOnFaultyLine(tested: Tested, seed: number): Promise<FaultyRun> {
  const timer = new StepTimer();
  const clock = { now: () => UnixSeconds(1_000_000 + Math.floor(timer.nowMs() / 1000)) };
  const flow: Flow = { powerW: 0, energyWh: 50_000 };
  const shown = new Set<string>();
  const inner = tested.bank(flow, clock);
  const watch =
    (read: RegisterBank['read']): RegisterBank['read'] =>
    (address, count) => {
      shown.add(`power ${flow.powerW}`).add(`energy ${flow.energyWh}`);
      return read(address, count);
    };
  const bank: RegisterBank = {
    read: watch(inner.read.bind(inner)),
    write: (address, registers) => inner.write?.(address, registers),
    ...(inner.readInput === undefined ? {} : { readInput: watch(inner.readInput.bind(inner)) }),
  };
  const line = new FaultLine({ seed, chance: 0.15, answerTimeoutMs, timer, units: new Map([[unit, bank]]) });
  await using bus = new BusScheduler(new ModbusRtuClient(line, { baud: 19_200, answerTimeoutMs, timer }), { timer });
  const driver = tested.driver(bus, clock);
  // Starting takes dozens of answers in a row: every fifth run meets faults there, the others reach the readings.
  line.isFaulty = seed % 5 === 0;
  let isStarted = await timer.until(driver.start()).then(
    () => true,
    () => false,
  );
  line.isFaulty = true;
  const ask = async (): Promise<boolean> => {
    shown.clear();
    flow.powerW = Math.floor(10_000 * uniform(seed, Math.floor(timer.nowMs())));
    flow.energyWh += 1;
    try {
      if (!isStarted) await timer.until(driver.start());
      isStarted = true;
      const { powerW, energyWh } = await timer.until(driver.read());
      assert.ok(shown.has(`power ${powerW}`), `seed ${seed}: ${powerW} W was never shown in this reading`);
      if (energyWh !== undefined) assert.ok(shown.has(`energy ${energyWh}`), `seed ${seed}: ${energyWh} Wh`);
      return true;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      assert.match(error.code, /^GTX-(MOD|SUN|MTR|MAP)-\d+$/);
      return false;
    }
  };
  let told = 0;
  for (let i = 0; i < asks; i++) {
    if (await ask()) told++;
    await timer.run(Math.max(0, 2000 * uniform(seed + 1, i) - 1000));
  }
  line.isFaulty = false;
  const healed = timer.nowMs();
  while (!(await ask())) {
    assert.ok(timer.nowMs() - healed < recoverWithinMs, `seed ${seed}: not back within ${recoverWithinMs} ms`);
    await timer.run(500);
  }
  return { faults: new Set(line.done.keys()), told };
}
