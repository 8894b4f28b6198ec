import { W, Wh } from '#hal/units.ts';
import type { ClampChannel } from '../capabilities.ts';

/**
 * The forms in which Shelly energy meters tell their state over MQTT:
 * - `gen1` (Shelly EM, 3EM): one number a topic, `shellies/<device>/emeter/<i>/{power,total,total_returned,voltage}`;
 *   W, Wh and V (Shelly Gen1 API reference, "Shelly EM: MQTT" and "Shelly 3EM: MQTT");
 * - `em1` (EM Gen3 and Gen4, Pro EM): one JSON object a clamp, `<device>/status/em1:<i>` and `em1data:<i>`
 *   (Shelly Gen2+ API reference, components EM1 and EM1Data);
 * - `em` (Pro 3EM, 3EM Gen3): one JSON object for three phases, `<device>/status/em:0` and `emdata:0` (EM and EMData).
 */
export const shellyForms = ['gen1', 'em1', 'em'] as const;
export type ShellyForm = (typeof shellyForms)[number];

type Quantity = 'power' | 'voltage' | 'import' | 'export';

/** Values of channels, as one message tells them; W, V, Wh with fractions. */
export interface ShellyValue {
  /** From 0. */
  readonly channel: number;
  readonly quantity: Quantity;
  readonly value: number;
}

/** Clamps that a device has at most. */
export const shellyChannels = 3;
const mostW = 1_000_000;
const mostWh = 1e12;
const ranges: Readonly<Record<Quantity, readonly [number, number]>> = {
  power: [-mostW, mostW],
  voltage: [0, 1000],
  import: [0, mostWh],
  export: [0, mostWh],
};
const longestPayload = 4096;

/** What a board listens to. */
export const filtersOf = (form: ShellyForm, prefix: string): readonly string[] =>
  form === 'gen1' ? [`${prefix}/emeter/+/+`] : [`${prefix}/status/+`];

const gen1Quantities: Readonly<Record<string, Quantity>> = {
  power: 'power',
  voltage: 'voltage',
  total: 'import',
  total_returned: 'export',
};
const em1Keys: Readonly<Record<string, readonly (readonly [string, Quantity])[]>> = {
  em1: [
    ['act_power', 'power'],
    ['voltage', 'voltage'],
  ],
  em1data: [
    ['total_act_energy', 'import'],
    ['total_act_ret_energy', 'export'],
  ],
};
const emKeys: Readonly<Record<string, readonly (readonly [string, Quantity])[]>> = {
  em: em1Keys['em1']!,
  emdata: em1Keys['em1data']!,
};

/**
 * Reads one message. Answers nothing for a topic that is not about energy, and a reason for one that is and makes no
 * sense: then no part of it is believed.
 */
export function parseShelly(
  form: ShellyForm,
  prefix: string,
  topic: string,
  payload: Buffer,
): readonly ShellyValue[] | string {
  if (payload.length > longestPayload) return 'too long';
  const path = topic.slice(prefix.length + 1);
  const values = form === 'gen1' ? gen1Values(path, payload.toString()) : statusValues(form, path, payload.toString());
  if (typeof values === 'string') return values;
  for (const { quantity, value, channel } of values) {
    const [least, most] = ranges[quantity];
    if (!(value >= least && value <= most)) return `${quantity} of clamp ${channel + 1} is out of range`;
  }
  return values;
}

function gen1Values(path: string, text: string): readonly ShellyValue[] | string {
  const [, index, name] = /^emeter\/([0-2])\/([a-z_]+)$/.exec(path) ?? [];
  const quantity = gen1Quantities[name ?? ''];
  if (index === undefined || quantity === undefined) return [];
  if (!/^-?\d{1,12}(\.\d{1,6})?$/.test(text)) return `${name} is not a number`;
  return [{ channel: Number(index), quantity, value: Number(text) }];
}

function statusValues(form: 'em1' | 'em', path: string, text: string): readonly ShellyValue[] | string {
  const [, component, index] = /^status\/([a-z0-9]+):([0-2])$/.exec(path) ?? [];
  const keys = (form === 'em1' ? em1Keys : emKeys)[component ?? ''];
  if (keys === undefined || (form === 'em' && index !== '0')) return [];
  const status = parseObject(text);
  if (status === undefined) return `${component} is not a JSON object`;
  if (Array.isArray(status['errors']) && status['errors'].length > 0) {
    return `${component} tells errors: ${status['errors'].slice(0, 3).join(', ').slice(0, 100)}`;
  }
  const values: ShellyValue[] = [];
  const channels = form === 'em1' ? [[Number(index), ''] as const] : (['a_', 'b_', 'c_'] as const).entries();
  for (const [channel, phase] of channels) {
    for (const [key, quantity] of keys) {
      const value = status[`${phase}${key}`];
      if (typeof value !== 'number') return `${phase}${key} is not a number`;
      values.push({ channel, quantity, value });
    }
  }
  return values;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** One clamp of the twin. */
export interface ShellyFlow {
  readonly volts: number;
  readonly powerW: number;
  readonly importWh: number;
  readonly exportWh: number;
}

/** One object for three phases: `a_…`, `b_…`, `c_…`. */
function phased(each: readonly Readonly<Record<string, number>>[]): string {
  const entries = each.flatMap((values, i) =>
    Object.entries(values).map(([key, value]) => [`${'abc'[i]}_${key}`, value]),
  );
  return JSON.stringify({ id: 0, ...Object.fromEntries(entries) });
}

/** What the twin publishes for its clamps, topic by topic, energy before power. */
export function formatShelly(
  form: ShellyForm,
  prefix: string,
  channels: readonly ShellyFlow[],
): readonly (readonly [topic: string, payload: string])[] {
  if (form === 'gen1') {
    return channels.flatMap(({ volts, powerW, importWh, exportWh }, i) => {
      const at = `${prefix}/emeter/${i}`;
      return [
        [`${at}/total`, importWh.toFixed(1)],
        [`${at}/total_returned`, exportWh.toFixed(1)],
        [`${at}/voltage`, volts.toFixed(2)],
        [`${at}/power`, powerW.toFixed(2)],
      ] as const;
    });
  }
  const live = channels.map(({ volts, powerW }) => ({ act_power: powerW, voltage: volts }));
  const data = channels.map(({ importWh, exportWh }) => ({
    total_act_energy: importWh,
    total_act_ret_energy: exportWh,
  }));
  if (form === 'em1') {
    return channels.flatMap((_, i) => [
      [`${prefix}/status/em1data:${i}`, JSON.stringify({ id: i, ...data[i] })] as const,
      [`${prefix}/status/em1:${i}`, JSON.stringify({ id: i, ...live[i] })] as const,
    ]);
  }
  return [
    [`${prefix}/status/emdata:0`, phased(data)],
    [`${prefix}/status/em:0`, phased(live)],
  ];
}

/** A channel in integer units. */
export const channelOf = (powerW: number, importWh: number, exportWh: number): ClampChannel => ({
  powerW: W(Math.round(powerW)),
  energyWh: Wh(Math.floor(importWh) - Math.floor(exportWh)),
});
