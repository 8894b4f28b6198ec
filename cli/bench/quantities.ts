/** What a plan can expect something of, in its base unit, and how many of those one of each unit is. */
export const quantities = {
  /** At the connection point, positive = import. */
  gridPower: { name: 'power at the connection point', units: { W: 1, kW: 1000 } },
  loadPower: { name: 'power of the load', units: { W: 1, kW: 1000 } },
  pvPower: { name: 'PV power', units: { W: 1, kW: 1000 } },
  /** Positive = discharge. */
  batteryPower: { name: 'battery power', units: { W: 1, kW: 1000 } },
  /** PV and what the battery gives. */
  generation: { name: 'generation', units: { W: 1, kW: 1000 } },
  /** Of the inverter, positive = injected. */
  reactivePower: { name: 'reactive power of the inverter', units: { var: 1, kvar: 1000 } },
  /** Since the plan began. */
  gridImport: { name: 'imported energy', units: { Wh: 1, kWh: 1000 } },
  gridExport: { name: 'exported energy', units: { Wh: 1, kWh: 1000 } },
  charge: { name: 'state of charge', units: { '%': 1 } },
  /** AC energy given over AC energy taken by the battery since the plan began; true where the charge is as it was. */
  roundTrip: { name: 'round-trip efficiency', units: { '%': 1 } },
  /** Between line and neutral. */
  voltage: { name: 'voltage', units: { V: 1 } },
  frequency: { name: 'frequency', units: { Hz: 1, mHz: 0.001 } },
  /** 1 while the inverter says that it is connected to the grid. */
  connected: { name: 'number of inverters on the grid', units: { '1': 1 } },
  /** Devices that did not answer. */
  silent: { name: 'number of silent devices', units: { '1': 1 } },
} as const satisfies Readonly<Record<string, QuantityRule>>;

interface QuantityRule {
  /** In a sentence. */
  readonly name: string;
  readonly units: Readonly<Record<string, number>>;
}

export type QuantityName = keyof typeof quantities;
export const quantityNames = Object.keys(quantities) as readonly QuantityName[];
export const unitNames = [
  ...new Set(Object.values<QuantityRule>(quantities).flatMap(({ units }) => Object.keys(units))),
];

/** What was measured at one instant, in base units; absent what nobody measures, or what did not answer. */
export type Measured = { readonly [Name in QuantityName]?: number | undefined };

/** The unit in which a plan's numbers are when it does not say: the first of the quantity's. */
export const baseUnit = (name: QuantityName): string => Object.keys(quantities[name].units)[0]!;

/** Base units in one `unit`; `undefined` where the quantity does not come in it. */
export const unitFactor = (name: QuantityName, unit: string): number | undefined =>
  (quantities[name] as QuantityRule).units[unit];

/** A value in base units as a person reads it, in `unit`: `2,998 W`. A count has no unit. */
export function shown(name: QuantityName, value: number, unit = baseUnit(name)): string {
  const inUnit = value / (unitFactor(name, unit) ?? 1);
  const text = inUnit.toLocaleString('en', { maximumFractionDigits: 3 });
  return unit === '1' ? text : `${text} ${unit}`;
}
