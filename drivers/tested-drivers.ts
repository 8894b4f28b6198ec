/** For tests: every driver of a Modbus device, with a twin whose physics the test moves. */
import type { UnixSeconds } from '#hal/units.ts';
import { meterMaps } from './meter/maps.ts';
import { meterDrivers } from './meter/meter-drivers.ts';
import { MeterTwin } from './meter/meter-twin.ts';
import { RegisterMeter } from './meter/register-meter.ts';
import type { RegisterBank } from './modbus/server.ts';
import type { RegisterTransport } from './modbus/transport.ts';
import { pointFor, type RegisterMap } from './register-map.ts';
import { SunSpecBattery } from './sunspec/battery.ts';
import { type BatteryModels, SunSpecBatteryTwin } from './sunspec/battery-twin.ts';
import { SunSpecInverter } from './sunspec/inverter.ts';
import { type InverterModels, SunSpecInverterTwin } from './sunspec/inverter-twin.ts';
import { SunSpecMeter } from './sunspec/sunspec-meter.ts';
import { SunSpecMeterTwin } from './sunspec/sunspec-meter-twin.ts';
import { noMemory } from './sunspec/twin-bench.ts';

/** The physics of one device: another power each second, and energy that follows. */
export interface Flow {
  powerW: number;
  energyWh: number;
}

export interface Clock {
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

export interface Tested {
  /** As the registry has it. */
  readonly driver: string;
  /** What of the driver is tested, where that is not all. */
  readonly of?: string;
  /** Another data file of a driver that is tested with one already. */
  readonly isLikeAnother?: boolean;
  /** Wh that its energy register counts in; 1 unless told. */
  readonly stepWh?: number;
  /** W that its phases, each rounded, may differ by together; 0 unless told. */
  readonly roundedW?: number;
  bank(flow: Flow, clock: Clock): RegisterBank;
  make(bus: RegisterTransport, clock: Clock): TestedDriver;
}

/** Of the device on its bus. */
export const unit = 5;
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
/** Of Wh, in what the map calls the register's unit. */
const stepOf = ({ points }: RegisterMap): number =>
  Math.max(
    ...points
      .filter(({ quantity }) => quantity === 'energyImport')
      .map(({ unit: of, scale = 1 }) => scale * (of === 'kWh' ? 1000 : 1)),
  );

const meters = meterMaps
  .filter(({ name }) => meterDrivers.some((each) => each.name === name))
  .map(
    (map): Tested => ({
      driver: map.name,
      isLikeAnother: map.name !== 'sdm630',
      stepWh: stepOf(map),
      roundedW: pointFor(map, 'power') === undefined ? 2 : 0,
      bank: (flow) => new MeterTwin(map, meterSource(flow)).bank,
      make: (bus, clock) => {
        const meter = new RegisterMeter(map, bus, unit, clock);
        return { start: () => meter.start(), read: async () => meter.read().then((r) => toldOf(r.powerW, r.importWh)) };
      },
    }),
  );

const inverter = (models: InverterModels): Tested => ({
  driver: 'sunspec-inverter',
  of: models,
  bank: (flow, clock) => {
    const source = { ratedW: 20_000, serial: 'PV-1', powerW: () => flow.powerW, energyWh: () => flow.energyWh };
    return new SunSpecInverterTwin({ ...source, hasHeartbeat: true }, clock, models).bank;
  },
  make: (bus, clock) => {
    const device = new SunSpecInverter(bus, unit, clock);
    return {
      start: () => device.start(),
      read: async () => device.read().then((r) => toldOf(r.powerW, r.generationWh)),
    };
  },
});

const battery = (models: BatteryModels): Tested => ({
  driver: 'sunspec-battery',
  of: models,
  bank: (flow, clock) => {
    const source = {
      ratedW: 20_000,
      capacityWh: 30_000,
      serial: 'BAT-1',
      hasHeartbeat: true,
      acPowerW: () => flow.powerW,
      socCentiPercent: () => 5000,
      acChargeWh: zero,
      acDischargeWh: () => flow.energyWh,
      dcChargeWh: zero,
      dcDischargeWh: zero,
    };
    return new SunSpecBatteryTwin(source, clock, models).bank;
  },
  make: (bus, clock) => {
    const device = new SunSpecBattery(bus, unit, { clock, memory: noMemory });
    return {
      start: () => device.start(),
      // The registers of the old models count no energy: the driver does.
      read: async () => device.read().then((r) => toldOf(r.powerW, models === 'legacy' ? undefined : r.acDischargeWh)),
    };
  },
});

/** Every driver of a Modbus device. */
export const testedDrivers: readonly Tested[] = [
  ...meters,
  {
    driver: 'sunspec-meter',
    bank: (flow) => new SunSpecMeterTwin(meterSource(flow), 'M-1').bank,
    make: (bus, clock) => {
      const meter = new SunSpecMeter(bus, unit, clock);
      return { start: () => meter.start(), read: async () => meter.read().then((r) => toldOf(r.powerW, r.importWh)) };
    },
  },
  inverter('ieee1547'),
  inverter('legacy'),
  battery('ieee1547'),
  battery('legacy'),
];
