import { requestsOf } from '#drivers/bus-load.ts';
import { type PeriodicRequest, utilisation } from '#drivers/modbus/utilisation.ts';
import { devicesOf, isEmulated, portOf } from '#edge/board-devices.ts';
import type { BoardFile, DeviceEntry } from '#edge/board-file.ts';

/** A board samples and controls once a second. */
const sampleSeconds = 1;
/** Above it control writes come late and a unit that fails takes the others' time. */
const mostUtilisation = 0.7;

export interface Line {
  readonly port: string;
  readonly baud: number;
  readonly units: number;
  /** Share of its time, 1 = all of it. */
  readonly utilisation: number;
}

/** How busy each serial line of a board would be. */
export function linesOf(file: BoardFile): readonly Line[] {
  const lines = new Map<string, { baud: number; units: Set<number>; plan: PeriodicRequest[] }>();
  for (const { entry } of devicesOf(file)) {
    const spec = portOf(file, entry);
    if (isEmulated(file, entry) || spec === undefined || !('serial' in spec) || typeof entry['unit'] !== 'number')
      continue;
    const line = lines.get(spec.serial) ?? { baud: spec.baud, units: new Set(), plan: [] };
    line.units.add(entry['unit']);
    const { driver, models } = entry;
    line.plan.push(
      ...requestsOf({ driver, unit: entry['unit'], ...(typeof models === 'string' && { models }) }, sampleSeconds),
    );
    lines.set(spec.serial, line);
  }
  return [...lines].map(([port, { baud, units, plan }]) => ({
    port,
    baud,
    units: units.size,
    utilisation: utilisation(plan, baud),
  }));
}

/** A reason not to put the board to work. */
export interface Refusal {
  readonly code: `GTX-BRD-${number}`;
  readonly message: string;
  readonly hint: string;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function refusalOfLine({ port, baud, units, utilisation: share }: Line): readonly Refusal[] {
  if (share <= mostUtilisation) return [];
  const message = `${port}: this line would be ${percent(share)} busy with ${units} ${units === 1 ? 'unit' : 'units'} at ${baud} baud, at most ${percent(mostUtilisation)} leaves room for control`;
  return [
    { code: 'GTX-BRD-020', message, hint: 'Raise the baud rate of all its devices, or spread them over two lines.' },
  ];
}

/** What a device of the old models does at most once the board falls silent, W; `undefined` where it falls back to what it is told. */
function fallbackOf(entry: DeviceEntry<'inverter' | 'battery'> | undefined): number | undefined {
  if (entry?.['models'] !== 'legacy') return undefined;
  const own = entry['ownLimitW'];
  return typeof own === 'number' ? Math.min(own, entry.ratedW) : entry.ratedW;
}

const refusalOf = (role: 'inverter' | 'battery', model: string, could: string): readonly Refusal[] => [
  {
    code: 'GTX-BRD-021',
    message: `devices.${role}: it reverts to "no limit" (SunSpec model ${model}) when the board falls silent, and could then ${could}`,
    hint: `Set a limit in the ${role} itself and say so as ownLimitW, or put a contactor before it.`,
  },
];

/** Control must fail closed: a device that forgets its limit when the board falls silent needs something else to hold it. */
function refusalOfRevert({ devices, connection }: BoardFile): readonly Refusal[] {
  const { inverter, battery, contactor } = devices;
  const [inverterW, batteryW] = [fallbackOf(inverter), fallbackOf(battery)];
  const { exportLimitW, importLimitW } = connection;
  // A contactor is open while the board falls silent, and with it all that generates.
  if (contactor !== undefined) return [];
  if (batteryW !== undefined && batteryW > importLimitW) {
    return refusalOf('battery', '124', `draw ${batteryW} W: more than importLimitW of ${importLimitW} W`);
  }
  const sum = (inverterW ?? 0) + (batteryW ?? 0);
  if (sum <= exportLimitW) return [];
  const could = `export ${sum} W: more than exportLimitW of ${exportLimitW} W`;
  return inverterW === undefined ? refusalOf('battery', '124', could) : refusalOf('inverter', '123', could);
}

/** What stands against a board whose file is in order. */
export const refusalsOf = (file: BoardFile): readonly Refusal[] => [
  ...linesOf(file).flatMap(refusalOfLine),
  ...refusalOfRevert(file),
];
