import { Type } from '#hal/schema.ts';
import { driver, modbusUnit } from '../driver.ts';
import { SunSpecBattery } from './battery.ts';
import { SunSpecBatteryTwin } from './battery-twin.ts';
import { SunSpecInverter } from './inverter.ts';
import { SunSpecInverterTwin } from './inverter-twin.ts';
import { siteStorage, siteSun } from './site-sources.ts';

const settings = { unit: modbusUnit };
const generations = ['ieee1547', 'legacy'] as const;
/** A device that falls back to no limit has to be held by something else (`gridtokenx boards check`). */
const ownLimitW = (what: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000, description: what }));

export const sunSpecInverter = driver({
  name: 'sunspec-inverter',
  role: 'inverter',
  wire: 'modbus',
  summary: 'PV inverter with SunSpec models 701 to 712, or 101 to 103 with 123',
  settings: {
    ...settings,
    models: Type.Optional(
      Type.Enum([...generations], {
        description:
          'legacy: limited by model 123, which falls back to no limit. ieee1547, which falls back to a limit, unless told',
      }),
    ),
    ownLimitW: ownLimitW('What the inverter is held to by its own settings while nobody tells it anything'),
  },
  make: ({ unit }, bus, { clock }) => new SunSpecInverter(bus, unit, clock),
  twin: ({ ratedW, models = 'ieee1547' }, { clock, site, serial, inverterModels = models }) => {
    const twin = new SunSpecInverterTwin({ ...siteSun(site), ratedW, serial }, clock, inverterModels);
    return { wire: twin.bank, power: twin.power.bind(twin) };
  },
});

export const sunSpecBattery = driver({
  name: 'sunspec-battery',
  role: 'battery',
  wire: 'modbus',
  summary: 'Battery with SunSpec models 701 to 714, or 101 to 103 with 124, 802 where it has it',
  settings: {
    ...settings,
    models: Type.Optional(
      Type.Enum([...generations], {
        description:
          'legacy: set by model 124, which falls back to the battery’s own operation. ieee1547, which falls back to rest, unless told',
      }),
    ),
    ownLimitW: ownLimitW('What the battery gives or takes at most by its own settings while nobody tells it anything'),
  },
  make: ({ unit }, bus, context) => new SunSpecBattery(bus, unit, context),
  twin: ({ ratedW, capacityWh, models = 'ieee1547' }, { clock, site, serial }) => {
    const twin = new SunSpecBatteryTwin({ ...siteStorage(site), ratedW, capacityWh, serial }, clock, models);
    return { wire: twin.bank, power: twin.power.bind(twin) };
  },
});
