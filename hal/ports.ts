import type { Duplex } from 'node:stream';

/** A port that carries bytes: a serial line, a TCP connection to a gateway or a device, a pseudo-terminal. */
export interface BytePort {
  /** How a person finds it: `tcp 127.0.0.1:502`, `serial /dev/ttyAMA0 115200`. */
  readonly name: string;
  /** Damaged bytes never arrive: TCP. What a serial line does to them nobody tells. */
  readonly isChecked?: boolean;
  /** Opens it. Rejects with a `GridError` (`GTX-HAL-…`) that says what to check. */
  open(): Promise<Duplex>;
}

/** One chip on an SPI bus. Every call rejects with a `GridError` (`GTX-HAL-…`). */
export interface SpiDevice extends AsyncDisposable {
  /** How a person finds it: `spi /dev/spidev0.0`. */
  readonly name: string;
  start(): Promise<void>;
  /** Clocks `sent` out with the chip selected, and answers the bytes that came in meanwhile: as many as were sent. */
  transfer(sent: Buffer): Promise<Buffer>;
}

/** An I2C bus. Addresses are of 7 bits. Every call rejects with a `GridError` (`GTX-HAL-…`). */
export interface I2cBus extends AsyncDisposable {
  /** How a person finds it: `i2c /dev/i2c-1`. */
  readonly name: string;
  start(): Promise<void>;
  /** Writes `sent` (may be empty), then reads `length` bytes (may be 0), in one transaction with a repeated start. */
  transfer(address: number, sent: Buffer, length: number): Promise<Buffer>;
}

/** A GPIO line that drives something: `true` is active, whatever its polarity on the wire. */
export interface OutputLine extends AsyncDisposable {
  /** How a person finds it: `gpio /dev/gpiochip0 17`. */
  readonly name: string;
  /** Takes the line, inactive. */
  start(): Promise<void>;
  set(isActive: boolean): Promise<void>;
}

/** A GPIO line that is listened to: `true` is active, whatever its polarity on the wire. */
export interface InputLine extends AsyncDisposable {
  readonly name: string;
  start(): Promise<void>;
  read(): Promise<boolean>;
  /** Called after every change that outlasts the line's debounce time. */
  onChange(listener: (isActive: boolean) => void): Disposable;
}

/** One line of a GPIO chip, and how it is wired. */
export interface GpioLineOptions {
  /** Its number on the chip, 0 and up; on a Raspberry Pi the BCM number. */
  readonly line: number;
  /** The wire is low when the line is active; `false` unless told. */
  readonly isActiveLow?: boolean;
}

export interface GpioInputOptions extends GpioLineOptions {
  /** A resistor of the chip's own; as the board has it unless told. */
  readonly bias?: 'pullUp' | 'pullDown';
  /** Changes shorter than this are not told, ms, 0 to 1,000; 0 unless told. */
  readonly debounceMs?: number;
}

/** A GPIO chip. A line that is made is taken by its `start`, by one program at a time. */
export interface GpioChip {
  /** How a person finds it: `gpio /dev/gpiochip0`. */
  readonly name: string;
  output(options: GpioLineOptions): OutputLine;
  input(options: GpioInputOptions): InputLine;
}

/** A connection to an MQTT broker; it comes back by itself after it was lost, with its subscriptions. */
export interface MqttLink extends AsyncDisposable {
  /** How a person finds it: `mqtt 192.0.2.9:1883`. */
  readonly name: string;
  readonly isConnected: boolean;
  start(): Promise<void>;
  /** Resolves when the broker has taken it (QoS 1). Rejects with a `GridError` while there is no connection. */
  publish(topic: string, payload: string, options?: { readonly isRetained?: boolean }): Promise<void>;
  /**
   * Topic filters as MQTT has them, with `+` and `#`. A message is retained when the broker had kept it: nobody knows
   * how old it is.
   */
  subscribe(filter: string, listener: (topic: string, payload: Buffer, isRetained: boolean) => void): Promise<void>;
  onConnect(listener: () => void): Disposable;
}

/** What restarts the board or its program when nobody beats it any more. */
export interface Watchdog extends AsyncDisposable {
  readonly name: string;
  /** Seconds without a beat after which it acts. */
  readonly timeoutSeconds: number;
  start(): Promise<void>;
  beat(): Promise<void>;
}
