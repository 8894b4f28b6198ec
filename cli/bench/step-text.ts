import { expectationText } from './expectation.ts';
import type { Conditions, Dispatch, Limits, Step } from './plan-schema.ts';

const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 3 });
const orBy = (value: number | string, unit: string): string =>
  typeof value === 'string' ? `as the ${value} has it` : `${number(value)} ${unit}`;

const conditionTexts: { readonly [Key in keyof Conditions]-?: (value: NonNullable<Conditions[Key]>) => string } = {
  irradianceWm2: (value) => `irradiance ${orBy(value, 'W/m²')}`,
  temperatureC: (value) => `air ${number(value)} °C`,
  loadW: (value) => `load ${orBy(value, 'W')}`,
  voltagePercent: (value) => `voltage ${number(value)} % of nominal`,
  frequencyHz: (value) => `frequency ${number(value)} Hz`,
  ripplePercent: (value) => `ripple control ${value} %`,
};

/** `load 3,000 W, frequency 59.5 Hz`. */
export const conditionsText = (conditions: Conditions): string =>
  Object.entries(conditions)
    .map(([key, value]) => (conditionTexts[key as keyof Conditions] as (value: unknown) => string)(value))
    .join(', ');

const orderNames = {
  exportW: 'export',
  importW: 'import',
  generationW: 'generation',
  batteryW: 'battery',
  plantW: 'PV and battery',
} as const;

function ordersText({ rampSeconds, ...orders }: Limits & Dispatch, most: string): string {
  const texts = Object.entries(orders).map(([key, w]) => {
    const name = orderNames[key as keyof typeof orderNames];
    return w === null ? `${name} free` : `${name} ${most}${number(w)} W`;
  });
  return [...texts, ...(rampSeconds === undefined ? [] : [`over ${rampSeconds} s`])].join(', ');
}

const seconds = (count: number): string => `${number(count)} s`;

/** What a step does, in a line. */
export function stepText(step: Step): string {
  if ('set' in step) return `set ${conditionsText(step.set)}`;
  if ('limit' in step) return `limit ${ordersText(step.limit, 'at most ')}`;
  if ('dispatch' in step) return `dispatch ${ordersText(step.dispatch, '')}`;
  if ('wait' in step) return `wait ${seconds(step.wait)}`;
  if ('pull' in step) return `pull ${step.pull}`;
  if ('restore' in step) return `restore ${step.restore}`;
  if ('storm' in step) return step.storm ? 'faults on the line begin' : 'faults on the line end';
  const { within, for: lasting } = step;
  return [
    `expect ${expectationText(step.expect)}`,
    ...(within === undefined ? [] : [`within ${seconds(within)}`]),
    ...(lasting === undefined ? [] : [`for ${seconds(lasting)}`]),
  ].join(' ');
}
