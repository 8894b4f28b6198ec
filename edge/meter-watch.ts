import { GridError } from '#hal/errors.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { ClampFrame } from '#drivers/capabilities.ts';
import type { BoardFile } from './board-file.ts';
import { NaturalStillness } from './natural-stillness.ts';

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
 * Whether the meter of the connection point can be believed: it repeats no message, does not stand still, and says
 * nothing that cannot be. It stands still when it shows the same volts, power and energy to the last digit
 * - for longer than it does by nature (`NaturalStillness`): after five frames of one that always moves;
 * - while it should have counted energy, or while the devices give more or less.
 *
 * What remains undecidable: a meter that shows neither volts nor power may have nothing to show, and one that has not
 * moved since the board's start may never move; they are believed until energy or devices tell otherwise. One that
 * repeats itself by nature more than three times in a row, or is looked at less than every second, takes longer than
 * ten seconds: three times its own stillness, and five frames.
 *
 * Doubts: `GTX-EDG-041` it stands still · `042` it says what cannot be.
 */
export class MeterWatch {
  readonly #bounds: MeterBounds;
  readonly #stillness = new NaturalStillness();
  #newest: ClampFrame | undefined;
  /** The first frame that showed what is shown now, since when, and what the devices gave then. */
  #image: ClampFrame | undefined;
  #imageAt = 0;
  #imageDerW: number | undefined;
  /** Since when the devices have moved on without it. */
  #movedSince: number | undefined;
  #isStill = false;
  /** The smallest step of the energy register that was seen, Wh. */
  #stepWh = Infinity;
  /** Since when, and from which message on, what it says cannot be. */
  #absurdSince: number | undefined;
  #absurdMessage = 0;

  constructor(bounds: MeterBounds) {
    this.#bounds = bounds;
  }

  /** Why the meter is not believed now; `undefined` when it is. */
  doubt(now: UnixSeconds, look: MeterLook): GridError | undefined {
    const { frame } = look;
    const before = this.#newest;
    const isFresh = before === undefined || frame.receivedAt !== before.receivedAt;
    const isRepeated = before !== undefined && frame.receivedAt > before.receivedAt && frame.message === before.message;
    if (isFresh) {
      this.#learnStep(before, look);
      this.#compare(now, look);
    }
    this.#followDevices(now, look.derW);
    this.#newest = frame;
    const absurdity = this.#absurdity(now, look);
    return this.#standingStill(now, look, isRepeated) ?? absurdity;
  }

  /** How finely the register counts is learnt; one that has never moved says nothing. */
  #learnStep(before: ClampFrame | undefined, { frame, gridChannel }: MeterLook): void {
    const [from, to] = [before?.channels[gridChannel - 1]?.energyWh, frame.channels[gridChannel - 1]?.energyWh];
    const move = from === undefined || to === undefined ? 0 : Math.abs(to - from);
    if (move > 0 && move < this.#stepWh) this.#stepWh = move;
  }

  #compare(now: UnixSeconds, { frame, derW }: MeterLook): void {
    const isSame = this.#image !== undefined && now >= this.#imageAt && showSame(this.#image, frame);
    if (!isSame) {
      this.#image = frame;
      this.#imageAt = now;
      this.#imageDerW = derW;
      this.#movedSince = undefined;
    }
    this.#isStill = !(isSame && isBlank(frame)) && this.#stillness.isBroken(isSame);
  }

  #followDevices(now: UnixSeconds, derW: number | undefined): void {
    this.#imageDerW ??= derW;
    const haveMoved =
      derW !== undefined && this.#imageDerW !== undefined && Math.abs(derW - this.#imageDerW) > this.#bounds.toleranceW;
    this.#movedSince = haveMoved ? (this.#movedSince ?? now) : undefined;
  }

  #standingStill(now: UnixSeconds, look: MeterLook, isRepeated: boolean): GridError | undefined {
    if (isRepeated) return standsStill('sends the same message again and again');
    const { frame } = look;
    if (this.#image === undefined || frame.receivedAt <= this.#image.receivedAt) return undefined;
    const seconds = now - this.#imageAt;
    const powerW = powerOf(look);
    const missedWh = (Math.abs(powerW) * seconds) / 3_600;
    if (seconds >= leastStillSeconds && missedWh >= missedSteps * this.#stepWh) {
      return standsStill(`shows ${powerW} W but counts no energy`);
    }
    if (this.#movedSince !== undefined && now - this.#movedSince >= disagreeSeconds) {
      return standsStill('shows the same while the devices give more or less');
    }
    const isStill = this.#isStill && seconds >= leastStillSeconds;
    return isStill ? standsStill('shows the same to the last digit for longer than it does by nature') : undefined;
  }

  #absurdity(now: UnixSeconds, look: MeterLook): GridError | undefined {
    const powerW = powerOf(look);
    const { derW, frame } = look;
    if (!isAbsurd(powerW, derW, this.#bounds)) {
      this.#absurdSince = undefined;
      return undefined;
    }
    if (this.#absurdSince === undefined) {
      this.#absurdSince = now;
      this.#absurdMessage = frame.message;
    }
    const lasts = now - this.#absurdSince >= disagreeSeconds && frame.message !== this.#absurdMessage;
    if (!isBeyond(powerW, this.#bounds) && !lasts) return undefined;
    const given = derW === undefined ? '' : `, while the devices give ${derW} W`;
    return new GridError('GTX-EDG-042', `The meter of the connection point says ${powerW} W${given}: that cannot be`, {
      hint: 'Check its ratio and that its clamps hang the right way round, and that nothing else generates behind it.',
    });
  }
}

const powerOf = ({ frame, gridChannel }: MeterLook): number => frame.channels[gridChannel - 1]?.powerW ?? 0;

function showSame(a: ClampFrame, b: ClampFrame): boolean {
  if (a.voltsRms !== b.voltsRms || a.channels.length !== b.channels.length) return false;
  return a.channels.every(
    ({ powerW, energyWh }, i) => powerW === b.channels[i]!.powerW && energyWh === b.channels[i]!.energyWh,
  );
}

/** Nothing is shown that would have to move. */
const isBlank = ({ voltsRms = 0, channels }: ClampFrame): boolean =>
  voltsRms === 0 && channels.every(({ powerW }) => powerW === 0);

const standsStill = (how: string): GridError =>
  new GridError('GTX-EDG-041', `The meter of the connection point ${how}`, {
    hint: 'Restart the meter or its front end; have it replaced when this comes back.',
  });

const isBeyond = (powerW: number, { mostImportW, mostExportW }: MeterBounds): boolean =>
  powerW > mostImportW || powerW < -mostExportW;

/** Nobody draws less than nothing. */
const isAbsurd = (powerW: number, derW: number | undefined, bounds: MeterBounds): boolean =>
  isBeyond(powerW, bounds) || (derW !== undefined && powerW + derW < -bounds.toleranceW);
