import type { EmulatedGpio } from '#hal/emulated/gpio.ts';
import type { DeviceEntry } from '#edge/board-file.ts';

const contacts = { line0: 0, line30: 30, line60: 60, line100: 100 } as const;

/** Closes the one contact of an emulated receiver that stands for a percentage. */
export function showRipple(receiver: DeviceEntry<'ripple'>, chip: EmulatedGpio, percent: number): void {
  for (const [key, step] of Object.entries(contacts)) {
    const line = receiver[key];
    if (typeof line === 'number') chip.drive(line, (step === percent) !== (receiver['activeLow'] === true));
  }
}
