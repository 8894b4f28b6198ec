import { SerialPort } from '#hal/linux/serial.ts';
import { openPseudoTerminal } from '#hal/linux/pty.ts';
import type { Clock } from '#hal/clock.ts';
import { type UnixSeconds } from '#hal/units.ts';
import { serveModbusTcp, type RegisterBank } from './modbus/server.ts';
import { serveRtuStream } from './modbus/rtu-server.ts';
import { seededGrid } from './site/grid.ts';
import { Site } from './site/site.ts';
import type { TwinPlan, TwinPort } from './twin-plan.ts';
import { type StandingTwin, twinKinds } from './twins.ts';

/** One device that is served. */
export interface ServedTwin {
  readonly twin: string;
  readonly unit: number;
  /** How a Modbus master reaches it: `tcp 127.0.0.1:5020`, `rtu /tmp/line1 9600`. */
  readonly at: string;
}

const defaults = {
  building: 'academic',
  latitude: 37.4275,
  longitude: -122.1697,
  timeZone: 'America/Los_Angeles',
  peakLoadW: 20_000,
  pvRatedW: 15_000,
  battery: { capacityWh: 20_000, ratedW: 10_000 },
} as const;
/** A grid in ordinary operation, whose voltage moves: a meter that shows the same for minutes stands still. */
const quietGrid = { hoursBetween: 1e9, longestSeconds: 1 };

/** The devices of a plan on the wire, and the building behind them. */
export class TwinSet implements AsyncDisposable {
  readonly site: Site;
  readonly #plan: TwinPlan;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #resources = new AsyncDisposableStack();

  constructor(plan: TwinPlan, clock: Pick<Clock, 'now'>) {
    this.#plan = plan;
    this.#clock = clock;
    const seed = plan.seed ?? 1;
    const { building, latitude, longitude, timeZone, peakLoadW, pvRatedW, battery } = { ...defaults, ...plan.site };
    const location = { latitude, longitude, timeZone };
    this.site = new Site({ meterId: 'TWIN', building, location, pvRatedW, peakLoadW, battery }, seed);
    this.site.grid = seededGrid(seed, quietGrid);
  }

  /** Serves every device. Rejects with the port's `GridError`, or with that of a point that cannot be held. */
  async start(): Promise<readonly ServedTwin[]> {
    const served: ServedTwin[] = [];
    try {
      for (const port of this.#plan.ports) served.push(...(await this.#serve(port)));
    } catch (error) {
      await this.#resources.disposeAsync();
      throw error;
    }
    this.advanceTo(this.#clock.now());
    return served;
  }

  /** Lets the building run up to `now`. */
  advanceTo(now: UnixSeconds): void {
    this.site.advanceTo(now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #serve(port: TwinPort): Promise<readonly ServedTwin[]> {
    const units = new Map<number, RegisterBank>();
    const devices = port.devices.map(({ twin: name, unit: told, set = {} }) => {
      const kind = twinKinds.find((each) => each.name === name)!;
      const unit = told ?? kind.unit;
      const { pvRatedW, battery } = { ...defaults, ...this.#plan.site };
      const stage = { site: this.site, clock: this.#clock, serial: `TWIN-${unit}`, pvRatedW, battery };
      const twin = kind.make(stage);
      for (const [point, value] of Object.entries(set)) twin.hold(point, value);
      this.#connect(twin);
      units.set(unit, twin.bank);
      return { twin: name, unit, baud: kind.baud };
    });
    // One line has one rate: that of its first device, unless told.
    const at = await this.#listen(port, units, port.baud ?? devices[0]!.baud);
    return devices.map(({ twin, unit }) => ({ twin, unit, at }));
  }

  async #listen(
    { tcp, pty, serial }: TwinPort,
    units: ReadonlyMap<number, RegisterBank>,
    baud: number,
  ): Promise<string> {
    if (tcp !== undefined) {
      const listener = this.#resources.use(await serveModbusTcp({ port: tcp, units }));
      return `tcp 127.0.0.1:${listener.port}`;
    }
    if (serial !== undefined) {
      const stream = await new SerialPort({ serial, baud }).open();
      this.#resources.defer(() => void stream.destroy());
      serveRtuStream(stream, units);
      return `rtu ${serial} ${baud}`;
    }
    const terminal = this.#resources.use(await openPseudoTerminal(pty));
    serveRtuStream(terminal.stream, units);
    return `rtu ${terminal.path} ${baud}`;
  }

  #connect({ pv, battery }: StandingTwin): void {
    const { controls } = this.site;
    this.site.controls = {
      pv: pv ?? controls.pv.bind(controls),
      battery: battery ?? controls.battery.bind(controls),
    };
  }
}
