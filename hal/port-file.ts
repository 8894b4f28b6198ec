import { type Static, Type } from './schema.ts';

const closed = { additionalProperties: false } as const;

/** `host:port`; a host that is an IPv6 address stands in brackets. */
const address = (example: string) =>
  Type.String({ pattern: '^([^\\s:]+|\\[[0-9A-Fa-f:]+\\]):[0-9]{1,5}$', title: `a text like "${example}"` });
const deviceFile = (example: string) =>
  Type.String({ pattern: '^/dev/[^\\s]+$', title: `a device file like ${example}` });

/** TCP: a device itself, a Modbus gateway, a serial device server. */
const tcp = Type.Object({ tcp: address('192.168.1.20:502') }, closed);

const serial = Type.Object(
  {
    serial: deviceFile('/dev/ttyAMA0'),
    baud: Type.Integer({ minimum: 300, maximum: 3_000_000, description: 'Bits a second' }),
    parity: Type.Optional(Type.Enum(['none', 'even', 'odd'], { description: 'none unless told' })),
    stopBits: Type.Optional(Type.Enum([1, 2], { description: '1 unless told' })),
  },
  closed,
);

const spi = Type.Object(
  {
    spi: deviceFile('/dev/spidev0.0'),
    speedHz: Type.Optional(Type.Integer({ minimum: 1000, maximum: 50_000_000, description: '1,000,000 unless told' })),
    mode: Type.Optional(Type.Enum([0, 1, 2, 3], { description: 'Clock polarity and phase; 0 unless told' })),
  },
  closed,
);

const i2c = Type.Object({ i2c: deviceFile('/dev/i2c-1') }, closed);

const gpio = Type.Object(
  {
    gpio: Type.String({
      pattern: '^(/dev/gpiochip[0-9]+|sysfs)$',
      title: 'a GPIO chip like /dev/gpiochip0, or sysfs for a kernel before 5.10',
    }),
  },
  closed,
);

/** An MQTT broker. */
export const mqttPortSchema = Type.Object(
  {
    mqtt: address('192.168.1.2:1883'),
    user: Type.Optional(Type.String({ minLength: 1, title: 'a user name' })),
    passwordFile: Type.Optional(
      Type.String({ minLength: 1, title: 'a path', description: 'A file that holds the password and nothing else' }),
    ),
  },
  closed,
);

/** What a board file says of one port: where it is, by the key that names its kind. */
export const portSchema = Type.Union([tcp, serial, spi, i2c, gpio, mqttPortSchema]);

/** The keys that tell what kind of port it is. */
export const portKinds = ['tcp', 'serial', 'spi', 'i2c', 'gpio', 'mqtt'] as const;
export type PortKind = (typeof portKinds)[number];

/** One port of a board file, checked. */
export type PortSpec = Static<typeof portSchema>;
/** One port of a kind. */
export type PortSpecOf<Kind extends PortKind> = Extract<PortSpec, { readonly [K in Kind]: string }>;

export function kindOf(spec: PortSpec): PortKind {
  const kind = portKinds.find((each) => each in spec);
  if (kind === undefined) throw new RangeError(`not a port: ${JSON.stringify(spec)}`);
  return kind;
}

/** How a person finds it: `serial /dev/ttyAMA0`. Two specs with one place are one port. */
export function placeOf(spec: PortSpec): string {
  const kind = kindOf(spec);
  return `${kind} ${(spec as Readonly<Record<PortKind, string>>)[kind]}`;
}
