import { GridError } from '../errors.ts';
import type { PortSpecOf } from '../port-file.ts';
import type { SpiDevice } from '../ports.ts';
import { OpenFile, openDeviceFile, requestFailed } from './device-file.ts';
import { type Libc, libc } from './libc.ts';

/** linux/spi/spidev.h; the numbers are those of x86-64 and arm64. */
export const spidev = {
  /** `_IOW('k', 1, __u8)` */
  SPI_IOC_WR_MODE: 0x40016b01,
  /** `_IOW('k', 3, __u8)` */
  SPI_IOC_WR_BITS_PER_WORD: 0x40016b03,
  /** `_IOW('k', 4, __u32)` */
  SPI_IOC_WR_MAX_SPEED_HZ: 0x40046b04,
  /** `SPI_IOC_MESSAGE(1)` */
  SPI_IOC_MESSAGE_1: 0x40206b00,
  /** struct spi_ioc_transfer */
  transfer: { bytes: 32, tx_buf: 0, rx_buf: 8, len: 16, speed_hz: 20, bits_per_word: 26 },
} as const;

/** The kernel module's `bufsiz` unless told. */
export const maxTransferBytes = 4096;
const missing = 'Turn SPI on (`dtparam=spi=on` in config.txt, then restart); `ls /dev/spidev*` shows what there is.';
const wiring = 'Check the wiring, and mode and speed in the board file.';

/** A chip on an SPI bus by spidev, eight bits a word. Transfers are short and block the program while they last. */
export class SpidevDevice implements SpiDevice {
  readonly name: string;
  readonly #spec: PortSpecOf<'spi'>;
  readonly #file: OpenFile;
  readonly #calls: () => Promise<Libc>;

  constructor(spec: PortSpecOf<'spi'>, calls: () => Promise<Libc> = libc) {
    this.name = `spi ${spec.spi}`;
    this.#spec = spec;
    this.#file = new OpenFile(this.name);
    this.#calls = calls;
  }

  async start(): Promise<void> {
    if (this.#file.isOpen) return;
    const { spi, mode = 0, speedHz = 1_000_000 } = this.#spec;
    const calls = await this.#calls();
    this.#file.hold(openDeviceFile(this.name, spi, missing));
    const speed = Buffer.alloc(4);
    speed.writeUInt32LE(speedHz);
    try {
      calls.ioctl(this.#file.fd, spidev.SPI_IOC_WR_MODE, Buffer.of(mode));
      calls.ioctl(this.#file.fd, spidev.SPI_IOC_WR_BITS_PER_WORD, Buffer.of(8));
      calls.ioctl(this.#file.fd, spidev.SPI_IOC_WR_MAX_SPEED_HZ, speed);
    } catch (error) {
      this.#file[Symbol.dispose]();
      throw requestFailed(this.name, `setting mode ${mode} at ${speedHz} Hz`, error, wiring);
    }
  }

  async transfer(sent: Buffer): Promise<Buffer> {
    const { fd } = this.#file;
    if (sent.length < 1 || sent.length > maxTransferBytes) {
      throw new GridError(
        'GTX-HAL-008',
        `${this.name}: a transfer has 1 to ${maxTransferBytes} bytes, not ${sent.length}`,
      );
    }
    const calls = await this.#calls();
    const received = Buffer.alloc(sent.length);
    const { bytes, tx_buf, rx_buf, len, bits_per_word } = spidev.transfer;
    const transfer = Buffer.alloc(bytes);
    transfer.writeUInt32LE(sent.length, len);
    transfer[bits_per_word] = 8;
    try {
      calls.ioctl(fd, spidev.SPI_IOC_MESSAGE_1, transfer, [
        { at: tx_buf, to: sent },
        { at: rx_buf, to: received },
      ]);
    } catch (error) {
      throw requestFailed(this.name, `a transfer of ${sent.length} bytes`, error, wiring);
    }
    return received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file[Symbol.dispose]();
  }
}
