import { driver, type Driver, modbusUnit, type SettingsFault, type TwinContext } from '../driver.ts';
import { pointFor, type RegisterMap } from '../register-map.ts';
import { SunSpecMeter } from '../sunspec/sunspec-meter.ts';
import { SunSpecMeterTwin } from '../sunspec/sunspec-meter-twin.ts';
import { meterMaps } from './maps.ts';
import { MeterClamps } from './meter-clamps.ts';
import { type MeterSource, MeterTwin } from './meter-twin.ts';
import { RegisterMeter } from './register-meter.ts';

const settings = { unit: modbusUnit };

/** What a meter at a site's connection point measures. */
export const connectionPoint = ({ site, clock }: Pick<TwinContext, 'site' | 'clock'>): MeterSource => ({
  revision: () => site.state.time ?? 0,
  powerW: () => site.state.gridW,
  reactiveVar: () => site.gridVar,
  importWh: () => site.importWh,
  exportWh: () => site.exportWh,
  voltsRms: () => site.voltsRms(clock.now()),
  frequencyHz: () => site.grid(clock.now()).frequencyHz,
});

function check({ gridChannel, loadChannel }: { gridChannel: number; loadChannel?: number }): SettingsFault | undefined {
  if (gridChannel !== 1) return { key: 'gridChannel', text: 'expected 1: a meter has one channel' };
  return loadChannel === undefined
    ? undefined
    : { key: 'loadChannel', text: 'expected no loadChannel: a meter measures the connection point only' };
}

/** It counts energy both ways: a connection point can be billed by it. */
const countsEnergy = (map: RegisterMap): boolean =>
  pointFor(map, 'energyImport') !== undefined && pointFor(map, 'energyExport') !== undefined;

/** Every meter with a register map that can stand at a connection point, and those that speak SunSpec. */
export const meterDrivers: readonly Driver[] = [
  ...meterMaps.filter(countsEnergy).map((map) =>
    driver({
      name: map.name,
      role: 'clamps',
      wire: 'modbus',
      summary: map.title,
      settings,
      check,
      make: ({ unit }, bus, { clock }) => new MeterClamps(new RegisterMeter(map, bus, unit, clock), clock),
      twin: (_settings, context) => ({ wire: new MeterTwin(map, connectionPoint(context)).bank }),
    }),
  ),
  driver({
    name: 'sunspec-meter',
    role: 'clamps',
    wire: 'modbus',
    summary: 'Meter with SunSpec models 201 to 204, such as a Fronius Smart Meter at unit 200',
    settings,
    check,
    make: ({ unit }, bus, { clock }) => new MeterClamps(new SunSpecMeter(bus, unit, clock), clock),
    twin: (_settings, context) => ({ wire: new SunSpecMeterTwin(connectionPoint(context), context.serial).bank }),
  }),
];
