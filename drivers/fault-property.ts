/** For tests: what every driver of a Modbus device must hold on a line with faults. */
import assert from 'node:assert/strict';
import { GridError } from '#hal/errors.ts';
import { uniform } from '#hal/random.ts';
import { UnixSeconds } from '#hal/units.ts';
import { FaultLine } from './modbus/fault-line.ts';
import { ModbusRtuClient } from './modbus/rtu-client.ts';
import { BusScheduler } from './modbus/scheduler.ts';
import type { RegisterBank } from './modbus/server.ts';
import { StepTimer } from './modbus/step-timer.ts';
import { type Flow, type Tested, unit } from './tested-drivers.ts';

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
  const { stepWh = 1, roundedW = 0 } = tested;
  const shown = new Set<string>();
  const inner = tested.bank(flow, clock);
  const watch =
    (read: RegisterBank['read']): RegisterBank['read'] =>
    (address, count) => {
      for (let off = -roundedW; off <= roundedW; off++) shown.add(`power ${flow.powerW + off}`);
      shown.add(`energy ${Math.round(flow.energyWh / stepWh)}`);
      return read(address, count);
    };
  const bank: RegisterBank = {
    read: watch(inner.read.bind(inner)),
    write: (address, registers) => inner.write?.(address, registers),
    ...(inner.readInput === undefined ? {} : { readInput: watch(inner.readInput.bind(inner)) }),
  };
  const line = new FaultLine({ seed, chance: 0.15, answerTimeoutMs, timer, units: new Map([[unit, bank]]) });
  await using bus = new BusScheduler(new ModbusRtuClient(line, { baud: 19_200, answerTimeoutMs, timer }), { timer });
  const driver = tested.make(bus, clock);
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
      if (energyWh !== undefined) {
        assert.ok(shown.has(`energy ${Math.round(energyWh / stepWh)}`), `seed ${seed}: ${energyWh} Wh`);
      }
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
