/** For the tests of this folder: a twin with physics behind it, and its driver, over Modbus TCP. */
import { TcpPort } from '#hal/linux/tcp.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { GridSupport } from '../grid-support.ts';
import { ModbusTcpClient } from '../modbus/client.ts';
import { type RegisterBank, serveModbusTcp } from '../modbus/server.ts';
import { type GridCondition, nominalGrid } from '../site/grid.ts';
import { SunSpecBattery } from './battery.ts';
import { type BatteryModels, SunSpecBatteryTwin } from './battery-twin.ts';
import type { AcPower } from './der-functions.ts';
import { SunSpecInverter } from './inverter.ts';
import { type InverterModels, SunSpecInverterTwin } from './inverter-twin.ts';
import { noMemory } from './twin-bench.ts';

export const ratedW = 10_000;
/** As the twins have it: apparent power 110 % of the rating, reactive power 44 % of that. */
export const maxVA = 11_000;
export const maxVar = 4_840;
/** The battery's apparent rating is its active one. */
export const batteryMaxVar = 4_400;

/** A device at a grid that the test sets; time goes on only by `run`. */
export class WireBench<Device extends GridSupport> implements AsyncDisposable {
  readonly device: Device;
  readonly clock: { time: number; now: () => UnixSeconds };
  grid: GridCondition = nominalGrid;
  /** What the sun offers, or what the cells take and give. */
  availableW = ratedW;
  /** What flows at the twin's terminals. */
  power: AcPower = { activeW: 0, reactiveVar: 0 };
  readonly #step: (bench: WireBench<Device>) => AcPower;
  readonly #resources: AsyncDisposableStack;

  constructor(
    device: Device,
    clock: { time: number; now: () => UnixSeconds },
    resources: AsyncDisposableStack,
    step: (bench: WireBench<Device>) => AcPower,
  ) {
    this.device = device;
    this.clock = clock;
    this.#resources = resources;
    this.#step = step;
  }

  /** Lets so many seconds pass; what flows at their end. */
  run(seconds: number): AcPower {
    for (let i = 0; i < seconds; i++) {
      this.clock.time++;
      this.power = this.#step(this);
    }
    return this.power;
  }

  /** The grid changes and so many seconds pass. */
  at(grid: Partial<GridCondition>, seconds: number): AcPower {
    this.grid = { ...nominalGrid, ...grid };
    return this.run(seconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const clockAt = (time: number): { time: number; now: () => UnixSeconds } => {
  const clock = { time, now: () => UnixSeconds(clock.time) };
  return clock;
};

async function serve(resources: AsyncDisposableStack, bank: RegisterBank): Promise<ModbusTcpClient> {
  const { port } = resources.use(await serveModbusTcp({ port: 0, units: new Map([[1, bank]]) }));
  return resources.use(new ModbusTcpClient(new TcpPort('127.0.0.1', port), { maxInFlight: 4 }));
}

export async function inverterBench(models: InverterModels): Promise<WireBench<SunSpecInverter>> {
  const resources = new AsyncDisposableStack();
  const clock = clockAt(1_000_000);
  const source = { ratedW, serial: 'PV-1', powerW: () => bench.power.activeW, energyWh: () => 0 };
  const twin = new SunSpecInverterTwin(source, clock, models);
  const device = new SunSpecInverter(await serve(resources, twin.bank), 1, clock);
  const bench = new WireBench(device, clock, resources, ({ availableW, grid }) =>
    twin.power(clock.now(), availableW, grid),
  );
  await device.start();
  bench.run(1);
  return bench;
}

const none = (): number => 0;

export async function batteryBench(models: BatteryModels = 'ieee1547'): Promise<WireBench<SunSpecBattery>> {
  const resources = new AsyncDisposableStack();
  const clock = clockAt(1_000_000);
  const source = {
    ratedW,
    capacityWh: 20_000,
    serial: 'BAT-1',
    acPowerW: () => bench.power.activeW,
    socCentiPercent: () => 5000,
    acChargeWh: none,
    acDischargeWh: none,
    dcChargeWh: none,
    dcDischargeWh: none,
  };
  const twin = new SunSpecBatteryTwin(source, clock, models);
  const device = new SunSpecBattery(await serve(resources, twin.bank), 1, { clock, memory: noMemory });
  const bench = new WireBench(device, clock, resources, ({ availableW, grid }) =>
    twin.power(clock.now(), { minW: 0 - availableW, maxW: availableW }, grid),
  );
  await device.start();
  bench.run(1);
  return bench;
}
