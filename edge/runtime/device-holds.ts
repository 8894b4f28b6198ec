import { GridError } from '#hal/errors.ts';
import { tryHoldName } from '#hal/hold-name.ts';
import { kindOf, placeOf, type PortSpec } from '#hal/port-file.ts';
import type { Role } from '#drivers/driver.ts';
import { type BoardDevice, devicesOf, isEmulated, portOf } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';

/** What a program writes to: nobody else may. */
const driven: ReadonlySet<Role> = new Set(['inverter', 'battery', 'contactor']);

/** Of a serial line there is one master; behind an address each unit is a device of its own. */
function nameOf(spec: PortSpec, { role, entry }: BoardDevice): string | undefined {
  const kind = kindOf(spec);
  if (kind === 'serial' || kind === 'spi') return placeOf(spec);
  if (!driven.has(role)) return undefined;
  const part: unknown = kind === 'gpio' ? entry['coil'] : entry['unit'];
  return `${placeOf(spec)} ${String(part)}`;
}

/**
 * Holds the real devices of a board for this process: no second program on this machine drives them. Rejects with
 * `GTX-EDG-043` when another one does, and then holds nothing.
 */
export async function holdDevices(file: BoardFile): Promise<AsyncDisposable> {
  await using held = new AsyncDisposableStack();
  const names = devicesOf(file).flatMap((device) => {
    const spec = isEmulated(file, device.entry) ? undefined : portOf(file, device.entry);
    const name = spec && nameOf(spec, device);
    return name === undefined ? [] : [name];
  });
  for (const name of new Set(names)) {
    const hold = await tryHoldName(name);
    if (hold === undefined) {
      throw new GridError('GTX-EDG-043', `Another program on this machine drives ${name}`, {
        hint: 'Two that give orders work against each other: stop the other one first (`systemctl stop gridtokenx`).',
      });
    }
    held.use(hold);
  }
  return held.move();
}
