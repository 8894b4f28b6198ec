import type { PowerFactor, VarReference, VoltWattCurve } from '../grid-support.ts';
import type { Priority } from './der-settings.ts';

/** Enumerations of the models 704 to 712, each name at the place of its number. */

/** Models 705 and 712 `DeptRef`, 704 `VarSetMod`. */
export const varReferences: readonly VarReference[] = ['maxW', 'maxVar', 'availableVar', 'maxVA'];
/** 704 `VarSetMod`: in vars, not in percent. */
export const varsMode = varReferences.length;
/** Model 706 `DeptRef`. */
export const wattReferences: readonly VoltWattCurve['reference'][] = ['maxW', 'availableW'];
/** `Pri` of models 704, 705 and 712. */
export const priorities: readonly Priority[] = ['active', 'reactive'];
/** `Ext` of model 704. */
export const excitations: readonly PowerFactor['excitation'][] = ['over', 'under'];

/** Model 123 `VArPct_Mod` from 1 on. */
export const legacyVarModes = [
  { point: 'VArWMaxPct', of: 'maxW' },
  { point: 'VArMaxPct', of: 'maxVar' },
  { point: 'VArAvalPct', of: 'availableVar' },
] as const;

/** The power factor of a generator in EEI's sign convention (model 123): negative while it injects reactive power. */
export const fromEei = (signed: number): PowerFactor => ({
  cosPhi: Math.abs(signed),
  excitation: signed < 0 ? 'over' : 'under',
});
export const toEei = ({ cosPhi, excitation }: PowerFactor): number => (excitation === 'over' ? -cosPhi : cosPhi);
