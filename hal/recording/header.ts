import { type Static, Type } from '../schema.ts';
import { schemaFaults } from '../schema-faults.ts';

/** What a recorded port is to its devices. */
const recordedWires = ['modbus', 'bytes', 'spi', 'i2c', 'gpio', 'mqtt'] as const;

const port = Type.Object({
  /** How a person finds it: `serial /dev/ttyAMA0`. */
  name: Type.String(),
  wire: Type.Enum([...recordedWires]),
  /** Of a serial line, bits a second. */
  baud: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Damaged bytes never arrive: see `BytePort`. */
  isChecked: Type.Optional(Type.Boolean()),
  /** It is that of twins in the board's own program, which take requests side by side. */
  isEmulated: Type.Optional(Type.Boolean()),
});

const device = Type.Object({
  /** The place of its port in `ports`. */
  port: Type.Integer({ minimum: 0, maximum: 254 }),
  /** What it remembered at the start, JSON. */
  memory: Type.Optional(Type.String()),
});

const header = Type.Object({
  /** The version of the program that recorded. */
  software: Type.String(),
  /** When it began, Unix milliseconds by the board's clock. */
  startedAtMs: Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 }),
  /** The board file without its location, ports and secrets. */
  board: Type.Object({ meterId: Type.String(), name: Type.String() }, { additionalProperties: true }),
  ports: Type.Array(port, { maxItems: 255 }),
  /** By role. */
  devices: Type.Record(Type.String(), device),
  /** So long a frame of the clamps counts as the present, seconds. */
  frameSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
});

export type RecordedPort = Static<typeof port>;
export type RecordedDevice = Static<typeof device>;
export type RecordingHeader = Static<typeof header>;

/** The header that the text is; `undefined` where it is none. */
export function parseHeader(text: string): RecordingHeader | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (schemaFaults(header, value).length > 0) return undefined;
  const checked = value as RecordingHeader;
  return Object.values(checked.devices).every(({ port: place }) => place < checked.ports.length) ? checked : undefined;
}
