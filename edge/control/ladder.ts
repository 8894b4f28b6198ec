import { type UnixSeconds, W } from '#hal/units.ts';
import type { DerMode } from '#drivers/grid-support.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Setting } from '#ieee2030_5/events/schedule.ts';
import type { SiteSample } from '../sampler.ts';
import type { Explanation, ModeReason } from './explanation.ts';
import { type DeviceModes, type ModeValues, quietDroop, type Translated, translate } from './grid-modes.ts';
import {
  freqWattOf,
  type LimitInput,
  limitsOf,
  type Ramps,
  ratesFor,
  type Service,
  serviceAt,
  targetsOf,
} from './limits.ts';
import { rampedAt } from './limit-ramp.ts';
import { marginOf, type Moves, noMoves } from './moves.ts';
import { powerRevertSeconds } from './orders.ts';
import type { ControlledDevice, Plant } from './plant.ts';
import { limitNames, plan, type PlanInput, type PowerLimits, type PowerPlan } from './power-plan.ts';
import { type Recovery, recoveryAt, recoveryLimits } from './recovery.ts';
import { type Ordered, type SiteView, viewOf } from './site-view.ts';
import { supportedModes } from './supported-modes.ts';

export interface LadderInput extends LimitInput {
  readonly serverTime: UnixSeconds;
  readonly sample: SiteSample;
  /** Mean grid power that the market committed the building to: bought is positive. */
  readonly commitmentW: number;
}

/** What the ladder remembers from one decision to the next. */
export interface LadderMemory {
  readonly ramps: Ramps | undefined;
  readonly service: Service;
  readonly moves: Moves;
  readonly recovery: Recovery;
  /** When it was decided last; the board's time. */
  readonly at: number;
  /** What was ordered last of a device that answered, W, and when. */
  readonly storageW: number;
  readonly storageAt: number;
  readonly pvW: number | null;
  readonly pvAt: number;
}

export const nothingDecided: LadderMemory = {
  ramps: undefined,
  service: 'in',
  moves: noMoves,
  recovery: 'over',
  at: -Infinity,
  storageW: 0,
  storageAt: -Infinity,
  pvW: null,
  pvAt: -Infinity,
};

/** A board that ran before and begins again: its devices were on their own, and what they give rises slowly. */
export const begunAgain: LadderMemory = { ...nothingDecided, recovery: 'blind' };

/** What the devices are told. Modes that are left out are the device's own again. */
export interface Setpoints {
  readonly storageW: W;
  /** `null`: no limit. */
  readonly pvW: W | null;
  readonly inverter: DeviceModes;
  readonly battery: DeviceModes;
}

export interface Decision {
  readonly setpoints: Setpoints;
  readonly explanation: Explanation;
  readonly memory: LadderMemory;
}

/** The greatest margin for what moves, share of the site's rating. */
const marginShare = 0.05;
/** Out of each minute, the seconds in which PV that is held down is tried for more than it shows. */
const probeSeconds = 10;
/** Storage is filled and emptied no faster than in so many seconds near its end, so that it does not stop at once. */
const taperSeconds = 30;
const fullCentiPercent = 10_000;

/**
 * What inverter and battery are to do now. Safest first: what events set, else defaults, and never beyond the
 * installer's limits; of several limits of one power the tightest holds. What cannot be seen is assumed worst: without
 * the meter, that the building draws nothing when it comes to export, and all that its connection carries when it
 * comes to import.
 */
export function decide(input: LadderInput, memory: LadderMemory): Decision {
  const { plant, now, sample } = input;
  const view = viewOf(sample, plant, standing(memory, now), memory.moves);
  const unseen = unseenOf(input, view);
  const service = serviceAt(input, memory.service);
  const { limits, ramps } = limitsOf(input, view, service, memory.ramps?.limits);
  const targets = targetsOf(input, view, memory.ramps);
  const powers = Object.fromEntries(limitNames.map((name) => [name, limits[name]?.w ?? Infinity])) as PowerLimits;
  const rates = ratesFor(input, undefined);
  const { pvW: givenW, storageW } = view;
  const recovery = recoveryAt(hasReverted(memory, now) ? 'blind' : memory.recovery, {
    now,
    isBlind: unseen.length > 0,
    pvW: givenW,
    storageW,
    rates,
  });
  const { target, storageTarget } = targets;
  const limited = { target, storageTarget, recovery: recoveryLimits(recovery, now, rates) };
  const planned = service === 'out' ? nothing : planAt(input, view, powers, limited);
  const pvW = plant.inverter === undefined ? null : planned.pvW;
  const inverter = told(input, plant.inverter, view.pvW, service);
  const battery = told(input, plant.battery, view.storageW, service);
  return {
    setpoints: { storageW: planned.storageW, pvW, inverter: inverter.modes, battery: battery.modes },
    explanation: {
      at: now,
      serverTime: input.serverTime,
      isServerLost: input.isServerLost,
      limits,
      modes: modeReasons(input, inverter.invalid, battery.invalid),
      setpoints: {
        storageW: plant.battery === undefined ? undefined : planned.storageW,
        storageBy: planned.storageBy,
        pvLimitW: pvW ?? undefined,
        pvBy: planned.pvBy,
        isConnected: service !== 'out',
      },
      shortfallW: planned.shortfallW,
      unseen,
    },
    memory: {
      ramps: { limits: ramps, target, storageTarget },
      service,
      moves: view.moves,
      recovery,
      at: now,
      // A device that does not answer has not been told either.
      storageW: sample.battery === undefined ? memory.storageW : planned.storageW,
      storageAt: sample.battery === undefined ? memory.storageAt : now,
      pvW: sample.inverter === undefined ? memory.pvW : pvW,
      pvAt: sample.inverter === undefined ? memory.pvAt : now,
    },
  };
}

/** A board that stood still for so long finds its devices on their own. */
const hasReverted = ({ at }: LadderMemory, now: number): boolean =>
  at !== -Infinity && Math.abs(now - at) > powerRevertSeconds;

/** What a device that has fallen silent still does: what it was told, until it reverts; then PV may give all it can. */
function standing({ storageW, storageAt, pvW, pvAt }: LadderMemory, now: number): Ordered {
  const holds = (at: number): boolean => Math.abs(now - at) <= powerRevertSeconds;
  return { storageW: holds(storageAt) ? storageW : 0, pvW: holds(pvAt) ? pvW : null };
}

const nothing: PowerPlan = { storageW: W(0), storageBy: 'service', pvW: W(0), pvBy: 'service', shortfallW: 0 };

function planAt(
  { now, plant, sample, commitmentW }: LadderInput,
  view: SiteView,
  limits: PowerLimits,
  { target, storageTarget, recovery }: Omit<Ramps, 'limits'> & Pick<PlanInput, 'recovery'>,
): PowerPlan {
  const ratedW = plant.inverter?.ratedW ?? 0;
  const { minW, maxW, freelyMaxW, peak } = storageRange(plant, sample);
  return plan({
    limits,
    targetW: target && rampedAt(target, now),
    storageTargetW: storageTarget && rampedAt(storageTarget, now),
    commitmentW,
    load: view.load,
    pv: {
      ratedW,
      nowW: view.pvW,
      isCapped: view.isPvCapped,
      isProbed: view.pvW > ratedW / 100 || now % 60 < probeSeconds,
    },
    storage: { minW, maxW, freelyMaxW, strayW: view.strayW },
    peak,
    recovery,
    margin: marginOf(view.moves, marginShare * Math.max(ratedW, plant.battery?.ratedW ?? 0)),
  });
}

/** Share of the rating with which storage makes ready for the next peak. */
const rechargeShare = 0.25;

/** A battery that does not tell its charge rests. */
function storageRange(
  { battery }: Plant,
  { battery: reading }: SiteSample,
): Pick<PlanInput, 'peak'> & Omit<PlanInput['storage'], 'strayW'> {
  if (battery === undefined || reading === undefined) return { minW: 0, maxW: 0, freelyMaxW: 0 };
  const charge = reading.stateOfChargeCentiPercent;
  // The last hundredth of a percent may be less than a whole one.
  const roomWh = (battery.capacityWh * Math.max(0, fullCentiPercent - 1 - charge)) / fullCentiPercent;
  const mostChargeW = Math.min(battery.maxChargeW, Math.floor((roomWh * 3_600) / taperSeconds));
  const { maxDischargeW: maxW, reserveCentiPercent, peakShaving } = battery;
  const isAboveReserve = charge > reserveCentiPercent;
  const minW = 0 - mostChargeW;
  if (peakShaving === undefined) return { minW, maxW, freelyMaxW: isAboveReserve ? maxW : 0 };
  const keptCentiPercent = Math.max(reserveCentiPercent, peakShaving.keepCentiPercent);
  const isReady = charge >= keptCentiPercent;
  const peak = {
    aboveW: peakShaving.aboveW,
    mostW: isAboveReserve ? maxW : 0,
    rechargeW: isReady ? 0 : Math.min(mostChargeW, rechargeShare * battery.ratedW),
  };
  return { minW, maxW, freelyMaxW: charge > keptCentiPercent ? maxW : 0, peak };
}

const varsOf = (device: ControlledDevice | undefined): number => device?.ratings.maxVarInject ?? 0;
const nothingTold: Translated = { modes: {}, invalid: new Map() };

function told(input: LadderInput, device: ControlledDevice | undefined, powerW: number, service: Service): Translated {
  const { settings, curveOf, plant } = input;
  const isSet = Object.keys(settings).length > 0 || service === 'out';
  if (device === undefined || !isSet) return nothingTold;
  const allVar = varsOf(plant.inverter) + varsOf(plant.battery);
  const has = (mode: DerMode): boolean => device.modes.has(mode);
  const translated = translate(valuesOf(settings), has, {
    ratings: device.ratings,
    varShare: allVar === 0 ? 0 : varsOf(device) / allVar,
    powerW,
    curveOf,
  });
  const allowed = freqWattOf(input);
  const isQuiet = allowed !== undefined && 'percent' in allowed && has('freqDroop');
  const modes: DeviceModes = {
    // A droop that is asked for as well acts on top of the curve.
    ...(isQuiet && { freqDroop: quietDroop }),
    ...translated.modes,
    ...(service === 'out' && has('connect') && { connect: false }),
  };
  return { modes, invalid: translated.invalid };
}

const valuesOf = (settings: LadderInput['settings']): ModeValues =>
  Object.fromEntries(
    Object.entries(settings).map(([mode, setting]: [string, Setting<unknown>]) => [mode, setting.value]),
  ) as ModeValues;

function freqWattFault(input: LadderInput): Translated['invalid'] {
  const allowed = freqWattOf(input);
  return new Map(allowed !== undefined && 'fault' in allowed ? [['opModFreqWatt', allowed.fault]] : []);
}

/** Every mode that something sets, and what became of it. */
function modeReasons(input: LadderInput, ...invalidModes: readonly Translated['invalid'][]): Explanation['modes'] {
  const { settings, plant } = input;
  if (Object.keys(settings).length === 0) return {};
  const invalid = new Map([...invalidModes, freqWattFault(input)].flatMap((faults) => [...faults]));
  const supported = supportedModes(plant);
  const reasons = Object.entries(settings).map(([name, setting]: [string, Setting<unknown>]) => {
    const mode = name as keyof DERModes;
    const fault = invalid.get(mode);
    const { value, source, since, until } = setting;
    const state = fault !== undefined ? 'invalid' : supported.has(mode) ? 'applied' : 'not supported';
    return [mode, { value, source, since, until, state, fault } satisfies ModeReason] as const;
  });
  return Object.fromEntries(reasons) as Explanation['modes'];
}

function unseenOf({ plant, sample }: LadderInput, view: SiteView): Explanation['unseen'] {
  const unseen: Explanation['unseen'][number][] = [];
  if (view.load === undefined) unseen.push('meter');
  if (plant.inverter !== undefined && sample.inverter === undefined) unseen.push('inverter');
  if (plant.battery !== undefined && sample.battery === undefined) unseen.push('battery');
  return unseen;
}
