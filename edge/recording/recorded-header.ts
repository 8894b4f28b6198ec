import { kindOf, type PortSpec, placeOf } from '#hal/port-file.ts';
import type { RecordedDevice, RecordedPort, RecordingHeader } from '#hal/recording/header.ts';
import type { DeviceMemory, Role } from '#drivers/driver.ts';
import { driverNamed } from '#drivers/registry.ts';
import { type BoardDevice, devicesOf, isEmulated, portOf } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';

/** The bus of a board's Modbus twins. */
export const emulatedBus = 'emulated bus';

/** How a recording names the port of a device: real ones by their place, twins by their role. */
export function portNameOf(file: BoardFile, { role, entry }: BoardDevice): string {
  if (isEmulated(file, entry)) {
    return driverNamed(role, entry.driver).wire === 'modbus' ? emulatedBus : `emulated ${role}`;
  }
  const spec = portOf(file, entry);
  if (spec === undefined) throw new RangeError(`${role} of ${file.path} has no port`);
  return placeOf(spec);
}

export interface RecordedHeaderOptions {
  readonly file: BoardFile;
  readonly software: string;
  readonly startedAtMs: number;
  readonly memoryOf: (role: Role) => DeviceMemory;
  readonly frameSeconds: number | undefined;
}

/** What stands at the beginning of a board's recording: what is needed to replay it, and nothing that is secret. */
export function recordedHeader(options: RecordedHeaderOptions): RecordingHeader {
  const { file, software, startedAtMs, memoryOf, frameSeconds } = options;
  const ports: RecordedPort[] = [];
  const devices: Record<string, RecordedDevice> = {};
  for (const device of devicesOf(file)) {
    const name = portNameOf(file, device);
    let place = ports.findIndex((port) => port.name === name);
    if (place < 0) place = ports.push(recordedPortOf(file, device, name)) - 1;
    const memory = memoryOf(device.role).read();
    devices[device.role] = { port: place, ...(memory !== undefined && { memory: JSON.stringify(memory) }) };
  }
  return {
    software,
    startedAtMs,
    board: withoutSecrets(file),
    ports,
    devices,
    ...(frameSeconds !== undefined && { frameSeconds }),
  };
}

function recordedPortOf(file: BoardFile, { role, entry }: BoardDevice, name: string): RecordedPort {
  const { wire } = driverNamed(role, entry.driver);
  const isTwin = isEmulated(file, entry);
  const spec: PortSpec | undefined = isTwin ? undefined : portOf(file, entry);
  const kind = spec === undefined ? undefined : kindOf(spec);
  return {
    name,
    wire,
    ...(spec !== undefined && 'serial' in spec && { baud: spec.baud }),
    ...((isTwin || kind === 'tcp') && (wire === 'modbus' || wire === 'bytes') && { isChecked: true }),
    ...(isTwin && { isEmulated: true }),
  };
}

/** Where it stands, its brokers and their passwords are left out. */
function withoutSecrets(file: BoardFile): RecordingHeader['board'] {
  const { path: _path, location: _location, ports: _ports, homeAssistant: _broker, devices, ...board } = file;
  const entries = Object.entries(devices).map(([role, { port: _port, ...entry }]) => [role, entry]);
  return Object.assign({ ...board, hal: 'emulated' }, { devices: Object.fromEntries(entries) as object });
}
