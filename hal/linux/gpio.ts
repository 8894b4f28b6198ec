import { readSync } from 'node:fs';
import { GridError, reasonOf, systemCode } from '../errors.ts';
import type { GpioChip, GpioInputOptions, GpioLineOptions, InputLine, OutputLine } from '../ports.ts';
import { everyWall } from '../wall.ts';
import { OpenFile, openDeviceFile, requestFailed } from './device-file.ts';
import { type Libc, libc } from './libc.ts';

/** linux/gpio.h, the second version of the character device (Linux 5.10 and later): what libgpiod 2 speaks. */
export const gpioV2 = {
  /** `_IOWR(0xB4, 0x07, struct gpio_v2_line_request)` */
  GPIO_V2_GET_LINE_IOCTL: 0xc250b407,
  /** `_IOWR(0xB4, 0x0E, struct gpio_v2_line_values)` */
  GPIO_V2_LINE_GET_VALUES_IOCTL: 0xc010b40e,
  /** `_IOWR(0xB4, 0x0F, struct gpio_v2_line_values)` */
  GPIO_V2_LINE_SET_VALUES_IOCTL: 0xc010b40f,
  GPIO_V2_LINE_FLAG_ACTIVE_LOW: 2n,
  GPIO_V2_LINE_FLAG_INPUT: 4n,
  GPIO_V2_LINE_FLAG_OUTPUT: 8n,
  GPIO_V2_LINE_FLAG_EDGE_RISING: 16n,
  GPIO_V2_LINE_FLAG_EDGE_FALLING: 32n,
  GPIO_V2_LINE_FLAG_BIAS_PULL_UP: 256n,
  GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN: 512n,
  GPIO_V2_LINE_ATTR_ID_DEBOUNCE: 3,
  GPIO_V2_LINE_EVENT_RISING_EDGE: 1,
  /** struct gpio_v2_line_request; `flags`, `num_attrs` and `attrs` are those of its config. */
  request: { bytes: 592, offsets: 0, consumer: 256, flags: 288, num_attrs: 296, attrs: 320, num_lines: 560, fd: 588 },
  /** struct gpio_v2_line_config_attribute */
  attribute: { bytes: 24, id: 0, debounce_period_us: 8, mask: 16 },
  /** struct gpio_v2_line_values */
  values: { bytes: 16, bits: 0, mask: 8 },
  /** struct gpio_v2_line_event */
  event: { bytes: 48, id: 8 },
} as const;

const consumer = 'gridtokenx';
/** How often changes are fetched that the kernel has noted; it keeps 16 of a line until then. */
const fetchMs = 50;
const missing = '`gpiodetect` lists the chips; before Linux 5.10 name the port `gpio: sysfs`.';
const wiring = 'Check the number of the line: `gpioinfo` lists the lines and who holds them.';

/** A GPIO chip by its character device. */
export class GpioCharacterDevice implements GpioChip {
  readonly name: string;
  readonly #path: string;
  readonly #calls: () => Promise<Libc>;

  constructor(path: string, calls: () => Promise<Libc> = libc) {
    this.name = `gpio ${path}`;
    this.#path = path;
    this.#calls = calls;
  }

  output(options: GpioLineOptions): OutputLine {
    const line = new RequestedLine(this.#path, options.line, this.#calls);
    const flags = gpioV2.GPIO_V2_LINE_FLAG_OUTPUT | polarity(options);
    return {
      name: line.name,
      start: () => line.request(flags, 0),
      set: (isActive) => line.set(isActive),
      [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
    };
  }

  input(options: GpioInputOptions): InputLine {
    const line = new RequestedLine(this.#path, options.line, this.#calls);
    const { GPIO_V2_LINE_FLAG_INPUT, GPIO_V2_LINE_FLAG_EDGE_RISING, GPIO_V2_LINE_FLAG_EDGE_FALLING } = gpioV2;
    const edges = GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
    const bias = options.bias === undefined ? 0n : biases[options.bias];
    const flags = GPIO_V2_LINE_FLAG_INPUT | edges | bias | polarity(options);
    return {
      name: line.name,
      start: () => line.request(flags, options.debounceMs ?? 0),
      read: () => line.read(),
      onChange: (listener) => line.onChange(listener),
      [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
    };
  }
}

const polarity = ({ isActiveLow = false }: GpioLineOptions): bigint =>
  isActiveLow ? gpioV2.GPIO_V2_LINE_FLAG_ACTIVE_LOW : 0n;

const biases = {
  pullUp: gpioV2.GPIO_V2_LINE_FLAG_BIAS_PULL_UP,
  pullDown: gpioV2.GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN,
} as const;

/** One line that the kernel has given to this program. Values are logical: the kernel knows the polarity. */
class RequestedLine implements AsyncDisposable {
  readonly name: string;
  readonly #path: string;
  readonly #offset: number;
  readonly #file: OpenFile;
  readonly #calls: () => Promise<Libc>;
  readonly #listeners = new Set<(isActive: boolean) => void>();
  #fetching: Disposable | undefined;

  constructor(path: string, offset: number, calls: () => Promise<Libc>) {
    this.name = `gpio ${path} ${offset}`;
    this.#path = path;
    this.#offset = offset;
    this.#file = new OpenFile(this.name);
    this.#calls = calls;
  }

  async request(flags: bigint, debounceMs: number): Promise<void> {
    if (this.#file.isOpen) return;
    const calls = await this.#calls();
    using chip = new OpenFile(this.name);
    chip.hold(openDeviceFile(this.name, this.#path, missing));
    const request = lineRequest(this.#offset, flags, debounceMs);
    try {
      calls.ioctl(chip.fd, gpioV2.GPIO_V2_GET_LINE_IOCTL, request);
    } catch (error) {
      throw lineRefused(this.name, error);
    }
    this.#file.hold(request.readInt32LE(gpioV2.request.fd));
    calls.setNonBlocking(this.#file.fd);
  }

  async set(isActive: boolean): Promise<void> {
    const { fd } = this.#file;
    const calls = await this.#calls();
    this.#ask(calls, fd, gpioV2.GPIO_V2_LINE_SET_VALUES_IOCTL, isActive);
  }

  async read(): Promise<boolean> {
    const { fd } = this.#file;
    const calls = await this.#calls();
    return this.#ask(calls, fd, gpioV2.GPIO_V2_LINE_GET_VALUES_IOCTL, false);
  }

  onChange(listener: (isActive: boolean) => void): Disposable {
    this.#listeners.add(listener);
    this.#fetching ??= everyWall(fetchMs, () => this.#fetch());
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        if (this.#listeners.size === 0) this.#stopFetching();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopFetching();
    this.#file[Symbol.dispose]();
  }

  #stopFetching(): void {
    this.#fetching?.[Symbol.dispose]();
    this.#fetching = undefined;
  }

  #ask(calls: Libc, fd: number, request: number, isActive: boolean): boolean {
    const { bytes, bits, mask } = gpioV2.values;
    const values = Buffer.alloc(bytes);
    values.writeBigUInt64LE(isActive ? 1n : 0n, bits);
    values.writeBigUInt64LE(1n, mask);
    try {
      calls.ioctl(fd, request, values);
    } catch (error) {
      throw requestFailed(this.name, isActive ? 'setting the line' : 'reading the line', error, wiring);
    }
    return values.readBigUInt64LE(bits) === 1n;
  }

  /** Takes the changes that the kernel has noted since the last time, in their order. */
  #fetch(): void {
    if (!this.#file.isOpen) return;
    const { bytes, id } = gpioV2.event;
    const event = Buffer.alloc(bytes);
    try {
      while (readEvent(this.#file.fd, event)) {
        const isActive = event.readUInt32LE(id) === gpioV2.GPIO_V2_LINE_EVENT_RISING_EDGE;
        for (const listener of this.#listeners) listener(isActive);
      }
    } catch (error) {
      // A chip that was pulled out: nobody waits here, and whoever reads the line is told.
      if (systemCode(error) === undefined) throw error;
      this.#stopFetching();
    }
  }
}

/** `false` when there is no event. */
function readEvent(fd: number, event: Buffer): boolean {
  try {
    return readSync(fd, event) === event.length;
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return false;
    throw error;
  }
}

function lineRequest(offset: number, flags: bigint, debounceMs: number): Buffer {
  const { request: at, attribute } = gpioV2;
  const request = Buffer.alloc(at.bytes);
  request.writeUInt32LE(offset, at.offsets);
  request.write(consumer, at.consumer, 'latin1');
  request.writeBigUInt64LE(flags, at.flags);
  request.writeUInt32LE(1, at.num_lines);
  if (debounceMs > 0) {
    request.writeUInt32LE(1, at.num_attrs);
    request.writeUInt32LE(gpioV2.GPIO_V2_LINE_ATTR_ID_DEBOUNCE, at.attrs + attribute.id);
    request.writeUInt32LE(debounceMs * 1000, at.attrs + attribute.debounce_period_us);
    request.writeBigUInt64LE(1n, at.attrs + attribute.mask);
  }
  return request;
}

const lineRefused = (name: string, error: unknown): GridError =>
  new GridError('GTX-HAL-009', `${name} cannot be taken: ${reasonOf(error)}`, {
    hint: systemCode(error) === 'EBUSY' ? 'Another program holds the line: `gpioinfo` names it.' : wiring,
    cause: error,
  });
