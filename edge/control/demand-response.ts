import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Settings } from '#ieee2030_5/events/schedule.ts';
import type { DERStatus } from '#ieee2030_5/types.generated.ts';

/** What opModConnect false is told as: mode 0 of AS/NZS 4755, disconnected. */
const disconnected = 100;
/** The first of the modes that limit what is drawn (1 to 4), and of those that limit what is given (5 to 8). */
const drawing = 101;
const giving = 105;
/** Hundredths of a percent: each that is reached leads to the next mode. */
const levels: readonly number[] = [5_000, 7_500, 10_000];

/**
 * DERStatus.operationalModeStatus of a demand response enabled device (AS/NZS 4755 by IEEE 2030.5, SA TS 5573 classes
 * DR-L, DR-G and DR-D): 100 and the number of the mode that opModConnect or opModFixedW asks for; `undefined` where
 * neither does.
 */
export function demandResponseStatus({ opModConnect, opModFixedW }: Settings<DERModes>): number | undefined {
  if (opModConnect?.value === false) return disconnected;
  if (opModFixedW === undefined) return undefined;
  const { value } = opModFixedW;
  return (value < 0 ? drawing : giving) + levels.filter((level) => Math.abs(value) >= level).length;
}

/** The status of such a device while a mode is asked for; else as it is. */
export function withDemandResponse(status: DERStatus, settings: Settings<DERModes>): DERStatus {
  const value = demandResponseStatus(settings);
  if (value === undefined) return status;
  return { ...status, operationalModeStatus: { dateTime: status.readingTime, value } };
}
