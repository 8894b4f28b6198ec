import { UnixSeconds } from '#hal/units.ts';

/** Length of a market window, seconds; windows are aligned to the epoch and named by their start. */
export const WINDOW_SECONDS = 300;
/** The gate of a window closes this long before its delivery begins. */
export const GATE_LEAD_SECONDS = 300;

/** The start of the window that contains an instant. */
export const windowOf = (time: UnixSeconds): UnixSeconds => UnixSeconds(time - (time % WINDOW_SECONDS));
