import { Type } from 'typebox';
import { driver, modbusUnit } from '../driver.ts';
import { SunSpecBattery } from './battery.ts';
import { SunSpecBatteryTwin } from './battery-twin.ts';
import { SunSpecInverter } from './inverter.ts';
import { SunSpecInverterTwin } from './inverter-twin.ts';

const settings = { unit: modbusUnit };

export const sunSpecInverter = driver({
  name: 'sunspec-inverter',
  role: 'inverter',
  wire: 'modbus',
  summary: 'PV inverter with SunSpec models 701 to 712, or 101 to 103 with 123',
  settings: {
    ...settings,
    models: Type.Optional(
      Type.Enum(['ieee1547', 'legacy'], {
        description:
          'legacy: limited by model 123, which falls back to no limit. ieee1547, which falls back to a limit, unless told',
      }),
    ),
    ownLimitW: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000_000,
        description: 'What the inverter is held to by its own settings while nobody tells it anything',
      }),
    ),
  },
  make: ({ unit }, bus) => new SunSpecInverter(bus, unit),
  twin: ({ ratedW }, { clock, site, serial, inverterModels = 'ieee1547' }) => {
    const source = { ratedW, serial, powerW: () => site.state.pvW, energyWh: () => site.generationWh };
    const twin = new SunSpecInverterTwin(source, clock, inverterModels);
    return { wire: twin.bank, power: twin.power.bind(twin) };
  },
});

export const sunSpecBattery = driver({
  name: 'sunspec-battery',
  role: 'battery',
  wire: 'modbus',
  summary: 'Battery with SunSpec models 701 to 714',
  settings,
  make: ({ unit }, bus) => new SunSpecBattery(bus, unit),
  twin: ({ ratedW, capacityWh }, { clock, site, serial }) => {
    const source = {
      ratedW,
      capacityWh,
      serial,
      acPowerW: () => site.state.batteryW,
      socCentiPercent: () => site.stateOfChargeCentiPercent,
      acChargeWh: () => site.acChargeWh,
      acDischargeWh: () => site.acDischargeWh,
      dcChargeWh: () => site.dcChargeWh,
      dcDischargeWh: () => site.dcDischargeWh,
    };
    const twin = new SunSpecBatteryTwin(source, clock);
    return { wire: twin.bank, power: twin.power.bind(twin) };
  },
});
