import type { UnixSeconds } from '#hal/units.ts';
import { type DeviceImage, exponentFor, type ImageModel } from './device-image.ts';
import { models } from './models.generated.ts';
import type { RevertingControl } from './revert-timers.ts';

/** The cells behind a twin of the old models. */
export interface LegacyStorage {
  readonly capacityWh: number;
  /** Hundredths of a percent, 0 to 10,000. */
  readonly socCentiPercent: () => number;
}

export const storageModels: readonly ImageModel[] = [{ id: 124 }, { id: 802 }];

const { PV_STOR } = models[120].points.DERTyp.symbols;
const { GRID } = models[124].points.ChaGriSet.symbols;
const { OFF, EMPTY, DISCHARGING, CHARGING, FULL, HOLDING } = models[802].points.ChaSt.symbols;
const { REMOTE } = models[802].points.LocRemCtl.symbols;
const { LITHIUM_ION } = models[802].points.Typ.symbols;
const { CONNECTED, DISCONNECTED } = models[802].points.State.symbols;
/** 124 `StorCtl_Mod`. */
const [chargeBit, dischargeBit] = [1, 2] as const;
/** Steps of the rates in 100 %. */
const fullRate = 10_000;
const fullCharge = 10_000;

/** What the twin takes, raw; it changes at once, and knows no random window. */
export const storageRanges: Readonly<Record<string, readonly [least: number, greatest: number]>> = {
  '124.StorCtl_Mod': [0, chargeBit + dischargeBit],
  '124.OutWRte': [-fullRate, fullRate],
  '124.InWRte': [-fullRate, fullRate],
  '124.InOutWRte_WinTms': [0, 0],
  '124.InOutWRte_RvrtTms': [0, 0xfffe],
  '802.CtrlHb': [0, 0xfffe],
};

const ratePoints = ['OutWRte', 'InWRte', 'InOutWRte_RvrtTms', 'StorCtl_Mod'];
export const storageControl: RevertingControl = {
  model: 124,
  points: ratePoints,
  timer: 'InOutWRte_RvrtTms',
  isActive: (image) => image.value(124, 'StorCtl_Mod') !== 0,
  revert: (image) => image.set(124, { StorCtl_Mod: 0 }),
};

export function describeStorage(image: DeviceImage, ratedW: number, capacityWh: number): void {
  const powerExponent = exponentFor(ratedW, 0xfffe);
  const energyExponent = exponentFor(capacityWh, 0xfffe);
  image.set(120, { DERTyp: PV_STOR, WHRtg_SF: energyExponent });
  image.set(120, { MaxChaRte_SF: powerExponent, MaxDisChaRte_SF: powerExponent });
  image.setValues(120, { WHRtg: capacityWh, MaxChaRte: ratedW, MaxDisChaRte: ratedW });
  image.set(124, { WChaMax_SF: powerExponent, WChaDisChaGra_SF: 0, ChaState_SF: -2, InOutWRte_SF: -2 });
  image.setValues(124, { WChaMax: ratedW, WChaGra: 100, WDisChaGra: 100 });
  image.set(124, { StorCtl_Mod: 0, OutWRte: fullRate, InWRte: fullRate, ChaGriSet: GRID });
  image.set(124, { InOutWRte_WinTms: 0, InOutWRte_RvrtTms: 0 });
  image.set(802, { WHRtg_SF: energyExponent, WChaDisChaMax_SF: powerExponent, SoC_SF: -2, W_SF: powerExponent });
  image.setValues(802, { WHRtg: capacityWh, WChaRteMax: ratedW, WDisChaRteMax: ratedW, SoCMax: 100, SoCMin: 0 });
  image.set(802, { LocRemCtl: REMOTE, CtrlHb: 0, Typ: LITHIUM_ION, Evt1: 0, Evt2: 0, EvtVnd1: 0, EvtVnd2: 0 });
}

/** @param isConnected whether the battery's inverter is at the grid */
export function showStorage(
  image: DeviceImage,
  charge: number,
  activeW: number,
  isConnected: boolean,
  now: UnixSeconds,
): void {
  const state = isConnected ? chargeState(charge, activeW) : OFF;
  image.set(124, { ChaState: charge, ChaSt: state });
  image.set(802, { SoC: charge, ChaSt: state, Hb: now % 0xffff, State: isConnected ? CONNECTED : DISCONNECTED });
  image.setValues(802, { W: activeW });
}

function chargeState(charge: number, activeW: number): number {
  if (activeW > 0) return DISCHARGING;
  if (activeW < 0) return CHARGING;
  if (charge === 0) return EMPTY;
  return charge === fullCharge ? FULL : HOLDING;
}

/** The power nearest to rest within the window that the registers ask for; `null` when they ask for none. */
export function storageTargetW(image: DeviceImage): number | null {
  const mode = image.value(124, 'StorCtl_Mod');
  if (mode === 0) return null;
  const chargeW = (image.value(124, 'InWRte') / 100) * image.value(124, 'WChaMax');
  const dischargeW = (image.value(124, 'OutWRte') / 100) * image.value(120, 'MaxDisChaRte');
  const least = mode % 2 === chargeBit ? -chargeW : -Infinity;
  const greatest = mode >= dischargeBit ? dischargeW : Infinity;
  return Math.trunc(Math.min(Math.max(0, least), greatest)) + 0;
}
