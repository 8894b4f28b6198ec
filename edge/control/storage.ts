import { W } from '#hal/units.ts';

export interface StorageSituation {
  readonly loadW: number;
  readonly pvW: number;
  readonly stateOfChargeCentiPercent: number;
  readonly reserveCentiPercent: number;
  readonly ratedW: number;
  /** Mean grid power that the market committed the building to: bought is positive, sold negative. */
  readonly commitmentW: number;
  readonly importLimitW: number;
  readonly exportLimitW: number;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/**
 * The storage power (AC, positive discharges) that brings the connection point to its commitment, which is zero
 * without trades: self-consumption. Discharge ends at the reserve, charge when full, and neither may push the
 * connection point over its limits.
 */
export function storageSetpoint(situation: StorageSituation): W {
  const { loadW, pvW, stateOfChargeCentiPercent: charge, reserveCentiPercent, ratedW } = situation;
  const netW = loadW - pvW;
  const maxDischargeW = charge > reserveCentiPercent ? ratedW : 0;
  const maxChargeW = charge < 10_000 ? ratedW : 0;
  const wantedW = clamp(netW - situation.commitmentW, -maxChargeW, maxDischargeW);
  const withinLimitsW = clamp(wantedW, netW - situation.importLimitW, netW + situation.exportLimitW);
  return W(Math.round(clamp(withinLimitsW, -maxChargeW, maxDischargeW)));
}

/**
 * The PV limit that keeps the export limit when load and storage cannot take the rest, or `null` when none is
 * needed.
 */
export function pvLimit(
  situation: Pick<StorageSituation, 'loadW' | 'exportLimitW'>,
  storageW: W,
  ratedPvW: number,
): W | null {
  const roomW = situation.exportLimitW + situation.loadW - storageW;
  return roomW >= ratedPvW ? null : W(Math.max(0, Math.floor(roomW)));
}
