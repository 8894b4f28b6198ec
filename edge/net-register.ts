import { Wh } from '#hal/units.ts';

/**
 * Import and export registers of a connection point whose clamp front-end counts net energy only. `last` is the
 * front-end's counter when it was last seen; `message` its frame counter, which restarts with the front-end.
 */
export interface NetRegister {
  readonly importWh: Wh;
  readonly exportWh: Wh;
  readonly last: { readonly netWh: Wh; readonly message: number } | undefined;
}

export const emptyNetRegister: NetRegister = { importWh: Wh(0), exportWh: Wh(0), last: undefined };

/** What both have counted, one after the other. */
export const joined = (before: NetRegister, after: NetRegister): NetRegister => ({
  importWh: Wh(before.importWh + after.importWh),
  exportWh: Wh(before.exportWh + after.exportWh),
  last: after.last ?? before.last,
});

/**
 * Adds what flowed since the last frame, so registers never step back and import − export stays the net energy. A
 * front-end that restarts either kept its counter or begins at zero: the lesser flow is the plausible one.
 */
export function countNet(register: NetRegister, netWh: Wh, message: number): NetRegister {
  const { last } = register;
  const since = last === undefined ? 0 : netWh - last.netWh;
  const hasRestarted = last !== undefined && message < last.message;
  const flowed = hasRestarted && Math.abs(netWh) < Math.abs(since) ? netWh : since;
  return {
    importWh: Wh(register.importWh + Math.max(flowed, 0)),
    exportWh: Wh(register.exportWh + Math.max(-flowed, 0)),
    last: { netWh, message },
  };
}
