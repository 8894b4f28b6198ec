import { requestsOf } from '#drivers/bus-load.ts';
import { type PeriodicRequest, utilisation } from '#drivers/modbus/utilisation.ts';
import { devicesOf, isEmulated, portOf } from '#edge/board-devices.ts';
import type { BoardFile } from '#edge/board-file.ts';

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
    line.plan.push(...requestsOf(entry.driver, entry['unit'], sampleSeconds));
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

/** Control must fail closed: a device that forgets its limit when the board falls silent needs something else to hold it. */
function refusalOfRevert({ devices, connection }: BoardFile): readonly Refusal[] {
  const { inverter, contactor } = devices;
  if (inverter?.['models'] !== 'legacy' || contactor !== undefined) return [];
  const own = inverter['ownLimitW'];
  const { exportLimitW } = connection;
  const device = 'devices.inverter: it reverts to "no limit" (SunSpec model 123) when the board falls silent';
  const hint = 'Set a limit in the inverter itself and say so as ownLimitW, or put a contactor before it.';
  if (inverter.ratedW <= exportLimitW) return [];
  if (typeof own !== 'number') {
    return [{ code: 'GTX-BRD-021', message: `${device}, and could then export more than exportLimitW`, hint }];
  }
  if (own <= exportLimitW) return [];
  const message = `${device}, and its own limit of ${own} W is above exportLimitW of ${exportLimitW} W`;
  return [{ code: 'GTX-BRD-021', message, hint }];
}

/** What stands against a board whose file is in order. */
export const refusalsOf = (file: BoardFile): readonly Refusal[] => [
  ...linesOf(file).flatMap(refusalOfLine),
  ...refusalOfRevert(file),
];
