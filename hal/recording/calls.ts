import { type Static, Type } from '../schema.ts';
import { schemaFaults } from '../schema-faults.ts';

/** What a port that is called takes and gives. */
export type CallValue = string | number | boolean | Buffer;

/** The same as plain JSON: bytes are hexadecimal. */
const plain = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Object({ hex: Type.String() })]);
export type PlainValue = Static<typeof plain>;

const failure = Type.Object({ code: Type.String(), message: Type.String(), hint: Type.Optional(Type.String()) });
export type RecordedFailure = Static<typeof failure>;

const asked = Type.Object({
  /** In the order in which the calls of the port were begun. */
  number: Type.Integer({ minimum: 1 }),
  call: Type.String(),
  args: Type.Array(plain),
  /** How long it took, microseconds; the frame stands where it ended. */
  us: Type.Integer({ minimum: 0 }),
  answer: Type.Optional(plain),
  failure: Type.Optional(failure),
});
/** A call of a port, and how it ended. */
export type AskedCall = Static<typeof asked>;

const told = Type.Object({ event: Type.String(), args: Type.Array(plain) });
/** What a port told unasked. */
export type ToldEvent = Static<typeof told>;

const refused = Type.Object({ us: Type.Integer({ minimum: 0 }), ...failure.properties });
/** How a byte port could not be opened. */
export type RefusedOpen = Static<typeof refused>;

export const plainOf = (value: CallValue): PlainValue =>
  Buffer.isBuffer(value) ? { hex: value.toString('hex') } : value;
export const valueOf = (value: PlainValue): CallValue =>
  typeof value === 'object' ? Buffer.from(value.hex, 'hex') : value;

const bodies = { asked, told, refused } as const;

/** What the JSON of a frame says; `undefined` where it is not of its kind. */
export function parseBody<Kind extends keyof typeof bodies>(
  kind: Kind,
  body: Buffer,
): Static<(typeof bodies)[Kind]> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  return schemaFaults(bodies[kind], value).length === 0 ? (value as Static<(typeof bodies)[Kind]>) : undefined;
}
