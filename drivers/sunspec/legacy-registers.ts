import type { Clock } from '#hal/clock.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { DerOperation } from '../grid-support.ts';
import type { DerSettings } from './der-settings.ts';
import { DeviceImage, exponentFor } from './device-image.ts';
import { apparentShare, defaultEnterService, tripModels, varShare } from './ieee1547-defaults.ts';
import {
  describeStorage,
  type LegacyStorage,
  showStorage,
  storageControl,
  storageModels,
  storageRanges,
  storageTargetW,
} from './legacy-storage.ts';
import { models } from './models.generated.ts';
import { nominalVolts } from './nominal-grid.ts';
import { fromEei, legacyVarModes } from './register-codes.ts';
import { type RevertingControl, RevertTimers } from './revert-timers.ts';
import type { Measured, TwinRegisters } from './twin-registers.ts';
import { twinState } from './twin-state.ts';

const { PV } = models[120].points.DERTyp.symbols;
const { CONNECT, DISCONNECT } = models[123].points.Conn.symbols;
const { DISABLED, ENABLED } = models[123].points.WMaxLim_Ena.symbols;
/** Steps of `WMaxLimPct` and of the percentages of vars in 100 %. */
const fullPct = 10_000;
/** Steps of `OutPFSet` in 1. */
const fullPf = 1_000;
const anySeconds = [0, 0xfffe] as const;
/** The twin acts when it is told: it knows no random window. */
const noWindow = [0, 0] as const;

/** What the twin takes, raw; what is not here is refused. */
const ranges: Readonly<Record<string, readonly [least: number, greatest: number]>> = {
  '123.Conn': [0, 1],
  '123.Conn_RvrtTms': anySeconds,
  '123.WMaxLimPct': [0, fullPct],
  '123.WMaxLimPct_WinTms': noWindow,
  '123.WMaxLimPct_RvrtTms': anySeconds,
  '123.WMaxLimPct_RmpTms': anySeconds,
  '123.WMaxLim_Ena': [0, 1],
  '123.OutPFSet': [-fullPf, fullPf],
  '123.OutPFSet_WinTms': noWindow,
  '123.OutPFSet_RvrtTms': anySeconds,
  '123.OutPFSet_Ena': [0, 1],
  '123.VArWMaxPct': [-fullPct, fullPct],
  '123.VArMaxPct': [-fullPct, fullPct],
  '123.VArAvalPct': [-fullPct, fullPct],
  '123.VArPct_WinTms': noWindow,
  '123.VArPct_RvrtTms': anySeconds,
  '123.VArPct_Mod': [0, 3],
  '123.VArPct_Ena': [0, 1],
  ...storageRanges,
};

const reverting = (timer: string, points: readonly string[], enable: string, off: number): RevertingControl => ({
  model: 123,
  points: [...points, timer, enable],
  timer,
  isActive: (image) => image.value(123, enable) !== off,
  revert: (image) => image.set(123, { [enable]: off }),
});

const controls: readonly RevertingControl[] = [
  reverting('Conn_RvrtTms', [], 'Conn', CONNECT),
  reverting('WMaxLimPct_RvrtTms', ['WMaxLimPct', 'WMaxLimPct_RmpTms'], 'WMaxLim_Ena', DISABLED),
  reverting('OutPFSet_RvrtTms', ['OutPFSet'], 'OutPFSet_Ena', DISABLED),
  reverting('VArPct_RvrtTms', ['VArPct_Mod', ...legacyVarModes.map(({ point }) => point)], 'VArPct_Ena', DISABLED),
];

export interface LegacyDevice {
  readonly serial: string;
  /** Model 1 `Md`. */
  readonly model: string;
  readonly ratedW: number;
  /** What it is when nothing flows while it could. */
  readonly idle: DerOperation;
  /** Of a battery. */
  readonly storage?: LegacyStorage;
  readonly beforeRead: () => void;
}

/** A limit on its way to another one. */
interface Ramp {
  readonly from: UnixSeconds;
  readonly fromW: number;
  readonly seconds: number;
}

/**
 * The registers of an inverter of the generation before IEEE 1547-2018: SunSpec models 1, 103, 120 and 123 from 40000,
 * and 124 and 802 of a battery's. Its trip settings are fixed, as are its delay and ramp when it comes back.
 */
export class LegacyRegisters implements TwinRegisters {
  readonly image: DeviceImage;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #timers: RevertTimers;
  readonly #idle: DerOperation;
  readonly #storage: LegacyStorage | undefined;
  /** What 100 % is: the rating as the registers have it. */
  readonly #fullW: number;
  #settings: DerSettings;
  /** The limit that the registers ask for; the one in `settings` may still be on its way to it. */
  #limitW: number | null = null;
  #ramp: Ramp | undefined;

  constructor({ serial, model, ratedW, idle, storage, beforeRead }: LegacyDevice, clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#idle = idle;
    this.#storage = storage;
    const own = storage === undefined ? [] : storageModels;
    const image = new DeviceImage([{ id: 1 }, { id: 103 }, { id: 120 }, { id: 123 }, ...own], {
      beforeRead,
      accepts: (name, raw) => {
        const range = ranges[name];
        return range !== undefined && raw >= range[0] && raw <= range[1] && !(name === '123.OutPFSet' && raw === 0);
      },
      afterWrite: (names) => this.#onWrite(names),
    });
    this.image = image;
    this.#timers = new RevertTimers(image, storage === undefined ? controls : [...controls, storageControl]);
    const apparentVA = Math.ceil(ratedW * apparentShare);
    describe(image, { serial, model, ratedW }, apparentVA);
    if (storage !== undefined) describeStorage(image, ratedW, storage.capacityWh);
    this.#fullW = image.value(120, 'WRtg');
    const maxVar = Math.floor(varShare * apparentVA);
    this.#settings = {
      maxW: this.#fullW,
      maxVA: apparentVA,
      maxVarInject: maxVar,
      maxVarAbsorb: maxVar,
      isPermitted: true,
      enterService: defaultEnterService,
      powerFactorAbsorb: null,
      voltVar: null,
      voltWatt: null,
      wattVar: null,
      freqDroop: null,
      trips: tripModels.map(({ quantity, side, curves }) => ({
        quantity,
        side,
        mustTrip: curves.MustTrip,
        momentaryCessation: curves.MomCess,
      })),
      rampPercent: 0,
      varRampPercent: 0,
      limitW: null,
      ...this.#controlSettings(),
    };
  }

  get settings(): DerSettings {
    return this.#settings;
  }

  runTimers(now: UnixSeconds): void {
    if (this.#timers.run(now).length > 0) {
      this.#limitW = this.#limitInRegisters();
      this.#settings = { ...this.#settings, limitW: this.#limitW, ...this.#controlSettings() };
      this.#ramp = undefined;
    }
    if (this.#ramp === undefined) return;
    const { from, fromW, seconds } = this.#ramp;
    const toW = this.#limitW ?? this.#fullW;
    const share = Math.min(1, (now - from) / seconds);
    const limitW = share === 1 ? this.#limitW : Math.floor(fromW + share * (toW - fromW));
    this.#settings = { ...this.#settings, limitW };
    if (share === 1) this.#ramp = undefined;
  }

  show({ activeW, injectedWh, functions }: Measured, now: UnixSeconds): void {
    const { image } = this;
    const { grid, power } = functions;
    const { operation, alarms, isConnected } = twinState(functions, activeW, this.#idle);
    const apparentVA = Math.hypot(activeW, power.reactiveVar);
    const volts = (nominalVolts.lineToNeutral * grid.voltagePercent) / 100;
    const perPhase = volts === 0 ? 0 : apparentVA / (3 * volts);
    // EEI sign convention: negative while reactive power is injected.
    const factor = apparentVA === 0 ? 1 : (activeW / apparentVA) * (power.reactiveVar > 0 ? -1 : 1);
    image.set(103, { St: operation + 1, Evt1: alarms, WH: injectedWh % 0x100000000 });
    image.setValues(103, { W: activeW, VAr: power.reactiveVar, VA: apparentVA, PF: 100 * factor });
    image.setValues(103, { A: 3 * perPhase, AphA: perPhase, AphB: perPhase, AphC: perPhase });
    image.setValues(103, { PhVphA: volts, PhVphB: volts, PhVphC: volts, Hz: grid.frequencyHz });
    if (this.#storage !== undefined) showStorage(image, this.#storage.socCentiPercent(), activeW, isConnected, now);
  }

  #onWrite(names: readonly string[]): void {
    const now = this.#clock.now();
    this.runTimers(now);
    this.#timers.onWrite(names, now);
    const fromW = this.#settings.limitW ?? this.#fullW;
    this.#limitW = this.#limitInRegisters();
    const seconds = this.image.value(123, 'WMaxLimPct_RmpTms');
    const isLimitWritten = names.some((name) => name.startsWith('123.WMaxLim'));
    if (isLimitWritten) this.#ramp = seconds === 0 ? undefined : { from: now, fromW, seconds };
    const limitW = this.#ramp === undefined ? this.#limitW : fromW;
    this.#settings = { ...this.#settings, limitW, ...this.#controlSettings() };
  }

  #limitInRegisters(): number | null {
    const { image } = this;
    if (image.value(123, 'WMaxLim_Ena') !== ENABLED) return null;
    return Math.floor((image.point(123, 'WMaxLimPct').get()! * this.#fullW) / fullPct);
  }

  #controlSettings(): Pick<DerSettings, 'isConnected' | 'targetW' | 'powerFactorInject' | 'fixedVar'> {
    const { image } = this;
    const isOn = (point: string): boolean => image.value(123, point) === 1;
    const varMode = legacyVarModes[image.value(123, 'VArPct_Mod') - 1];
    return {
      isConnected: image.value(123, 'Conn') !== DISCONNECT,
      targetW: this.#storage === undefined ? null : storageTargetW(image),
      powerFactorInject: isOn('OutPFSet_Ena') ? fromEei(image.value(123, 'OutPFSet')) : null,
      fixedVar:
        isOn('VArPct_Ena') && varMode !== undefined
          ? { setpoint: { percent: image.value(123, varMode.point), of: varMode.of }, priority: 'reactive' }
          : null,
    };
  }
}

function describe(
  image: DeviceImage,
  { serial, model, ratedW }: Pick<LegacyDevice, 'serial' | 'model' | 'ratedW'>,
  apparentVA: number,
): void {
  image.setText(1, 'Mn', 'GridTokenX');
  image.setText(1, 'Md', model);
  image.setText(1, 'SN', serial);
  const powerExponent = exponentFor(ratedW, 0x7fff);
  const apparentExponent = exponentFor(apparentVA, 0x7fff);
  image.set(103, { A_SF: -1, V_SF: -1, W_SF: powerExponent, Hz_SF: -2, WH_SF: 0, Evt1: 0, Evt2: 0 });
  image.set(103, { VA_SF: apparentExponent, VAr_SF: apparentExponent, PF_SF: -1 });
  const ratingExponent = exponentFor(apparentVA, 0xfffe);
  const maxVar = Math.floor(varShare * apparentVA);
  image.set(120, { DERTyp: PV, WRtg_SF: exponentFor(ratedW, 0xfffe), VARtg_SF: ratingExponent });
  image.set(120, { VArRtg_SF: exponentFor(maxVar, 0x7fff) });
  image.setValues(120, { WRtg: ratedW, VARtg: apparentVA, VArRtgQ1: maxVar, VArRtgQ4: -maxVar });
  image.set(123, { Conn_RvrtTms: 0, Conn: CONNECT, WMaxLimPct: fullPct, WMaxLimPct_SF: -2 });
  image.set(123, { WMaxLimPct_WinTms: 0, WMaxLimPct_RvrtTms: 0, WMaxLimPct_RmpTms: 0, WMaxLim_Ena: DISABLED });
  image.set(123, { OutPFSet: fullPf, OutPFSet_SF: -3, OutPFSet_WinTms: 0, OutPFSet_RvrtTms: 0 });
  image.set(123, { OutPFSet_Ena: DISABLED, VArPct_SF: -2, VArPct_Mod: 0, VArPct_Ena: DISABLED });
  image.set(123, { VArWMaxPct: 0, VArMaxPct: 0, VArAvalPct: 0, VArPct_WinTms: 0, VArPct_RvrtTms: 0 });
}
