import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { GridError } from '#hal/errors.ts';
import type { BytePort, MqttLink, SpiDevice } from '#hal/ports.ts';
import type { Wire, Wires } from '#drivers/driver.ts';

/** Whether a cable is plugged in, for what hangs on it. */
export class Plug {
  readonly #streams = new Set<Duplex>();
  #isPulled = false;

  /** What a driver is given in place of its wire; one on Modbus is pulled at its line instead. */
  wire(kind: Wire, wire: Wires[Wire]): Wires[Wire] {
    if (kind === 'bytes') return this.#port(wire as BytePort);
    if (kind === 'spi') return this.#chip(wire as SpiDevice);
    if (kind === 'mqtt') return this.#link(wire as MqttLink);
    return wire;
  }

  /** Resolves when nothing that was open is open any more. */
  async pull(): Promise<void> {
    this.#isPulled = true;
    const closed = [...this.#streams].map((stream) => once(stream, 'close'));
    for (const stream of this.#streams) stream.destroy();
    await Promise.all(closed);
  }

  restore(): void {
    this.#isPulled = false;
  }

  #check(name: string): void {
    if (!this.#isPulled) return;
    throw new GridError('GTX-BEN-010', `${name}: the plan has pulled its cable`);
  }

  #port(port: BytePort): BytePort {
    return {
      name: port.name,
      ...(port.isChecked !== undefined && { isChecked: port.isChecked }),
      open: async () => {
        this.#check(port.name);
        const stream = await port.open();
        this.#streams.add(stream);
        stream.once('close', () => this.#streams.delete(stream));
        return stream;
      },
    };
  }

  #chip(chip: SpiDevice): SpiDevice {
    return {
      name: chip.name,
      start: () => chip.start(),
      transfer: async (sent) => {
        this.#check(chip.name);
        return chip.transfer(sent);
      },
      [Symbol.asyncDispose]: () => chip[Symbol.asyncDispose](),
    };
  }

  #link(link: MqttLink): MqttLink {
    const isPulled = (): boolean => this.#isPulled;
    return {
      name: link.name,
      get isConnected() {
        return link.isConnected && !isPulled();
      },
      start: () => link.start(),
      publish: async (topic, payload, options) => {
        this.#check(link.name);
        await link.publish(topic, payload, options);
      },
      subscribe: (filter, listener) =>
        link.subscribe(filter, (...message) => {
          if (!isPulled()) listener(...message);
        }),
      onConnect: (listener) => link.onConnect(listener),
      [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
    };
  }
}
