import type { NamedWrite } from '#drivers/commissioning/named-writes.ts';
import type { MissingDevice, TrialSecond } from '#edge/commissioning/limit-trial.ts';
import type { BoardFile } from '#edge/board-file.ts';
import type { LimitOptions } from '../limit.ts';

const watts = (w: number | undefined): string => (w === undefined ? '–' : `${w} W`);
const columns = ['limited', 'PV', 'PV limit', 'battery', 'told', 'grid', 'load'] as const;
const width = 11;

/** The head of the table that `secondText` goes on with. */
export const headText = ({ of, watts: w, seconds }: LimitOptions): string =>
  `${of} limited to ${w} W for ${seconds} s; Ctrl-C ends it and releases\n` +
  `time     ${columns.map((column) => column.padStart(width)).join('')}\n`;

export function secondText({ sample, setpoints, limitedW, shortfallW, failures }: TrialSecond): string {
  const time = new Date(sample.time * 1000).toISOString().slice(11, 19);
  const { inverter, battery, gridW, loadW } = sample;
  const values = [limitedW, inverter?.powerW, setpoints.pvLimitW, battery?.powerW, setpoints.storageW, gridW, loadW];
  const short = shortfallW > 0 ? `  ${shortfallW} W over, nothing more can be done` : '';
  const refused = failures.map(({ role, mode, reason }) => `\n         ${role} refused ${mode}: ${reason.describe()}`);
  return `${time} ${values.map((value) => watts(value).padStart(width)).join('')}${short}${refused.join('')}\n`;
}

export const missingText = (missing: readonly MissingDevice[]): string =>
  missing.map(({ role, reason }) => `${role} is missing: ${reason.describe()}\n`).join('');

/** What would be written, device by device. */
export function dryText(
  { sample, setpoints, shortfallW, failures }: TrialSecond,
  orders: readonly { readonly role: string; readonly writes: readonly NamedWrite[] }[],
  missing: readonly MissingDevice[],
  { devices }: BoardFile,
): string {
  const { inverter, battery, gridW } = sample;
  const told = [
    devices.inverter &&
      `inverter: ${setpoints.pvLimitW === undefined ? 'no limit' : `at most ${setpoints.pvLimitW} W`}; it gives ${watts(inverter?.powerW)}`,
    devices.battery &&
      `battery: ${watts(setpoints.storageW)} (positive discharges, decided by ${setpoints.storageBy}); it gives ${watts(battery?.powerW)}`,
    devices.contactor && 'contactor: closed',
    `grid: ${watts(gridW)}${gridW === undefined ? ', so the worst is assumed' : ''}`,
    shortfallW > 0 ? `the limit would be exceeded by ${shortfallW} W all the same` : undefined,
  ].filter((line) => typeof line === 'string');
  const writes = orders.map(({ role, writes: own }) => `${role} would be written\n${own.map(writeText).join('')}`);
  const refused = failures.map(({ role, reason }) => `${role} would refuse: ${reason.describe()}\n`);
  const nothing = orders.length === 0 && failures.length === 0 ? 'No register would be written.\n' : '';
  return `${missingText(missing)}${told.map((line) => `${line}\n`).join('')}${writes.join('')}${refused.join('')}${nothing}Nothing was written.\n`;
}

const writeText = ({ address, registers, point, value, of = '' }: NamedWrite): string =>
  `  ${String(address).padEnd(6)} ${registers.padEnd(10)} ${(point ?? 'unknown register').padEnd(24)} ${value ?? ''} ${of}`.trimEnd() +
  '\n';
