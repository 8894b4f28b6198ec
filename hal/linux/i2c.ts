import { GridError } from '../errors.ts';
import type { PortSpecOf } from '../port-file.ts';
import type { I2cBus } from '../ports.ts';
import { OpenFile, openDeviceFile, requestFailed } from './device-file.ts';
import { type Libc, libc } from './libc.ts';

/** linux/i2c-dev.h and linux/i2c.h */
export const i2cdev = {
  I2C_RDWR: 0x0707,
  I2C_M_RD: 0x0001,
  /** struct i2c_msg */
  message: { bytes: 16, addr: 0, flags: 2, len: 4, buf: 8 },
  /** struct i2c_rdwr_ioctl_data */
  transaction: { bytes: 16, msgs: 0, nmsgs: 8 },
} as const;

/** The kernel takes no more in one message. */
export const maxMessageBytes = 8192;
/** 7 bits, without what the specification reserves (UM10204 §3.1.12). */
const [lowestAddress, highestAddress] = [0x08, 0x77];
const missing =
  'Turn I2C on (`dtparam=i2c_arm=on` in config.txt, then restart) and load i2c-dev; `i2cdetect -l` lists buses.';
const wiring = 'Nobody answered at that address: `i2cdetect -y` with the number of the bus shows who does.';

/** An I2C bus by i2c-dev. Transactions are short and block the program while they last. */
export class I2cDevBus implements I2cBus {
  readonly name: string;
  readonly #path: string;
  readonly #file: OpenFile;
  readonly #calls: () => Promise<Libc>;

  constructor(spec: PortSpecOf<'i2c'>, calls: () => Promise<Libc> = libc) {
    this.name = `i2c ${spec.i2c}`;
    this.#path = spec.i2c;
    this.#file = new OpenFile(this.name);
    this.#calls = calls;
  }

  async start(): Promise<void> {
    if (!this.#file.isOpen) this.#file.hold(openDeviceFile(this.name, this.#path, missing));
  }

  async transfer(address: number, sent: Buffer, length: number): Promise<Buffer> {
    const { fd } = this.#file;
    checkTransfer(this.name, address, sent, length);
    const calls = await this.#calls();
    const received = Buffer.alloc(length);
    // A transaction of nothing at all is a write of no bytes: it asks whether somebody answers.
    const parts = [
      ...(sent.length > 0 || length === 0 ? [{ flags: 0, data: sent }] : []),
      ...(length > 0 ? [{ flags: i2cdev.I2C_M_RD, data: received }] : []),
    ];
    const { message, transaction } = i2cdev;
    const messages = Buffer.alloc(parts.length * message.bytes);
    for (const [i, { flags, data }] of parts.entries()) {
      const at = i * message.bytes;
      messages.writeUInt16LE(address, at + message.addr);
      messages.writeUInt16LE(flags, at + message.flags);
      messages.writeUInt16LE(data.length, at + message.len);
    }
    const whole = Buffer.alloc(transaction.bytes);
    whole.writeUInt32LE(parts.length, transaction.nmsgs);
    try {
      const pointers = parts.map(({ data }, i) => ({ at: i * message.bytes + message.buf, to: data }));
      calls.ioctl(fd, i2cdev.I2C_RDWR, whole, [{ at: transaction.msgs, to: messages, pointers }]);
    } catch (error) {
      throw requestFailed(this.name, `a transaction with 0x${address.toString(16)}`, error, wiring);
    }
    return received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file[Symbol.dispose]();
  }
}

/** @throws GridError `GTX-HAL-008` for what no bus can do */
export function checkTransfer(name: string, address: number, sent: Buffer, length: number): void {
  const isAddress = Number.isInteger(address) && address >= lowestAddress && address <= highestAddress;
  const isLength = Number.isInteger(length) && length >= 0 && length <= maxMessageBytes;
  if (isAddress && isLength && sent.length <= maxMessageBytes) return;
  const what = `writing ${sent.length} and reading ${length} bytes at 0x${address.toString(16)}`;
  throw new GridError('GTX-HAL-008', `${name}: ${what} is no I2C transaction of 7 address bits`);
}
