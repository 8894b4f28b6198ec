/** Codes of the distributed energy resources function set (IEEE 2030.5-2018 §10.10), as in `enumerations.ts`. */
import type { CodeOf } from './enumerations.ts';

/** DERType. */
export const DERType = {
  notApplicable: 0,
  virtualOrMixed: 1,
  reciprocatingEngine: 2,
  fuelCell: 3,
  photovoltaic: 4,
  combinedHeatAndPower: 5,
  otherGeneration: 6,
  otherStorage: 80,
  electricVehicle: 81,
  evse: 82,
  combinedPVAndStorage: 83,
} as const;
export type DERType = CodeOf<typeof DERType>;

/** DERControlType: bit positions of modesSupported and modesEnabled. */
export const DERControlMode = {
  charge: 0,
  discharge: 1,
  opModConnect: 2,
  opModEnergize: 3,
  opModFixedPFAbsorbW: 4,
  opModFixedPFInjectW: 5,
  opModFixedVar: 6,
  opModFixedW: 7,
  opModFreqDroop: 8,
  opModFreqWatt: 9,
  opModHFRTMayTrip: 10,
  opModHFRTMustTrip: 11,
  opModHVRTMayTrip: 12,
  opModHVRTMomentaryCessation: 13,
  opModHVRTMustTrip: 14,
  opModLFRTMayTrip: 15,
  opModLFRTMustTrip: 16,
  opModLVRTMayTrip: 17,
  opModLVRTMomentaryCessation: 18,
  opModLVRTMustTrip: 19,
  opModMaxLimW: 20,
  opModTargetVar: 21,
  opModTargetW: 22,
  opModVoltVar: 23,
  opModVoltWatt: 24,
  opModWattPF: 25,
  opModWattVar: 26,
} as const;

/** DERCurveType. */
export const DERCurveType = {
  opModFreqWatt: 0,
  opModHFRTMayTrip: 1,
  opModHFRTMustTrip: 2,
  opModHVRTMayTrip: 3,
  opModHVRTMomentaryCessation: 4,
  opModHVRTMustTrip: 5,
  opModLFRTMayTrip: 6,
  opModLFRTMustTrip: 7,
  opModLVRTMayTrip: 8,
  opModLVRTMomentaryCessation: 9,
  opModLVRTMustTrip: 10,
  opModVoltVar: 11,
  opModVoltWatt: 12,
  opModWattPF: 13,
  opModWattVar: 14,
} as const;
export type DERCurveType = CodeOf<typeof DERCurveType>;

/** DERUnitRefType: what a percentage refers to. */
export const DERUnitRefType = {
  notApplicable: 0,
  setMaxW: 1,
  setMaxVar: 2,
  statVarAvail: 3,
  setEffectiveV: 4,
  setMaxChargeRateW: 5,
  setMaxDischargeRateW: 6,
  statWAvail: 7,
} as const;
export type DERUnitRefType = CodeOf<typeof DERUnitRefType>;

/** ConnectStatusType.value: bit positions. */
export const ConnectStatus = { connected: 0, available: 1, operating: 2, test: 3, fault: 4 } as const;

/** InverterStatusType.value. */
export const InverterStatus = {
  notApplicable: 0,
  off: 1,
  sleeping: 2,
  starting: 3,
  trackingMPPT: 4,
  forcedPowerReduction: 5,
  shuttingDown: 6,
  fault: 7,
  standby: 8,
  test: 9,
  manufacturer: 10,
} as const;
export type InverterStatus = CodeOf<typeof InverterStatus>;

/** LocalControlModeStatusType.value. */
export const LocalControlModeStatus = { local: 0, remote: 1 } as const;
export type LocalControlModeStatus = CodeOf<typeof LocalControlModeStatus>;

/** OperationalModeStatusType.value. */
export const OperationalModeStatus = { notApplicable: 0, off: 1, operational: 2, test: 3 } as const;
export type OperationalModeStatus = CodeOf<typeof OperationalModeStatus>;

/** StorageModeStatusType.value. */
export const StorageModeStatus = { charging: 0, discharging: 1, holding: 2 } as const;
export type StorageModeStatus = CodeOf<typeof StorageModeStatus>;

/** DERStatus.alarmStatus: bit positions. */
export const AlarmStatus = {
  overCurrent: 0,
  overVoltage: 1,
  underVoltage: 2,
  overFrequency: 3,
  underFrequency: 4,
  voltageImbalance: 5,
  currentImbalance: 6,
  emergencyLocal: 7,
  emergencyRemote: 8,
  lowPowerInput: 9,
  phaseRotation: 10,
} as const;

/** DeviceCategoryType: bit positions. */
export const DeviceCategory = {
  thermostat: 0,
  stripHeaters: 1,
  baseboardHeaters: 2,
  waterHeater: 3,
  poolPump: 4,
  sauna: 5,
  hotTub: 6,
  smartAppliance: 7,
  irrigationPump: 8,
  managedCommercialLoads: 9,
  simpleResidentialLoads: 10,
  exteriorLighting: 11,
  interiorLighting: 12,
  loadControlSwitch: 13,
  energyManagementSystem: 14,
  smartEnergyModule: 15,
  electricVehicle: 16,
  evse: 17,
  virtualOrMixedDER: 18,
  reciprocatingEngine: 19,
  fuelCell: 20,
  photovoltaic: 21,
  combinedHeatAndPower: 22,
  combinedPVAndStorage: 23,
  otherGeneration: 24,
  otherStorage: 25,
} as const;

/** DOEControlType of CSIP-AUS v1.2 and v1.3: bit positions of doeModesSupported and doeModesEnabled. */
export const DOEControlMode = { opModExpLimW: 0, opModImpLimW: 1, opModGenLimW: 2, opModLoadLimW: 3 } as const;

/** VPPControlType of CSIP-AUS v1.3: bit positions of vppModesSupported and vppModesEnabled. */
export const VPPControlMode = { opModStorageTargetW: 0 } as const;
