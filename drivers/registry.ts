import { emonTx } from './ct/emon-driver.ts';
import { ade7953Driver, atm90e32Driver } from './ct/spi-drivers.ts';
import type { Driver, Role } from './driver.ts';
import { meterDrivers } from './meter/meter-drivers.ts';
import { shelly } from './mqtt/shelly-driver.ts';
import { contactor, rippleReceiver } from './relay/relay-drivers.ts';
import { sunSpecBattery, sunSpecInverter } from './sunspec/sunspec-drivers.ts';

/**
 * Every driver that a board file can name. To add one:
 * 1. Beside the driver's class write a definition with `driver({ name, role, wire, summary, settings, make, twin })`
 *    (`driver.ts`; `sunspec/sunspec-drivers.ts` and `ct/emon-driver.ts` are examples). `settings` are TypeBox
 *    properties: give each a `description`, and a `title` where the rule in words says more than the rule. A family
 *    made from data files may export a list of definitions.
 * 2. Add it to this list. The board file's schema, its checks and the emulated building follow from it.
 * 3. Give it a bench of faults in `fault-benches.ts`: the tests ask for one of each driver.
 * 4. Refresh the published schema: `node cli/node24.js boards/write-schema.ts`.
 * A device in a role that the edge does not know yet needs the role as well: `roles` and `Capabilities` in `driver.ts`.
 */
export const drivers: readonly Driver[] = [
  emonTx,
  atm90e32Driver,
  ade7953Driver,
  shelly,
  ...meterDrivers,
  sunSpecInverter,
  sunSpecBattery,
  rippleReceiver,
  contactor,
];

/** The drivers of one role, in the order of the registry. */
export const driversOf = (role: Role): readonly Driver[] => drivers.filter((each) => each.role === role);

/** @throws RangeError for a name that the board file's schema does not let pass */
export function driverNamed(role: Role, name: string): Driver {
  const found = driversOf(role).find((each) => each.name === name);
  if (found === undefined) throw new RangeError(`no driver ${name} for ${role}`);
  return found;
}
