import { GridError } from '#hal/errors.ts';
import { Wh } from '#hal/units.ts';

/** Net energy that a chip counted bit by bit: whole watt-hours, and the rest in nano-watt-hours, 0 to 999,999,999. */
export interface EnergyRegister {
  readonly wh: Wh;
  readonly nanoWh: number;
}

export const emptyEnergy: EnergyRegister = { wh: Wh(0), nanoWh: 0 };

export const nanoPerWh = 1_000_000_000;

/** Adds signed integer nano-watt-hours; nothing is rounded away. */
export function addEnergy({ wh, nanoWh }: EnergyRegister, more: number): EnergyRegister {
  const sum = nanoWh + more;
  const whole = Math.floor(sum / nanoPerWh);
  return { wh: Wh(wh + whole), nanoWh: sum - whole * nanoPerWh };
}

/** Checks what the memory of a device gave back. Throws `GTX-SPI-006` for anything but what was saved. */
export function restoredEnergy(saved: unknown, channels: number, name: string): readonly EnergyRegister[] {
  if (saved === undefined) return Array.from({ length: channels }, () => emptyEnergy);
  if (Array.isArray(saved) && saved.length === channels && saved.every((each) => isRegister(each))) return saved;
  throw new GridError('GTX-SPI-006', `The kept energy registers of ${name} are damaged`, {
    hint: 'Restore the data folder from a backup; without one, remove the kept value: the registers begin at 0 again.',
  });
}

function isRegister(value: unknown): value is EnergyRegister {
  if (typeof value !== 'object' || value === null || !('wh' in value) || !('nanoWh' in value)) return false;
  const { wh, nanoWh } = value;
  return Number.isSafeInteger(wh) && Number.isSafeInteger(nanoWh) && Number(nanoWh) >= 0 && Number(nanoWh) < nanoPerWh;
}
