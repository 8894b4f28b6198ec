import type { Recording } from '#hal/recording/recording.ts';
import { ReplayedLine, type Timeline } from '#hal/recording/replayed-bytes.ts';
import { replayedGpio, replayedI2c, replayedMqtt, replayedSpi } from '#hal/recording/replayed-calls.ts';
import type { RecordedFrame } from '#hal/recording/frame.ts';
import type { RecordedPort } from '#hal/recording/header.ts';
import type { Wire, Wires } from '#drivers/driver.ts';
import { modbusBus } from '#drivers/modbus/bus.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { ReplayedBus } from '#drivers/recording/replayed-bus.ts';
import type { BoardDevice } from '../board-devices.ts';
import { maxInFlight } from '../fleet/emulated-building.ts';

const makers: {
  readonly [W in Exclude<Wire, 'modbus'>]: (
    port: RecordedPort,
    frames: readonly RecordedFrame[],
    timeline: Timeline,
  ) => Wires[W];
} = {
  bytes: (port, frames, timeline) => new ReplayedLine(port, frames, timeline),
  spi: replayedSpi,
  i2c: replayedI2c,
  gpio: replayedGpio,
  mqtt: replayedMqtt,
};

/** The wires of a recorded board: each port as it was, once, however many devices hang on it. */
export class ReplayedWires implements AsyncDisposable {
  readonly #recording: Recording;
  readonly #timeline: Timeline;
  readonly #wires = new Map<number, Wires[Wire]>();
  readonly #buses: ReplayedBus[] = [];
  readonly #resources = new AsyncDisposableStack();

  constructor(recording: Recording, timeline: Timeline) {
    this.#recording = recording;
    this.#timeline = timeline;
  }

  /** Modbus requests that the recording does not have. */
  get unrecorded(): number {
    return this.#buses.reduce((sum, bus) => sum + bus.unrecorded, 0);
  }

  wireOf({ role }: BoardDevice): Wires[Wire] {
    const { header, frames } = this.#recording;
    const place = header.devices[role]?.port ?? -1;
    const port = header.ports[place];
    if (port === undefined) throw new RangeError(`${role} has no port`);
    const known = this.#wires.get(place);
    if (known !== undefined) return known;
    const passed = frames.filter((frame) => frame.port === place);
    const wire = port.wire === 'modbus' ? this.#busAt(port, passed) : makers[port.wire](port, passed, this.#timeline);
    this.#wires.set(place, wire);
    return wire;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #busAt(port: RecordedPort, frames: readonly RecordedFrame[]): Wires['modbus'] {
    const replayed = new ReplayedBus(port, frames, this.#timeline);
    this.#buses.push(replayed);
    if (port.isEmulated === true) return this.#resources.use(new ModbusTcpClient(replayed, { maxInFlight }));
    return this.#resources.use(modbusBus(replayed, port.baud === undefined ? {} : { baud: port.baud }));
  }
}
