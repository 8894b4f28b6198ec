import type { Frame, FrameKind } from '#hal/recording/frame.ts';
import { type Static, Type } from '#hal/schema.ts';
import { schemaFaults } from '#hal/schema-faults.ts';

/** What a board asks of its devices beside its samples, and what goes over their wires then. */
export const deviceMethods = ['start', 'readGrid', 'setMode', 'limitPower', 'setPower'] as const;

const latestSeconds = 8_640_000_000_000;
const number = Type.Integer({ minimum: 1 });

/** What the frames say that are the board's own; the number tells what belongs together. */
const bodies = {
  /** It begins a sample. */
  sampling: Type.Object({
    number,
    now: Type.Integer({ minimum: 0, maximum: latestSeconds }),
    /** What the wall shows. */
    unixMs: Type.Integer({ minimum: 0, maximum: 1000 * latestSeconds }),
  }),
  sampled: Type.Object({
    number,
    sample: Type.Object({ time: Type.Integer({ minimum: 0, maximum: latestSeconds }) }, { additionalProperties: true }),
  }),
  /** It asks something of a device. */
  call: Type.Object({
    number,
    role: Type.Enum(['clamps', 'inverter', 'battery'] as const),
    method: Type.Enum([...deviceMethods]),
  }),
  answered: Type.Object({ number }),
} as const;

type Checked = { readonly [Kind in keyof typeof bodies]: Static<(typeof bodies)[Kind]> };
export type BoardFrames = Checked & {
  readonly call: Checked['call'] & { readonly args: readonly unknown[] };
  /** A sample as plain JSON: what a device did not tell is not in it. */
  readonly sampled: { readonly sample: PlainSample };
};
export type PlainSample = Readonly<Record<string, unknown>> & { readonly time: number };
export type BoardFrameKind = keyof BoardFrames;

/** A frame of the board's own. */
export type BoardFrame = {
  readonly [Kind in BoardFrameKind]: { readonly kind: Kind } & BoardFrames[Kind];
}[BoardFrameKind];

const isBoardKind = (kind: FrameKind): kind is BoardFrameKind => Object.hasOwn(bodies, kind);

/** `undefined` for a frame of another kind, and for one that does not say what its kind says. */
export function boardFrame({ kind, body }: Frame): BoardFrame | undefined {
  if (!isBoardKind(kind)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (schemaFaults(bodies[kind], value).length > 0) return undefined;
  const checked = value as object & { readonly args?: unknown };
  if (kind === 'call' && !Array.isArray(checked.args)) return undefined;
  return { ...checked, kind } as BoardFrame;
}
