import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { ClampFrame } from '#drivers/capabilities.ts';
import type { BoardFile } from './board-file.ts';

/** What can be at a connection point, W, 0 and up. */
export interface MeterBounds {
  readonly mostImportW: number;
  readonly mostExportW: number;
  /** By how much clamps and devices may disagree. */
  readonly toleranceW: number;
}

/** One look at the meter of the connection point. */
export interface MeterLook {
  readonly frame: ClampFrame;
  /** 1 is the first. */
  readonly gridChannel: number;
  /** What inverter and battery say that they give together, W; `undefined` while one of them is silent. */
  readonly derW: number | undefined;
}

/** A frame that showed something else than the one before it. */
interface Image {
  readonly frame: ClampFrame;
  readonly at: UnixSeconds;
  readonly derW: number | undefined;
  /** Since when the devices have moved on without it. */
  readonly movedSince: UnixSeconds | undefined;
}

export interface MeterMemory {
  readonly image: Image | undefined;
  /** The smallest step of the energy register that was seen, Wh. */
  readonly stepWh: number;
  readonly newest: ClampFrame | undefined;
  /** Since when, and from which message on, what it says cannot be. */
  readonly absurd: { readonly since: UnixSeconds; readonly message: number } | undefined;
}

export const nothingSeen: MeterMemory = { image: undefined, stepWh: Infinity, newest: undefined, absurd: undefined };

/** A connection carries more than its limit for a while, and never so many times. */
const importTimes = 3;
/** Inverters give little more than their rating. */
const exportTimes = 1.5;
/** Share of the devices' ratings, and at least. */
const toleranceShare = 0.05;
const leastToleranceW = 100;
const spareW = 1_000;

export function meterBoundsOf({ connection, devices, site }: BoardFile): MeterBounds {
  const [pvW, storageW] = [devices.inverter?.ratedW ?? 0, devices.battery?.ratedW ?? 0];
  const carriedW = Math.max(connection.importLimitW, connection.exportLimitW, site?.peakLoadW ?? 0, pvW + storageW);
  return {
    mostImportW: importTimes * carriedW + spareW,
    mostExportW: exportTimes * (pvW + storageW) + spareW,
    toleranceW: Math.max(leastToleranceW, toleranceShare * (pvW + storageW)),
  };
}

/** The same values to the last digit for so long are no measurement, where something must have moved them; seconds. */
const leastStillSeconds = 6;
/** Energy that it should have counted meanwhile, in steps of its register. */
const missedSteps = 2;
/** Devices and clamps are not read in one instant: what they disagree about must last, seconds. */
const disagreeSeconds = 5;

/**
 * Whether the meter of the connection point can be believed: it repeats no message, moves when energy flows or the
 * devices move, and says nothing that cannot be. A meter that stands still while nothing flows is believed until
 * something does.
 *
 * Doubts: `GTX-EDG-041` it stands still · `042` it says what cannot be.
 */
export function watchMeter(
  before: MeterMemory,
  now: UnixSeconds,
  look: MeterLook,
  bounds: MeterBounds,
): { readonly memory: MeterMemory; readonly doubt: GridError | undefined } {
  const { frame } = look;
  const powerW = powerOf(look);
  const image = imageOf(before.image, now, look, bounds);
  const absurd = isAbsurd(powerW, look.derW, bounds)
    ? (before.absurd ?? { since: now, message: frame.message })
    : undefined;
  const memory = { image, stepWh: stepOf(before, look), newest: frame, absurd };
  return { memory, doubt: stillness(before, memory, now, look) ?? absurdity(absurd, now, look, bounds) };
}

const powerOf = ({ frame, gridChannel }: MeterLook): number => frame.channels[gridChannel - 1]?.powerW ?? 0;

function isSame(a: ClampFrame, b: ClampFrame): boolean {
  if (a.voltsRms !== b.voltsRms || a.channels.length !== b.channels.length) return false;
  return a.channels.every(
    ({ powerW, energyWh }, i) => powerW === b.channels[i]!.powerW && energyWh === b.channels[i]!.energyWh,
  );
}

function imageOf(
  before: Image | undefined,
  now: UnixSeconds,
  { frame, derW }: MeterLook,
  { toleranceW }: MeterBounds,
): Image {
  if (before === undefined || !isSame(before.frame, frame) || now < before.at) {
    return { frame, at: now, derW, movedSince: undefined };
  }
  const start = before.derW ?? derW;
  const hasMoved = derW !== undefined && start !== undefined && Math.abs(derW - start) > toleranceW;
  return { ...before, derW: start, movedSince: hasMoved ? (before.movedSince ?? now) : undefined };
}

/** How finely the register counts is learnt; one that has never moved says nothing. */
function stepOf({ newest, stepWh }: MeterMemory, { frame, gridChannel }: MeterLook): number {
  const [from, to] = [newest?.channels[gridChannel - 1]?.energyWh, frame.channels[gridChannel - 1]?.energyWh];
  const move = from === undefined || to === undefined ? 0 : Math.abs(to - from);
  return move > 0 ? Math.min(stepWh, move) : stepWh;
}

function stillness(before: MeterMemory, memory: MeterMemory, now: UnixSeconds, look: MeterLook): GridError | undefined {
  const { frame } = look;
  const { image, stepWh } = memory;
  const { newest } = before;
  const isRepeated = newest !== undefined && frame.receivedAt > newest.receivedAt && frame.message === newest.message;
  if (isRepeated) return standsStill('sends the same message again and again');
  if (image === undefined || frame.receivedAt <= image.frame.receivedAt) return undefined;
  const seconds = now - image.at;
  const missedWh = (Math.abs(powerOf(look)) * seconds) / 3_600;
  if (seconds >= leastStillSeconds && missedWh >= missedSteps * stepWh) {
    return standsStill(`shows ${powerOf(look)} W but counts no energy`);
  }
  const { movedSince } = image;
  if (movedSince === undefined || now - movedSince < disagreeSeconds) return undefined;
  return standsStill('shows the same while the devices give more or less');
}

const standsStill = (how: string): GridError =>
  new GridError('GTX-EDG-041', `The meter of the connection point ${how}`, {
    hint: 'Restart the meter or its front end; have it replaced when this comes back.',
  });

const isBeyond = (powerW: number, { mostImportW, mostExportW }: MeterBounds): boolean =>
  powerW > mostImportW || powerW < -mostExportW;

/** Nobody draws less than nothing. */
const isAbsurd = (powerW: number, derW: number | undefined, bounds: MeterBounds): boolean =>
  isBeyond(powerW, bounds) || (derW !== undefined && powerW + derW < -bounds.toleranceW);

function absurdity(
  absurd: MeterMemory['absurd'],
  now: UnixSeconds,
  look: MeterLook,
  bounds: MeterBounds,
): GridError | undefined {
  if (absurd === undefined) return undefined;
  const powerW = powerOf(look);
  const lasts = now - absurd.since >= disagreeSeconds && look.frame.message !== absurd.message;
  if (!isBeyond(powerW, bounds) && !lasts) return undefined;
  const derW = look.derW === undefined ? '' : `, while the devices give ${look.derW} W`;
  return new GridError('GTX-EDG-042', `The meter of the connection point says ${powerW} W${derW}: that cannot be`, {
    hint: 'Check its ratio and that its clamps hang the right way round, and that nothing else generates behind it.',
  });
}
