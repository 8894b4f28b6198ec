import { type Static, type TObject, type TProperties, Type } from '#hal/schema.ts';
import type { Clock } from '#hal/clock.ts';
import type { PortKind } from '#hal/port-file.ts';
import type { BytePort, GpioChip, I2cBus, MqttLink, SpiDevice } from '#hal/ports.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { Battery, Contactor, PvInverter, RippleInput, SiteMeter } from './capabilities.ts';
import type { RegisterBank } from './modbus/server.ts';
import type { RegisterTransport } from './modbus/transport.ts';
import type { BatteryRange } from './site/battery.ts';
import type { GridCondition } from './site/grid.ts';
import type { DevicePower, Site } from './site/site.ts';
import type { InverterModels } from './sunspec/inverter-twin.ts';

const mostW = 10_000_000;
const ratedW = Type.Integer({ minimum: 1, maximum: mostW, description: 'AC rating, W' });
const channel = Type.Integer({ minimum: 1, maximum: 12, description: 'Clamp input of the front end' });

/**
 * What a device can be to a board, and what the board file says of every device in that role, whoever made it. A new
 * role needs a line here, one in `Capabilities`, and the edge that does something with it.
 */
export const roles = {
  /** CT clamps at the connection point and, unless `loadChannel` is left out, around the load. */
  clamps: { gridChannel: channel, loadChannel: Type.Optional(channel) },
  inverter: { ratedW },
  battery: {
    capacityWh: Type.Integer({ minimum: 1, maximum: mostW }),
    ratedW,
    reservePercent: Type.Integer({
      minimum: 0,
      maximum: 100,
      description: 'The building keeps this much for itself.',
    }),
    peakShaving: Type.Optional(
      Type.Object(
        {
          aboveW: Type.Integer({ minimum: 0, maximum: mostW, description: 'Import that is not to be exceeded, W' }),
          keepPercent: Type.Integer({ minimum: 0, maximum: 100, description: 'Charge that is kept for peaks' }),
        },
        { additionalProperties: false, description: 'The battery keeps the building from drawing peaks' },
      ),
    ),
  },
  /** The network operator's ripple control: a limit of what the site generates. */
  ripple: {},
  /** Between the generators and the rest of the site; open while the site is out of service. */
  contactor: {},
} as const satisfies Readonly<Record<string, TProperties>>;

export type Role = keyof typeof roles;

/** What the edge is given for a device in a role. */
export interface Capabilities {
  clamps: SiteMeter;
  inverter: PvInverter;
  battery: Battery;
  ripple: RippleInput;
  contactor: Contactor;
}

/** What a driver may be wired to. A driver never learns whether it is real. */
export interface Wires {
  /** A Modbus bus that several units share; the driver's settings have `unit`. */
  modbus: RegisterTransport;
  bytes: BytePort;
  spi: SpiDevice;
  i2c: I2cBus;
  gpio: GpioChip;
  mqtt: MqttLink;
}
export type Wire = keyof Wires;

/** The ports of a board file that can be each wire. */
export const portsOfWire: Readonly<Record<Wire, readonly PortKind[]>> = {
  modbus: ['tcp', 'serial'],
  bytes: ['tcp', 'serial'],
  spi: ['spi'],
  i2c: ['i2c'],
  gpio: ['gpio'],
  mqtt: ['mqtt'],
};

/** The setting that every Modbus driver has: two devices on one bus may not have the same. */
export const modbusUnit = Type.Integer({ minimum: 1, maximum: 247, description: 'Modbus unit identifier' });

/** A board file's settings of one device: those of its role and those of its driver. */
export type Settings<R extends Role, P extends TProperties> = Static<TObject<(typeof roles)[R]>> & Static<TObject<P>>;

/** What a device must remember over restarts of the program, as plain JSON: one value a device, written whole. */
export interface DeviceMemory {
  /** What was written last; `undefined` at the first start, and where the file was lost. */
  read(): unknown;
  /** Resolves when it will outlast a restart. Rejects with a `GridError`. */
  write(value: unknown): Promise<void>;
}

export interface DriverContext {
  readonly clock: Pick<Clock, 'now'>;
  readonly memory: DeviceMemory;
}

/** What a twin is made for: the physics that it shows. */
export interface TwinContext {
  readonly clock: Pick<Clock, 'now'>;
  /** What flows in the building; read it when the twin is read, and in `afterSecond`. */
  readonly site: Site;
  /** Its serial number: at most 32 characters. */
  readonly serial: string;
  /** The generation of registers that the twin of a SunSpec inverter shows: its newest unless told. */
  readonly inverterModels?: InverterModels;
}

/** What the physics ask of a twin once a second: what flows through it. Other roles only measure. */
export interface TwinPowers {
  inverter: (now: UnixSeconds, availableW: number, grid: GridCondition) => DevicePower;
  battery: (now: UnixSeconds, range: BatteryRange, grid: GridCondition) => DevicePower;
}

/** A device's twin in an emulated building. */
export interface Twin<R extends Role, W extends Wire> {
  /** What it shows on the wire: registers that a server puts there at the device's unit, or the wire itself. */
  readonly wire: W extends 'modbus' ? RegisterBank : Wires[W];
  readonly power?: R extends keyof TwinPowers ? TwinPowers[R] : never;
  start?(): Promise<void>;
  /** The physics have moved on to `now`. */
  afterSecond?(now: UnixSeconds): void;
  [Symbol.asyncDispose]?(): Promise<void>;
}

/** A rule that was broken: at a key of the device's settings, and what was expected there. */
export interface SettingsFault {
  readonly key: string;
  readonly text: string;
}

/** A driver as a board file knows it: by its name, with its settings, and how a device of its is made. */
export interface Driver<R extends Role = Role, W extends Wire = Wire, P extends TProperties = TProperties> {
  /** As the board file names it: `sdm630`. */
  readonly name: string;
  readonly role: R;
  readonly wire: W;
  /** What it is, in a line: `Eastron SDM630, three phases, RS-485`. */
  readonly summary: string;
  /** What the board file says beside `driver`, `port` and what the role asks for. */
  readonly settings: P;
  /** A rule that no schema can state. */
  check?(settings: Settings<R, P>): SettingsFault | undefined;
  make(settings: Settings<R, P>, wire: Wires[W], context: DriverContext): Capabilities[R];
  twin(settings: Settings<R, P>, context: TwinContext): Twin<R, W>;
}

/** Checks a driver's types against each other and forgets them, so that it can stand in the registry. */
export const driver = <R extends Role, W extends Wire, P extends TProperties>(definition: Driver<R, W, P>): Driver =>
  definition as unknown as Driver;
