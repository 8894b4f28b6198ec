import type { PowerFactor } from '../grid-support.ts';
import { type GridCondition, nominalGrid } from '../site/grid.ts';
import { type ConnectionState, GridConnection } from './grid-connection.ts';
import { type DerSettings, interpolate, type Priority, referenceVar } from './der-settings.ts';

/** What flows at the DER's terminals; positive is injected. Integers. */
export interface AcPower {
  readonly activeW: number;
  readonly reactiveVar: number;
}

/** What the source behind the converter can do in this second, W, and what it would do by itself. */
export interface SourceRange {
  /** 0 and down: the greatest absorption. */
  readonly minW: number;
  readonly maxW: number;
  readonly desiredW: number;
}

const nothing: AcPower = { activeW: 0, reactiveVar: 0 };

interface ReactiveAsk {
  readonly reactiveVar: number;
  readonly priority: Priority;
}

/**
 * The grid support functions of a DER as IEEE 1547-2018 and the SunSpec models 703 to 712 have them, one second a step:
 * connection and trips, target and limit of active power, frequency droop, Volt-Watt, then reactive power by fixed
 * vars, power factor, Volt-VAr or Watt-VAr. Of several reactive functions the one of the least magnitude acts
 * (IEEE 2030.5-2018, DERControlBase).
 */
export class DerFunctions {
  readonly #connection: GridConnection;
  settings: DerSettings;
  #grid = nominalGrid;
  #power = nothing;
  /** What the open-loop response has let through so far. */
  readonly #voltWattShare = new OpenLoopResponse(1);
  readonly #droopShare = new OpenLoopResponse(0);
  readonly #voltVarPercent = new OpenLoopResponse(0);
  #isLimited = false;

  /** @param seed of the random delay of entering service */
  constructor(seed: number, settings: DerSettings) {
    this.#connection = new GridConnection(seed);
    this.settings = settings;
  }

  /** As of the last step. */
  get power(): AcPower {
    return this.#power;
  }
  get grid(): GridCondition {
    return this.#grid;
  }
  get connection(): ConnectionState {
    return this.#connection.state;
  }
  get trippedBy(): GridConnection['trippedBy'] {
    return this.#connection.trippedBy;
  }
  /** Less flows than the source would give by itself. */
  get isLimited(): boolean {
    return this.#isLimited;
  }

  /** One second. */
  step(range: SourceRange, grid: GridCondition): AcPower {
    this.#grid = grid;
    const connection = this.#connection.step(grid, this.settings);
    const isEnergized = connection.at === 'inService' || connection.at === 'entering';
    if (!isEnergized || !this.settings.isConnected) {
      this.#rest();
      return nothing;
    }
    const asked = this.#activeW(range, grid, connection.at === 'entering' ? connection.share : 1);
    this.#power = this.#withReactive(asked, grid);
    this.#isLimited = range.desiredW > 0 && this.#power.activeW < Math.min(range.desiredW, range.maxW);
    return this.#power;
  }

  #rest(): void {
    this.#power = nothing;
    this.#isLimited = false;
    this.#voltWattShare.rest();
    this.#droopShare.rest();
    this.#voltVarPercent.rest();
  }

  #activeW({ minW, maxW, desiredW }: SourceRange, grid: GridCondition, share: number): number {
    const { settings } = this;
    const cap = Math.min(maxW, settings.limitW ?? Infinity, share * settings.maxW, this.#voltWattCap(maxW, grid));
    const before = Math.min(Math.max(settings.targetW ?? desiredW, minW), cap);
    const drooped = Math.min(Math.max(this.#drooped(before, grid), minW), cap);
    const rise = (settings.rampPercent * settings.maxW) / 100;
    // What the source cannot absorb any more ends at once, whatever the ramp.
    const ramped = rise > 0 ? Math.max(minW, Math.min(drooped, this.#power.activeW + Math.max(1, rise))) : drooped;
    // Toward zero, so that rounding never exceeds what was asked for; a negative zero is none.
    return Math.trunc(ramped) + 0;
  }

  #voltWattCap(availableW: number, { voltagePercent }: GridCondition): number {
    const { voltWatt, maxW } = this.settings;
    if (voltWatt === null) {
      this.#voltWattShare.rest();
      return Infinity;
    }
    const share = interpolate(voltWatt.points, voltagePercent) / 100;
    return (
      this.#voltWattShare.toward(share, voltWatt.responseSeconds) *
      (voltWatt.reference === 'maxW' ? maxW : Math.max(0, availableW))
    );
  }

  /** IEEE 1547-2018 §6.5.2.7.1, equations for over- and under-frequency. */
  #drooped(before: number, { frequencyHz }: GridCondition): number {
    const { freqDroop, maxW } = this.settings;
    if (freqDroop === null) {
      this.#droopShare.rest();
      return before;
    }
    const nominal = nominalGrid.frequencyHz;
    const over = Math.max(0, frequencyHz - nominal - freqDroop.deadbandOverHz);
    const under = Math.max(0, nominal - freqDroop.deadbandUnderHz - frequencyHz);
    const share = under / (nominal * freqDroop.droopUnder) - over / (nominal * freqDroop.droopOver);
    const change = maxW * this.#droopShare.toward(share, freqDroop.responseSeconds);
    const floor = Math.min(before, (freqDroop.minPercent * maxW) / 100);
    return change < 0 ? Math.max(before + change, floor) : before + change;
  }

  #withReactive(askedW: number, grid: GridCondition): AcPower {
    const { maxVA, maxVarInject, maxVarAbsorb, varRampPercent } = this.settings;
    let activeW = askedW;
    let least: ReactiveAsk | undefined;
    for (const ask of this.#reactiveAsks(activeW, grid)) {
      if (least === undefined || Math.abs(ask.reactiveVar) < Math.abs(least.reactiveVar)) least = ask;
    }
    if (least === undefined) return { activeW, reactiveVar: 0 };
    let reactiveVar = Math.min(Math.max(least.reactiveVar, -maxVarAbsorb), maxVarInject);
    const slew = (varRampPercent * Math.max(maxVarInject, maxVarAbsorb)) / 100;
    if (slew > 0) {
      const last = this.#power.reactiveVar;
      reactiveVar = Math.min(Math.max(reactiveVar, last - slew), last + slew);
    }
    if (Math.hypot(activeW, reactiveVar) > maxVA) {
      const left = (taken: number): number => Math.floor(Math.sqrt(Math.max(0, maxVA ** 2 - taken ** 2)));
      if (least.priority === 'active') reactiveVar = Math.sign(reactiveVar) * left(activeW);
      else activeW = Math.sign(activeW) * left(reactiveVar);
    }
    return { activeW: activeW + 0, reactiveVar: Math.trunc(reactiveVar) + 0 };
  }

  #reactiveAsks(activeW: number, { voltagePercent }: GridCondition): readonly ReactiveAsk[] {
    const { settings } = this;
    const { fixedVar, voltVar, wattVar } = settings;
    const asks: ReactiveAsk[] = [];
    if (fixedVar !== null) {
      const { setpoint, priority } = fixedVar;
      const reactiveVar =
        'var' in setpoint
          ? setpoint.var
          : (setpoint.percent / 100) * referenceVar(settings, setpoint.of, setpoint.percent, activeW);
      asks.push({ reactiveVar, priority });
    }
    const factor = activeW < 0 ? settings.powerFactorAbsorb : settings.powerFactorInject;
    if (factor !== null) asks.push(byPowerFactor(factor, activeW));
    if (voltVar === null) this.#voltVarPercent.rest();
    else {
      const wanted = interpolate(voltVar.points, (100 * voltagePercent) / (voltVar.vRefPercent ?? 100));
      const percent = this.#voltVarPercent.toward(wanted, voltVar.responseSeconds);
      const reactiveVar = (percent / 100) * referenceVar(settings, voltVar.reference, percent, activeW);
      asks.push({ reactiveVar, priority: voltVar.priority });
    }
    if (wattVar !== null) {
      const percent = interpolate(wattVar.points, (100 * activeW) / settings.maxW);
      const reactiveVar = (percent / 100) * referenceVar(settings, wattVar.reference, percent, activeW);
      asks.push({ reactiveVar, priority: wattVar.priority });
    }
    return asks;
  }
}

/** Reactive power comes first here: with less of it the power factor would not be the one asked for. */
function byPowerFactor({ cosPhi, excitation }: PowerFactor, activeW: number): ReactiveAsk {
  const magnitude = Math.abs(activeW) * Math.sqrt(1 / cosPhi ** 2 - 1);
  return { reactiveVar: excitation === 'over' ? magnitude : -magnitude, priority: 'reactive' };
}

/** Close enough to be there; a first-order response never quite arrives. */
const settled = 0.001;

/** A first-order open-loop response: 90 % of a step is there after the response time (IEEE 1547-2018 §3.1). */
class OpenLoopResponse {
  readonly #atRest: number;
  #value: number;

  constructor(atRest: number) {
    this.#atRest = atRest;
    this.#value = atRest;
  }

  /** As if there had never been a step. */
  rest(): void {
    this.#value = this.#atRest;
  }

  /** One second on the way to `target`. */
  toward(target: number, responseSeconds = 0): number {
    const left = responseSeconds > 0 ? 10 ** (-1 / responseSeconds) : 0;
    const distance = (this.#value - target) * left;
    this.#value = Math.abs(distance) <= settled ? target : target + distance;
    return this.#value;
  }
}
