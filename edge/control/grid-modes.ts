import type { DerMode, DerModes, DerRatings, EnterService, FreqDroop, PowerFactor } from '#drivers/grid-support.ts';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { DERCurve, DERCurveLink, PowerFactorWithExcitation } from '#ieee2030_5/types.generated.ts';
import {
  InvalidMode,
  scaled,
  tripCurve,
  varReference,
  voltVarCurve,
  voltWattCurve,
  wattPowerFactor,
  wattVarCurve,
} from './der-curves.ts';

/** The values of the modes in force, as 2030.5 has them. */
export type ModeValues = { readonly [Mode in keyof DERModes]?: NonNullable<DERModes[Mode]> };
/** The modes that a device carries out by itself, in the drivers' words. */
export type DeviceModes = { readonly [Mode in DerMode]?: DerModes[Mode] };

export interface ModeContext {
  /** Of the device that is told. */
  readonly ratings: DerRatings;
  /** Its share of all the reactive power that the site's devices have, 0 to 1. */
  readonly varShare: number;
  /** Active power that it gives, W. */
  readonly powerW: number;
  /** `undefined` where the server has no such curve. */
  readonly curveOf: (href: string) => DERCurve | undefined;
}

interface Translation<Mode extends keyof DERModes> {
  readonly to: DerMode;
  readonly value: (value: NonNullable<DERModes[Mode]>, context: ModeContext) => DerModes[DerMode];
}

const curveAt = ({ href }: DERCurveLink, { curveOf }: ModeContext): DERCurve => {
  const curve = curveOf(href);
  if (curve === undefined) throw new InvalidMode(`the server has no curve ${href}`);
  return curve;
};

const ofCurve = (to: DerMode, read: (curve: DERCurve, context: ModeContext) => DerModes[DerMode]) => ({
  to,
  value: (link: DERCurveLink, context: ModeContext) => read(curveAt(link, context), context),
});

type TripMode = Extract<keyof DERModes, `opMod${'H' | 'L'}${'V' | 'F'}RT${string}`>;
const trip = (mode: TripMode, to: DerMode): Translation<TripMode> => ofCurve(to, (curve) => tripCurve(curve, mode));

/** `excitation` is true when reactive power is absorbed. */
function powerFactor({ displacement, multiplier, excitation }: PowerFactorWithExcitation): PowerFactor {
  const cosPhi = scaled(displacement, multiplier);
  if (cosPhi <= 0 || cosPhi > 1) throw new InvalidMode(`${cosPhi} is no power factor`);
  return { cosPhi, excitation: excitation ? 'under' : 'over' };
}

/**
 * The droop that every device of IEEE 1547-2018 has by itself, as far out of the way as its ranges allow (Table 24)
 * while a Frequency-Watt curve acts in its place: it would lower the power a second time. The device goes back to its
 * own when the board is not there.
 */
export const quietDroop: FreqDroop = {
  deadbandOverHz: 1,
  deadbandUnderHz: 1,
  droopOver: 0.05,
  droopUnder: 0.05,
  responseSeconds: 5,
};

/** Percentages are of each device's own ratings, so that they come to the same percentage of all. */
const translations: { readonly [Mode in keyof DERModes]?: Translation<Mode> } = {
  opModFixedPFInjectW: { to: 'powerFactorInject', value: powerFactor },
  opModFixedPFAbsorbW: { to: 'powerFactorAbsorb', value: powerFactor },
  opModFixedVar: {
    to: 'fixedVar',
    value: ({ refType, value }) => ({ percent: value / 100, of: varReference(refType) }),
  },
  opModTargetVar: {
    to: 'fixedVar',
    value: ({ multiplier, value }, { varShare }) => ({ var: Math.round(scaled(value, multiplier) * varShare) }),
  },
  opModVoltVar: ofCurve('voltVar', voltVarCurve),
  opModVoltWatt: ofCurve('voltWatt', voltWattCurve),
  opModWattVar: ofCurve('wattVar', wattVarCurve),
  opModWattPF: ofCurve('powerFactorInject', (curve, { powerW, ratings }) =>
    wattPowerFactor(curve, (100 * Math.max(0, powerW)) / ratings.maxW),
  ),
  opModFreqDroop: {
    to: 'freqDroop',
    value: ({ dBOF, dBUF, kOF, kUF, openLoopTms }) => ({
      deadbandOverHz: dBOF / 1_000,
      deadbandUnderHz: dBUF / 1_000,
      droopOver: kOF / 1_000,
      droopUnder: kUF / 1_000,
      responseSeconds: openLoopTms / 100,
    }),
  },
  opModLVRTMustTrip: trip('opModLVRTMustTrip', 'lowVoltageMustTrip'),
  opModLVRTMayTrip: trip('opModLVRTMayTrip', 'lowVoltageMayTrip'),
  opModLVRTMomentaryCessation: trip('opModLVRTMomentaryCessation', 'lowVoltageMomentaryCessation'),
  opModHVRTMustTrip: trip('opModHVRTMustTrip', 'highVoltageMustTrip'),
  opModHVRTMayTrip: trip('opModHVRTMayTrip', 'highVoltageMayTrip'),
  opModHVRTMomentaryCessation: trip('opModHVRTMomentaryCessation', 'highVoltageMomentaryCessation'),
  opModLFRTMustTrip: trip('opModLFRTMustTrip', 'lowFrequencyMustTrip'),
  opModLFRTMayTrip: trip('opModLFRTMayTrip', 'lowFrequencyMayTrip'),
  opModHFRTMustTrip: trip('opModHFRTMustTrip', 'highFrequencyMustTrip'),
  opModHFRTMayTrip: trip('opModHFRTMayTrip', 'highFrequencyMayTrip'),
};

const allTranslations = Object.entries(translations) as [keyof DERModes, Translation<keyof DERModes>][];

/** The modes that a device must have itself: 2030.5's name and the driver's. */
export const deviceModes: ReadonlyMap<keyof DERModes, DerMode> = new Map(
  allTranslations.map(([mode, { to }]) => [mode, to]),
);

export interface Translated {
  readonly modes: DeviceModes;
  /** Modes of 2030.5 whose values are none, and why. */
  readonly invalid: ReadonlyMap<keyof DERModes, string>;
}

/** What one device is to be told for the modes in force. What it does not have is left out. */
export function translate(values: ModeValues, has: (mode: DerMode) => boolean, context: ModeContext): Translated {
  const modes: Partial<Record<DerMode, DerModes[DerMode]>> = {};
  const invalid = new Map<keyof DERModes, string>();
  for (const [mode, translation] of allTranslations) {
    const value = values[mode];
    if (value === undefined || !has(translation.to) || translation.to in modes) continue;
    try {
      modes[translation.to] = translation.value(value, context);
    } catch (error) {
      if (!(error instanceof InvalidMode)) throw error;
      invalid.set(mode, error.message);
    }
  }
  const enter = enterService(values);
  if (enter !== undefined && has('enterService')) modes.enterService = enter;
  return { modes: modes as DeviceModes, invalid };
}

/**
 * DefaultDERControl.setES…: hundredths of a percent, a hertz, a second. All bounds and the delay must be there, because
 * nobody knows what those of the device are.
 */
function enterService(values: ModeValues): EnterService | undefined {
  const { setESHighVolt, setESLowVolt, setESHighFreq, setESLowFreq, setESDelay } = values;
  const { setESRandomDelay = 0, setESRampTms = 0 } = values;
  if (setESHighVolt === undefined || setESLowVolt === undefined || setESDelay === undefined) return undefined;
  if (setESHighFreq === undefined || setESLowFreq === undefined) return undefined;
  return {
    maxVoltagePercent: setESHighVolt / 100,
    minVoltagePercent: setESLowVolt / 100,
    maxHz: setESHighFreq / 100,
    minHz: setESLowFreq / 100,
    delaySeconds: Math.round(setESDelay / 100),
    randomDelaySeconds: Math.round(setESRandomDelay / 100),
    rampSeconds: Math.round(setESRampTms / 100),
  };
}
