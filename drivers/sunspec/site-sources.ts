import type { Site } from '../site/site.ts';
import type { BatterySource } from './battery-twin.ts';
import type { InverterSource } from './inverter-twin.ts';

/** What a building's PV plant gives its inverter's twin to show. */
export const siteSun = (site: Site) =>
  ({ powerW: () => site.state.pvW, energyWh: () => site.generationWh }) satisfies Partial<InverterSource>;

/** What a building's battery gives its twin to show. */
export const siteStorage = (site: Site) =>
  ({
    acPowerW: () => site.state.batteryW,
    socCentiPercent: () => site.stateOfChargeCentiPercent,
    acChargeWh: () => site.acChargeWh,
    acDischargeWh: () => site.acDischargeWh,
    dcChargeWh: () => site.dcChargeWh,
    dcDischargeWh: () => site.dcDischargeWh,
  }) satisfies Partial<BatterySource>;
