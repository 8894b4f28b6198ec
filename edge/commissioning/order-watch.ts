import { GridError } from '#hal/errors.ts';
import type { DerMode, DerModes, DerOrder, GridSupport } from '#drivers/grid-support.ts';

/** An order that a device did not take. */
export interface OrderFailure {
  readonly role: string;
  readonly mode: DerMode;
  readonly reason: GridError;
}

/** The same device, whose refusals are told to whoever watches; to its caller they are what they were. */
export function watchOrders<Device extends GridSupport>(
  device: Device,
  role: string,
  onFailure: (failure: OrderFailure) => void,
): Device {
  const setMode = async <Mode extends DerMode>(
    mode: Mode,
    value: DerModes[Mode] | null,
    order: DerOrder<Mode>,
  ): Promise<void> => {
    try {
      await device.setMode(mode, value, order);
    } catch (error) {
      if (error instanceof GridError) onFailure({ role, mode, reason: error });
      throw error;
    }
  };
  return new Proxy(device, {
    get: (target, key) => {
      if (key === 'setMode') return setMode;
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
