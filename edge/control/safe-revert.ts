import { GridError } from '#hal/errors.ts';
import type { DerMode, GridSupport } from '#drivers/grid-support.ts';
import type { BoardFile } from '../board-file.ts';
import type { BoardDevices } from '../sampler.ts';

type Driven = 'inverter' | 'battery';

/** What keeps the site within its limits, and must fall back to something safe when the board falls silent. */
const orderOf: Readonly<Record<Driven, DerMode>> = { inverter: 'limitW', battery: 'targetW' };

/**
 * What is wrong with how the devices that were found fall back, by device: `boards check` goes by what the file says
 * of them, and the devices may be others. Errors: `GTX-EDG-044`.
 */
export function revertFaults(
  { devices: entries, connection }: BoardFile,
  devices: Pick<BoardDevices, Driven>,
  isStarted: (role: Driven) => boolean,
): ReadonlyMap<Driven, GridError> {
  const faults = new Map<Driven, GridError>();
  if (entries.contactor !== undefined) return faults;
  for (const role of Object.keys(orderOf) as Driven[]) {
    const entry = entries[role];
    const device: GridSupport | undefined = devices[role];
    if (entry === undefined || device === undefined || !isStarted(role)) continue;
    const ownW = Number(entry['ownLimitW'] ?? Infinity);
    const reverts = device.modes().get(orderOf[role])?.reverts ?? 'never';
    if (reverts === 'toValue' || Math.min(entry.ratedW, ownW) <= connection.exportLimitW) continue;
    faults.set(role, unsafe(role, reverts));
  }
  return faults;
}

function unsafe(role: Driven, reverts: 'never' | 'toDefault'): GridError {
  const how = reverts === 'never' ? 'keeps its last order for ever' : 'falls back to no limit';
  return new GridError('GTX-EDG-044', `The ${role} ${how} when the board falls silent: the export limit may not hold`, {
    hint: 'Set a limit in the device itself and say so as ownLimitW, or put a contactor before it.',
  });
}
