import type { Clock } from '#hal/clock.ts';
import type { Capabilities, DeviceMemory, Role, Wire, Wires } from '#drivers/driver.ts';
import { driverNamed } from '#drivers/registry.ts';
import { type BoardDevice, devicesOf } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';
import type { BoardDevices } from '../sampler.ts';

export interface MakeDevicesOptions {
  readonly file: BoardFile;
  readonly clock: Pick<Clock, 'now'>;
  /** What a device is wired to, real or a twin. */
  readonly wireOf: (device: BoardDevice) => Wires[Wire];
  readonly memoryOf: (role: Role) => DeviceMemory;
}

/** The drivers of a board's devices, none of them started. */
export function makeDevices({ file, clock, wireOf, memoryOf }: MakeDevicesOptions): BoardDevices {
  const devices: { [R in Role]?: Capabilities[Role] } = {};
  for (const device of devicesOf(file)) {
    const { role, entry } = device;
    devices[role] = driverNamed(role, entry.driver).make(entry, wireOf(device), { clock, memory: memoryOf(role) });
  }
  // The registry's types say that a driver of a role makes what the role is.
  const made = devices as { [R in Role]?: Capabilities[R] };
  const { clamps } = file.devices;
  if (made.clamps === undefined || clamps === undefined) throw new RangeError(`${file.path} has no clamps`);
  return {
    meter: made.clamps,
    gridChannel: clamps.gridChannel,
    loadChannel: clamps.loadChannel,
    inverter: made.inverter,
    battery: made.battery,
    ripple: made.ripple,
    contactor: made.contactor,
  };
}
