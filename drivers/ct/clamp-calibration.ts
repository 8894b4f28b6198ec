import { type Static, Type } from '#hal/schema.ts';
import { W, Wh } from '#hal/units.ts';
import type { ClampChannel } from '../capabilities.ts';

/** What the installer found of one clamp, as the board file says it. */
export const clampSettings = Type.Object(
  {
    isReversed: Type.Optional(Type.Boolean({ description: 'The clamp hangs the wrong way round' })),
    ratio: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 10_000, description: 'True power over shown power; 1 unless told' }),
    ),
  },
  { additionalProperties: false },
);
export type ClampCalibration = Static<typeof clampSettings>;

/** A channel as it would be with a clamp that hangs right and has the right ratio. */
export function calibrated(
  { powerW, energyWh, powerFactor }: ClampChannel,
  calibration: ClampCalibration | undefined,
): ClampChannel {
  const { isReversed = false, ratio = 1 } = calibration ?? {};
  const factor = isReversed ? -ratio : ratio;
  const told = powerFactor === undefined ? {} : { powerFactor: isReversed ? 0 - powerFactor : powerFactor };
  return { powerW: W(Math.round(powerW * factor)), energyWh: Wh(Math.round(energyWh * factor)), ...told };
}
