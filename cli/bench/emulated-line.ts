import { SerialPort } from '#hal/linux/serial.ts';
import { openPseudoTerminal } from '#hal/linux/pty.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import type { Clock } from '#hal/clock.ts';
import type { BytePort } from '#hal/ports.ts';
import { deadline } from '#hal/wall.ts';
import type { BusTimer } from '#drivers/modbus/bus-timer.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { FaultLine } from '#drivers/modbus/fault-line.ts';
import { ModbusRtuClient } from '#drivers/modbus/rtu-client.ts';
import { serveRtuStream } from '#drivers/modbus/rtu-server.ts';
import { BusScheduler } from '#drivers/modbus/scheduler.ts';
import { type RegisterBank, serveModbusTcp } from '#drivers/modbus/server.ts';
import { StepTimer } from '#drivers/modbus/step-timer.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import type { Plan } from './plan-schema.ts';

const answerTimeoutMs = 200;

export interface EmulatedLineOptions {
  readonly line: Plan['line'];
  readonly clock: Pick<Clock, 'now'>;
  readonly seed: number;
}

/**
 * The wire of the emulated Modbus devices: behind a Modbus TCP gateway, or units of one RTU line. A unit whose cable
 * is pulled is silent; the gateway says so in its place. Back-off counts in the plan's seconds.
 */
export class EmulatedLine implements AsyncDisposable {
  readonly #options: EmulatedLineOptions;
  readonly #banks = new Map<number, RegisterBank>();
  readonly #plugged = new Map<number, RegisterBank>();
  readonly #resources = new AsyncDisposableStack();
  /** Where the line has faults: its own time, so that they cost none and are the same each time. */
  readonly #timer: StepTimer | undefined;
  #faults: FaultLine | undefined;

  constructor(options: EmulatedLineOptions) {
    this.#options = options;
    this.#timer = options.line?.faults === undefined ? undefined : new StepTimer();
  }

  /** Serves the units and answers the bus that they are on. */
  async serve(units: ReadonlyMap<number, RegisterBank>): Promise<RegisterTransport> {
    for (const [unit, bank] of units) {
      this.#banks.set(unit, bank);
      this.#plugged.set(unit, bank);
    }
    return this.#resources.use(await this.#bus());
  }

  pull(unit: number): void {
    this.#plugged.delete(unit);
  }

  restore(unit: number): void {
    const bank = this.#banks.get(unit);
    if (bank !== undefined) this.#plugged.set(unit, bank);
  }

  /** Faults begin or end, where the line has them. */
  storm(isOn: boolean): void {
    if (this.#faults !== undefined) this.#faults.isFaulty = isOn;
  }

  /** Faults that were met so far. */
  get faults(): number {
    return [...(this.#faults?.done.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }

  /** The line's own time moves on to so many seconds since the plan began, where work has not taken it there. */
  async advanceTo(seconds: number): Promise<void> {
    const timer = this.#timer;
    if (timer !== undefined) await timer.run(Math.max(0, 1000 * seconds - timer.nowMs()));
  }

  /** Carries work over the line to its end, in the line's own time where it has one. */
  during<T>(work: Promise<T>): Promise<T> {
    return this.#timer === undefined ? work : this.#timer.until(work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #bus(): Promise<BusScheduler> {
    const { line, clock, seed } = this.#options;
    const timer: BusTimer = { nowMs: () => 1000 * clock.now(), after: deadline };
    if (line === undefined) {
      const { port } = this.#resources.use(await serveModbusTcp({ port: 0, units: this.#plugged }));
      return new BusScheduler(new ModbusTcpClient(new TcpPort('127.0.0.1', port)), { timer });
    }
    const { baud, faults } = line;
    if (faults === undefined || this.#timer === undefined) {
      return new BusScheduler(new ModbusRtuClient(await this.#terminal(baud), { baud }), { timer });
    }
    const own = this.#timer;
    this.#faults = new FaultLine({ seed, chance: faults, answerTimeoutMs, timer: own, units: this.#plugged });
    this.#faults.isFaulty = false;
    return new BusScheduler(new ModbusRtuClient(this.#faults, { baud, answerTimeoutMs, timer: own }), { timer: own });
  }

  async #terminal(baud: number): Promise<BytePort> {
    const terminal = this.#resources.use(await openPseudoTerminal());
    serveRtuStream(terminal.stream, this.#plugged);
    return new SerialPort({ serial: terminal.path, baud });
  }
}
