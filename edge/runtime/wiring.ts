import { type PortsByKind, realPort } from '#hal/board.ts';
import { kindOf, placeOf, type PortKind, type PortSpec, type PortSpecOf } from '#hal/port-file.ts';
import type { Wire, Wires } from '#drivers/driver.ts';
import { modbusBus } from '#drivers/modbus/bus.ts';
import { driverNamed } from '#drivers/registry.ts';
import { type BoardDevice, portOf } from '../board-devices.ts';
import type { BoardFile } from '../board-file.ts';

const isSerial = (spec: PortSpec): spec is PortSpecOf<'serial'> => 'serial' in spec;

/** Puts something between a port, by its place, and whoever uses it: such as one that listens. */
export type PortTap = <Kind extends PortKind>(place: string, kind: Kind, port: PortsByKind[Kind]) => PortsByKind[Kind];

/** The real wires of a board: one for each port, however many devices hang on it. Nothing is opened yet. */
export class Wiring implements AsyncDisposable {
  readonly #file: BoardFile;
  readonly #tap: PortTap;
  readonly #wires = new Map<string, Wires[Wire]>();

  constructor(file: BoardFile, tap: PortTap = (_place, _kind, port) => port) {
    this.#file = file;
    this.#tap = tap;
  }

  /** @throws RangeError for a device whose port the board file's checks would not let pass */
  wireOf({ role, entry }: BoardDevice): Wires[Wire] {
    const spec = portOf(this.#file, entry);
    if (spec === undefined) throw new RangeError(`${role} of ${this.#file.path} has no port`);
    const place = placeOf(spec);
    const known = this.#wires.get(place);
    if (known !== undefined) return known;
    const wire = wireAt(driverNamed(role, entry.driver).wire, spec, this.#tap);
    this.#wires.set(place, wire);
    return wire;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using closing = new AsyncDisposableStack();
    for (const wire of this.#wires.values()) if (Symbol.asyncDispose in wire) closing.use(wire);
    this.#wires.clear();
  }
}

function wireAt(wire: Wire, spec: PortSpec, tap: PortTap): Wires[Wire] {
  const kind = kindOf(spec);
  const port = tap(placeOf(spec), kind, realPort(kind, spec as never));
  if (wire !== 'modbus') return port;
  return modbusBus(port as Wires['bytes'], isSerial(spec) ? { baud: spec.baud } : {});
}
