import type { UnixSeconds } from '#hal/units.ts';
import type { RippleReading } from '#drivers/capabilities.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import { rampedLimit, type RampRates, rampSeconds } from '#ieee2030_5/events/ramp.ts';
import type { Setting, Settings } from '#ieee2030_5/events/schedule.ts';
import type { ActivePower, DERCurve } from '#ieee2030_5/types.generated.ts';
import { freqWatt, InvalidMode, scaled } from './der-curves.ts';
import type { LimitReason, Reason } from './explanation.ts';
import { limitTo, type Ramp, rampedAt, targetTo } from './limit-ramp.ts';
import { type Plant, plantChargeW, plantMaxW } from './plant.ts';
import { type LimitName, limitNames } from './power-plan.ts';
import type { SiteView } from './site-view.ts';

/** The installer's rules; W. */
export interface SiteRules {
  readonly importLimitW: number;
  readonly exportLimitW: number;
  /** What holds once the server is lost, as far as no event and no default says. */
  readonly whenLost: { readonly importLimitW?: number | undefined; readonly exportLimitW?: number | undefined };
}

export interface LimitInput {
  /** The board's time. */
  readonly now: UnixSeconds;
  /** What events and defaults set now. */
  readonly settings: Settings<DERModes>;
  readonly curveOf: (href: string) => DERCurve | undefined;
  /** For longer than the installer's rule allows. */
  readonly isServerLost: boolean;
  readonly site: SiteRules;
  readonly plant: Plant;
  /** `undefined` where no device measures it. */
  readonly frequencyHz: number | undefined;
  /** What the ripple control asks for; left out where there is none. */
  readonly ripple?: RippleReading | undefined;
}

/** In service, out of it (disconnected or de-energized), or back since a time and rising. */
export type Service = 'in' | 'out' | { readonly since: UnixSeconds; readonly rates: RampRates };

/** Ramps that are on their way or over. */
export interface Ramps {
  readonly limits: { readonly [Name in LimitName]?: Ramp };
  readonly target: Ramp | undefined;
  readonly storageTarget: Ramp | undefined;
}

type LimitReasons = { readonly [Name in LimitName]?: LimitReason };

export const watts = ({ value, multiplier }: ActivePower): number => Math.round(scaled(value, multiplier));

interface Holder<Mode extends keyof DERModes> {
  readonly mode: Mode;
  readonly w: (value: NonNullable<DERModes[Mode]>, setMaxW: number) => number;
  readonly site?: 'importLimitW' | 'exportLimitW';
}

/** Which mode limits which power. */
const holders = {
  export: { mode: 'opModExpLimW', w: watts, site: 'exportLimitW' } satisfies Holder<'opModExpLimW'>,
  import: { mode: 'opModImpLimW', w: watts, site: 'importLimitW' } satisfies Holder<'opModImpLimW'>,
  generation: { mode: 'opModGenLimW', w: watts } satisfies Holder<'opModGenLimW'>,
  load: { mode: 'opModLoadLimW', w: watts } satisfies Holder<'opModLoadLimW'>,
  // Hundredths of a percent.
  output: {
    mode: 'opModMaxLimW',
    w: (value, setMaxW) => Math.floor((value * setMaxW) / 10_000),
  } satisfies Holder<'opModMaxLimW'>,
} as const;

/** The modes that the board carries out itself, by what it tells its devices every second. */
export const boardModes: readonly (keyof DERModes)[] = [
  ...Object.values(holders).map(({ mode }) => mode),
  'opModConnect',
  'opModEnergize',
  'opModFixedW',
  'opModTargetW',
  'opModStorageTargetW',
  'opModFreqWatt',
  'setGradW',
  'setSoftGradW',
];

/** How fast the utility lets powers change. */
export const ratesFor = ({ plant, settings }: LimitInput, rampTms: number | undefined): RampRates => ({
  setMaxW: plantMaxW(plant),
  setGradW: settings.setGradW?.value,
  setSoftGradW: settings.setSoftGradW?.value,
  rampTms,
});

/** No power of the site comes above this, so a limit beyond it is none; W. */
const ceilingOf = (name: LimitName, { plant, site }: LimitInput): number =>
  name === 'import' || name === 'load' ? site.importLimitW + plantChargeW(plant) : plantMaxW(plant);

/**
 * The tightest limit of each power: of the utility on its way from the one before, of the installer at once.
 * `before` is undefined at the very first time.
 */
export function limitsOf(
  input: LimitInput,
  view: SiteView,
  service: Service,
  before: Ramps['limits'] | undefined,
): { readonly limits: LimitReasons; readonly ramps: Ramps['limits'] } {
  const limits: { [Name in LimitName]?: LimitReason } = {};
  const ramps: { [Name in LimitName]?: Ramp } = {};
  for (const name of limitNames) {
    const utility = utilityLimit(name, input, view, before);
    if (utility !== undefined) ramps[name] = utility.ramp;
    let tightest = utility?.reason;
    for (const own of ownLimits(name, input, service)) {
      if (tightest === undefined || own.w < tightest.w) tightest = own;
    }
    if (tightest !== undefined && tightest.w < Infinity) limits[name] = tightest;
  }
  return { limits, ramps };
}

function utilityLimit(
  name: LimitName,
  input: LimitInput,
  view: SiteView,
  ramps: Ramps['limits'] | undefined,
): { readonly ramp: Ramp; readonly reason: LimitReason } | undefined {
  const { mode, w } = holders[name] as unknown as Holder<keyof DERModes>;
  const setting = input.settings[mode];
  if (setting === undefined && ramps?.[name] === undefined) return undefined;
  const goalW = setting === undefined ? Infinity : w(setting.value, plantMaxW(input.plant));
  const ceilingW = ceilingOf(name, input);
  const change = { now: input.now, goalW, measuredW: view.powers[name], rates: ratesFor(input, setting?.rampTms) };
  // Where there was none before, the way begins there.
  const none: Ramp = { goalW: Infinity, fromW: ceilingW, since: input.now, rates: change.rates };
  const ramp = limitTo(ramps && (ramps[name] ?? none), change, ceilingW);
  const holdsW = rampedAt(ramp, input.now, ceilingW);
  if (setting === undefined && holdsW === Infinity) return undefined;
  const reason = setting === undefined ? { source: { kind: 'release' } as const } : reasonOf(setting);
  return { ramp, reason: { ...reason, w: holdsW, goalW, mode } };
}

const reasonOf = ({ source, since, until }: Setting<unknown>): Reason => ({ source, since, until });

function ownLimits(name: LimitName, input: LimitInput, service: Service): LimitReason[] {
  if (name === 'output') return outputLimits(input, service);
  return name === 'generation' ? rippleLimits(input) : siteLimits(name, input);
}

/** At once, and without a ramp: the operator asks for it when the grid needs it. */
function rippleLimits({ ripple, plant }: LimitInput): LimitReason[] {
  if (ripple === undefined || (ripple.percent >= 100 && ripple.fault === undefined)) return [];
  const w = Math.floor((plantMaxW(plant) * ripple.percent) / 100);
  return [{ source: { kind: 'ripple', fault: ripple.fault }, w, goalW: w }];
}

function siteLimits(name: LimitName, { settings, site, isServerLost }: LimitInput): LimitReason[] {
  const holder: { readonly mode: keyof DERModes; readonly site?: 'importLimitW' | 'exportLimitW' } = holders[name];
  if (holder.site === undefined) return [];
  const own = site[holder.site];
  const lost = site.whenLost[holder.site];
  const limits: LimitReason[] = [{ source: { kind: 'site' }, w: own, goalW: own }];
  if (isServerLost && lost !== undefined && settings[holder.mode] === undefined) {
    limits.push({ source: { kind: 'whenLost' }, w: lost, goalW: lost });
  }
  return limits;
}

/** Frequency-Watt and the rise after a time out of service. */
function outputLimits(input: LimitInput, service: Service): LimitReason[] {
  const { now, settings, plant } = input;
  const limits: LimitReason[] = [];
  const setMaxW = plantMaxW(plant);
  const allowed = freqWattOf(input);
  if (settings.opModFreqWatt !== undefined && allowed !== undefined && 'percent' in allowed) {
    const w = Math.floor((allowed.percent * setMaxW) / 100);
    limits.push({ ...reasonOf(settings.opModFreqWatt), w, goalW: w, mode: 'opModFreqWatt' });
  }
  if (typeof service === 'object') {
    const w = rampedLimit(0, setMaxW, service.since, now, service.rates);
    limits.push({ source: { kind: 'softStart' }, since: service.since, w, goalW: setMaxW });
  }
  return limits;
}

/** What Frequency-Watt allows, percent of setMaxW, or why it does not act; `undefined` where it is not asked for. */
export function freqWattOf(input: LimitInput): { readonly percent: number } | { readonly fault: string } | undefined {
  const { settings, curveOf, frequencyHz } = input;
  if (settings.opModFreqWatt === undefined) return undefined;
  const { href } = settings.opModFreqWatt.value;
  const curve = curveOf(href);
  if (curve === undefined) return { fault: `the server has no curve ${href}` };
  if (frequencyHz === undefined) return { fault: 'no device measures the frequency' };
  try {
    return { percent: freqWatt(curve, frequencyHz) };
  } catch (error) {
    if (error instanceof InvalidMode) return { fault: error.message };
    throw error;
  }
}

/** Out of service while one of the modes says so; back by the soft-start rate, or the mode's own ramp. */
export function serviceAt(input: LimitInput, before: Service): Service {
  const { settings, now } = input;
  const { opModConnect, opModEnergize } = settings;
  if (opModConnect?.value === false || opModEnergize?.value === false) return 'out';
  if (before === 'in') return 'in';
  if (before !== 'out') {
    return now - before.since >= rampSeconds(plantMaxW(input.plant), before.rates) ? 'in' : before;
  }
  return {
    since: now,
    rates: { ...ratesFor(input, opModEnergize?.rampTms ?? opModConnect?.rampTms), softStart: true },
  };
}

/** What the utility wants given, on its way from what was given before; W. */
export function targetsOf(
  input: LimitInput,
  view: SiteView,
  before: Omit<Ramps, 'limits'> | undefined,
): Omit<Ramps, 'limits'> {
  const { settings, now, plant } = input;
  const ramp = (
    last: Ramp | undefined,
    setting: Setting<unknown> | undefined,
    goalW: number | undefined,
    measuredW: number,
  ): Ramp | undefined =>
    goalW === undefined
      ? undefined
      : targetTo(last, { now, goalW, measuredW, rates: ratesFor(input, setting?.rampTms) });
  const { opModFixedW, opModTargetW, opModStorageTargetW } = settings;
  const fixedW = opModFixedW && fixedWatts(opModFixedW.value, plant);
  const targetW = opModTargetW && watts(opModTargetW.value);
  // Of two that both hold the smaller is the safer.
  const isFixed = fixedW !== undefined && (targetW === undefined || fixedW <= targetW);
  const storageW = opModStorageTargetW && watts(opModStorageTargetW.value);
  return {
    target: ramp(
      before?.target,
      isFixed ? opModFixedW : opModTargetW,
      isFixed ? fixedW : targetW,
      view.pvW + view.storageW,
    ),
    storageTarget: ramp(before?.storageTarget, opModStorageTargetW, storageW, view.storageW),
  };
}

/** Hundredths of a percent of setMaxW, negative ones of setMaxChargeRateW (DERControlBase.opModFixedW). */
const fixedWatts = (value: number, plant: Plant): number =>
  Math.trunc((value * (value < 0 ? plantChargeW(plant) : plantMaxW(plant))) / 10_000);
