import { GridError } from '#hal/errors.ts';
import type { DerMode, DerModes, DerOrder, ModeSupport } from '../grid-support.ts';
import { checkMode } from './mode-checks.ts';

/** How a device is told one mode. Values have been checked as such; what does not suit the device is refused. */
export interface ModeEntry<Mode extends DerMode> {
  readonly support: ModeSupport;
  readonly set: (value: DerModes[Mode] | null, order: DerOrder<Mode>) => Promise<void>;
}

/** The modes of one device. */
export type ModeTable = { readonly [Mode in DerMode]?: ModeEntry<Mode> | undefined };

/** Throws `GTX-SUN-008` for seconds that do not arm a timer that ends: 0 would keep the setpoint for ever. */
function checkSeconds(seconds: number, least: number, what: string): void {
  if (Number.isInteger(seconds) && seconds >= least) return;
  throw new GridError('GTX-SUN-008', `A setpoint must ${what} after whole seconds from ${least} on, not ${seconds}`);
}

/** Sets a mode after all that can be checked without the device has been. Errors: `GTX-SUN-008`, `GTX-SUN-011`. */
export async function setInTable<Mode extends DerMode>(
  table: ModeTable,
  device: string,
  mode: Mode,
  value: DerModes[Mode] | null,
  order: DerOrder<Mode>,
): Promise<void> {
  const entry: ModeEntry<Mode> | undefined = table[mode];
  if (entry === undefined) {
    throw new GridError('GTX-SUN-011', `${device} has no control of ${mode}`, {
      hint: 'Ask for the modes that the device reports, or use one that has it.',
    });
  }
  const { support } = entry;
  const { revertSeconds, revertTo, rampSeconds = 0 } = order;
  checkSeconds(revertSeconds, 1, 'revert');
  checkSeconds(rampSeconds, 0, 'be reached');
  if (value !== null) checkMode(mode, value, support.maxPoints);
  if (revertTo !== undefined) checkMode(mode, revertTo, support.maxPoints);
  const isRefused = (revertTo !== undefined && support.reverts !== 'toValue') || (rampSeconds > 0 && !support.ramps);
  if (isRefused) {
    const what = rampSeconds > 0 && !support.ramps ? 'ramp' : 'value to revert to';
    throw new GridError('GTX-SUN-008', `${device} takes no ${what} with ${mode}`);
  }
  await entry.set(value, order);
}

export const supportOf = (table: ModeTable): ReadonlyMap<DerMode, ModeSupport> =>
  new Map(
    (Object.entries(table) as [DerMode, ModeEntry<DerMode> | undefined][]).flatMap(([mode, entry]) =>
      entry === undefined ? [] : [[mode, entry.support] as const],
    ),
  );
