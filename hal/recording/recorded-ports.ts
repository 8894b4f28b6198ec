import { Duplex } from 'node:stream';
import { GridError, reasonOf } from '../errors.ts';
import type { PortKind } from '../port-file.ts';
import type { PortsByKind } from '../board.ts';
import type {
  BytePort,
  GpioChip,
  GpioInputOptions,
  GpioLineOptions,
  I2cBus,
  InputLine,
  MqttLink,
  OutputLine,
  SpiDevice,
} from '../ports.ts';
import { monotonicMs } from '../wall.ts';
import { type AskedCall, type CallValue, plainOf, type ToldEvent } from './calls.ts';
import type { FrameKind } from './frame.ts';

/** Notes a frame of one port. */
export type PortSink = (kind: FrameKind, body: Buffer) => void;

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** How something failed, so that it can be made to fail in the same way again. */
export const failureOf = (error: unknown): { code: string; message: string; hint?: string } =>
  error instanceof GridError
    ? { code: error.code, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }
    : { code: '', message: reasonOf(error) };

/** The same port, of which everything that passes is noted. */
export function recordedPort<Kind extends PortKind>(kind: Kind, port: PortsByKind[Kind], sink: PortSink) {
  return makers[kind](port, sink);
}

const makers: { readonly [Kind in PortKind]: (port: PortsByKind[Kind], sink: PortSink) => PortsByKind[Kind] } = {
  tcp: recordedBytes,
  serial: recordedBytes,
  spi: recordedSpi,
  i2c: recordedI2c,
  gpio: recordedGpio,
  mqtt: recordedMqtt,
};

function recordedBytes(port: BytePort, sink: PortSink): BytePort {
  return {
    name: port.name,
    ...(port.isChecked !== undefined && { isChecked: port.isChecked }),
    async open() {
      const begun = monotonicMs();
      const us = (): number => Math.round((monotonicMs() - begun) * 1000);
      try {
        const stream = await port.open();
        sink('opened', Buffer.from(String(us())));
        return new RecordedStream(stream, sink);
      } catch (error) {
        sink('refused', json({ us: us(), ...failureOf(error) }));
        throw error;
      }
    },
  };
}

/** Hands on everything both ways, at the pace of whoever reads. */
class RecordedStream extends Duplex {
  readonly #inner: Duplex;
  readonly #sink: PortSink;
  #isClosed = false;

  constructor(inner: Duplex, sink: PortSink) {
    super({ allowHalfOpen: false });
    this.#inner = inner;
    this.#sink = sink;
    inner.on('data', (chunk: Buffer) => {
      // Kept as it is: a socket does not use a chunk again.
      sink('received', chunk);
      if (!this.push(chunk)) inner.pause();
    });
    inner.on('end', () => {
      this.#closed('the other end closed it');
      this.push(null);
    });
    inner.on('error', (error) => {
      this.#closed(reasonOf(error));
      this.destroy(error);
    });
    inner.on('close', () => {
      this.#closed('it was closed');
      this.destroy();
    });
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sink('sent', Buffer.from(chunk));
    this.#inner.write(chunk, (error) => done(error));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // The program's own doing is no traffic.
    this.#isClosed = true;
    if (this.#inner.closed) done(error);
    else this.#inner.once('close', () => done(error)).destroy();
  }

  #closed(why: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sink('closed', Buffer.from(why));
  }
}

/** Notes the calls of a port, and what it tells. */
class CallNotes {
  readonly #sink: PortSink;
  #begun = 0;

  constructor(sink: PortSink) {
    this.#sink = sink;
  }

  /** Makes a call and notes it with how it ended. */
  async ask<T extends CallValue | void>(call: string, args: readonly CallValue[], work: () => Promise<T>): Promise<T> {
    const number = ++this.#begun;
    const begun = monotonicMs();
    const note = (end: Pick<AskedCall, 'answer' | 'failure'>): void => {
      const us = Math.round((monotonicMs() - begun) * 1000);
      this.#sink('asked', json({ number, call, args: args.map(plainOf), us, ...end } satisfies AskedCall));
    };
    try {
      const answer = await work();
      note(answer === undefined ? {} : { answer: plainOf(answer) });
      return answer;
    } catch (error) {
      note({ failure: failureOf(error) });
      throw error;
    }
  }

  tell(event: string, args: readonly CallValue[]): void {
    this.#sink('told', json({ event, args: args.map(plainOf) } satisfies ToldEvent));
  }
}

function recordedSpi(device: SpiDevice, sink: PortSink): SpiDevice {
  const notes = new CallNotes(sink);
  return {
    name: device.name,
    start: () => notes.ask('start', [], () => device.start()),
    transfer: (sent) => notes.ask('transfer', [sent], () => device.transfer(sent)),
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

function recordedI2c(bus: I2cBus, sink: PortSink): I2cBus {
  const notes = new CallNotes(sink);
  return {
    name: bus.name,
    start: () => notes.ask('start', [], () => bus.start()),
    transfer: (address, sent, length) =>
      notes.ask('transfer', [address, sent, length], () => bus.transfer(address, sent, length)),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}

function recordedGpio(chip: GpioChip, sink: PortSink): GpioChip {
  const notes = new CallNotes(sink);
  return {
    name: chip.name,
    output: (options) => recordedOutput(chip.output(options), options, notes),
    input: (options) => recordedInput(chip.input(options), options, notes),
  };
}

function recordedOutput(line: OutputLine, options: GpioLineOptions, notes: CallNotes): OutputLine {
  return {
    name: line.name,
    start: () => notes.ask('start', [options.line], () => line.start()),
    set: (isActive) => notes.ask('set', [options.line, isActive], () => line.set(isActive)),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

function recordedInput(line: InputLine, options: GpioInputOptions, notes: CallNotes): InputLine {
  return {
    name: line.name,
    start: () => notes.ask('start', [options.line], () => line.start()),
    read: () => notes.ask('read', [options.line], () => line.read()),
    onChange: (listener) =>
      line.onChange((isActive) => {
        notes.tell('change', [options.line, isActive]);
        listener(isActive);
      }),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

function recordedMqtt(link: MqttLink, sink: PortSink): MqttLink {
  const notes = new CallNotes(sink);
  return {
    name: link.name,
    get isConnected() {
      return link.isConnected;
    },
    start: () => notes.ask('start', [], () => link.start()),
    publish: (topic, payload, options) =>
      notes.ask('publish', [topic, payload, options?.isRetained === true], () => link.publish(topic, payload, options)),
    subscribe: (filter, listener) =>
      notes.ask('subscribe', [filter], () =>
        link.subscribe(filter, (topic, payload, isRetained) => {
          notes.tell('message', [filter, topic, payload, isRetained]);
          listener(topic, payload, isRetained);
        }),
      ),
    onConnect: (listener) =>
      link.onConnect(() => {
        notes.tell('connect', []);
        listener();
      }),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}
