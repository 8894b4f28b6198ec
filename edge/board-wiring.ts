import type { ValuePath } from '#hal/schema-faults.ts';
import type { GridError } from '#hal/errors.ts';
import { kindOf, placeOf, type PortSpec } from '#hal/port-file.ts';
import { portsOfWire } from '#drivers/driver.ts';
import { driverNamed } from '#drivers/registry.ts';
import { type BoardDevice, devicesOf, emulated, isEmulated, portOf } from './board-devices.ts';
import type { BoardFile } from './board-file.ts';

/** The error for a rule that is broken at a place of the file. */
export type Fault = (path: ValuePath, text: string) => GridError;

const portName = /^[a-z][a-z0-9-]{0,31}$/;

/** How the devices hang on their ports: each on one that there is and that it can use, and nobody in another's way. */
export function checkWiring(file: BoardFile, fault: Fault): void {
  checkPorts(file, fault);
  const users = new Map<string, BoardDevice[]>();
  for (const device of devicesOf(file)) {
    const bus = busOf(file, device, fault);
    const others = users.get(bus) ?? [];
    for (const other of others) checkNeighbours(device, other, bus, fault);
    users.set(bus, [...others, device]);
  }
}

function checkPorts({ ports = {} }: BoardFile, fault: Fault): void {
  const seen = new Map<string, string>();
  for (const [name, spec] of Object.entries(ports)) {
    if (!portName.test(name) || name === emulated) {
      throw fault(['ports', name], 'expected a name in lower case, like line1, and another than `emulated`');
    }
    const place = placeOf(spec);
    const other = seen.get(place);
    if (other !== undefined) throw fault(['ports', name], `${place} is already the port ${other}`);
    seen.set(place, name);
  }
}

/** What a device shares with those that have the same: the place of its port, or the emulation. */
function busOf(file: BoardFile, { role, entry }: BoardDevice, fault: Fault): string {
  const { wire } = driverNamed(role, entry.driver);
  if (isEmulated(file, entry)) return `${emulated} ${wire}`;
  const path = ['devices', role, 'port'];
  const { port } = entry;
  if (port === undefined) {
    throw fault(
      path,
      'missing, expected port: { tcp: "host:port" }, the name of a port, or `emulated` because hal is real',
    );
  }
  const spec = portOf(file, entry);
  if (spec === undefined) {
    const names = Object.keys(file.ports ?? {});
    const known = names.length === 0 ? 'the file has no ports' : `the ports are ${names.join(', ')}`;
    throw fault(path, `there is no port ${JSON.stringify(port)}; ${known}`);
  }
  const kinds = portsOfWire[wire];
  if (!kinds.includes(kindOf(spec))) {
    throw fault(path, `${entry.driver} needs a port of kind ${kinds.join(' or ')}, found ${placeOf(spec)}`);
  }
  checkSameLine(file, spec, path, fault);
  return placeOf(spec);
}

/** A port that is written out beside a named one of the same place would be opened twice. */
function checkSameLine(file: BoardFile, spec: PortSpec, path: ValuePath, fault: Fault): void {
  const named = Object.entries(file.ports ?? {}).find(([, other]) => placeOf(other) === placeOf(spec));
  if (named === undefined || named[1] === spec) return;
  throw fault(path, `${placeOf(spec)} is the port ${named[0]}: expected its name`);
}

/** Two devices at one port: units of a Modbus bus, lines of a chip and topics of a broker may share it. */
function checkNeighbours(device: BoardDevice, other: BoardDevice, bus: string, fault: Fault): void {
  const [a, b] = [device, other].map(({ role, entry }) => ({ wire: driverNamed(role, entry.driver).wire, entry }));
  if (a === undefined || b === undefined) return;
  const path = ['devices', device.role];
  if (a.wire !== b.wire) throw fault([...path, 'port'], `${bus} is used by ${other.role} in another way`);
  if (a.wire === 'modbus' && a.entry['unit'] === b.entry['unit']) {
    const where = bus.startsWith(emulated) ? 'emulated, they share a bus' : `they share ${bus}`;
    throw fault([...path, 'unit'], `expected another unit than the ${other.role} has: ${where}`);
  }
  if ((a.wire === 'bytes' || a.wire === 'spi') && !bus.startsWith(emulated)) {
    throw fault([...path, 'port'], `${bus} is already the port of the ${other.role}, and serves one device`);
  }
}
