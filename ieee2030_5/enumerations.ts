/**
 * Codes that the schema keeps only in its annotations, by hand. Each names the type or element of IEEE 2030.5-2018
 * (sep.xsd 2.1.0) that it comes from. Names are ours, values are the standard's.
 */

/** A value of one of the tables below. */
export type CodeOf<Table extends Readonly<Record<string, number>>> = Table[keyof Table];

// Metering (§10.11)

/** UomType: unit of a reading. */
export const UomType = {
  notApplicable: 0,
  amperes: 5,
  kelvin: 6,
  degreesCelsius: 23,
  volts: 29,
  joules: 31,
  hertz: 33,
  watts: 38,
  cubicMetres: 42,
  voltAmperes: 61,
  vars: 63,
  cosTheta: 65,
  voltsSquared: 67,
  amperesSquared: 69,
  voltAmpereHours: 71,
  wattHours: 72,
  varHours: 73,
  ampereHours: 106,
  cubicFeet: 119,
  cubicFeetPerHour: 122,
  cubicMetresPerHour: 125,
  usGallons: 128,
  usGallonsPerHour: 129,
  imperialGallons: 130,
  imperialGallonsPerHour: 131,
  btu: 132,
  btuPerHour: 133,
  litres: 134,
  litresPerHour: 137,
  pascalGauge: 140,
  pascalAbsolute: 155,
  therms: 169,
} as const;
export type UomType = CodeOf<typeof UomType>;

/** KindType: what kind of quantity a reading is. */
export const KindType = { notApplicable: 0, currency: 3, demand: 8, energy: 12, power: 37 } as const;
export type KindType = CodeOf<typeof KindType>;

/** CommodityType. */
export const CommodityType = {
  notApplicable: 0,
  electricitySecondaryMetered: 1,
  electricityPrimaryMetered: 2,
  air: 4,
  naturalGas: 7,
  propane: 8,
  potableWater: 9,
  steam: 10,
  wasteWater: 11,
  heatingFluid: 12,
  coolingFluid: 13,
} as const;
export type CommodityType = CodeOf<typeof CommodityType>;

/** FlowDirectionType: `forward` is delivered to the customer, `reverse` received from the customer. */
export const FlowDirectionType = { notApplicable: 0, forward: 1, reverse: 19 } as const;
export type FlowDirectionType = CodeOf<typeof FlowDirectionType>;

/** AccumulationBehaviourType. */
export const AccumulationBehaviourType = {
  notApplicable: 0,
  cumulative: 3,
  deltaData: 4,
  indicating: 6,
  summation: 9,
  instantaneous: 12,
} as const;
export type AccumulationBehaviourType = CodeOf<typeof AccumulationBehaviourType>;

/** DataQualifierType. */
export const DataQualifierType = {
  notApplicable: 0,
  average: 2,
  maximum: 8,
  minimum: 9,
  normal: 12,
  standardDeviationOfPopulation: 29,
  standardDeviationOfSample: 30,
} as const;
export type DataQualifierType = CodeOf<typeof DataQualifierType>;

/** PhaseCode. */
export const PhaseCode = {
  notApplicable: 0,
  c: 32,
  cn: 33,
  ca: 40,
  b: 64,
  bn: 65,
  bc: 66,
  a: 128,
  an: 129,
  ab: 132,
  abc: 224,
} as const;
export type PhaseCode = CodeOf<typeof PhaseCode>;

/** ServiceKind: the service category of a usage point. */
export const ServiceKind = {
  electricity: 0,
  gas: 1,
  water: 2,
  time: 3,
  pressure: 4,
  heat: 5,
  cooling: 6,
} as const;
export type ServiceKind = CodeOf<typeof ServiceKind>;

/** UsagePointBase.status. */
export const UsagePointStatus = { off: 0, on: 1 } as const;
export type UsagePointStatus = CodeOf<typeof UsagePointStatus>;

/** RoleFlagsType: bit positions of a usage point's roleFlags. */
export const RoleFlags = {
  isMirror: 0,
  isPremisesAggregationPoint: 1,
  isPEV: 2,
  isDER: 3,
  isRevenueQuality: 4,
  isDC: 5,
  isSubmeter: 6,
} as const;

/** ReadingBase.qualityFlags: bit positions. */
export const QualityFlags = {
  valid: 0,
  manuallyEdited: 1,
  estimatedUsingReferenceDay: 2,
  estimatedUsingLinearInterpolation: 3,
  questionable: 4,
  derived: 5,
  projected: 6,
} as const;

// Events and responses (§10.2)

/** EventStatus.currentStatus. */
export const EventCurrentStatus = {
  scheduled: 0,
  active: 1,
  cancelled: 2,
  cancelledWithRandomization: 3,
  superseded: 4,
} as const;
export type EventCurrentStatus = CodeOf<typeof EventCurrentStatus>;

/** PrimacyType: the named values; 65..191 are the user's, the rest is reserved. A lower number wins. */
export const PrimacyType = {
  inHomeEnergyManagementSystem: 0,
  contractedPremisesServiceProvider: 1,
  nonContractualServiceProvider: 2,
} as const;

/** RespondableResource.responseRequired: bit positions. */
export const ResponseRequired = { received: 0, specific: 1, customer: 2 } as const;

/** Response.status, IEEE 2030.5-2018 Table 27; the 2023 edition gives 12 to 14 and 251 another meaning. */
export const ResponseStatus2018 = {
  received: 1,
  started: 2,
  completed: 3,
  optOut: 4,
  optIn: 5,
  cancelled: 6,
  superseded: 7,
  partialOptOut: 8,
  partialOptIn: 9,
  noParticipation: 10,
  acknowledged: 11,
  notDisplayable: 12,
  abortedAlternateServer: 13,
  abortedAlternateProgram: 14,
  rejectedNotApplicable: 252,
  rejectedInvalid: 253,
  rejectedLate: 254,
} as const;
export type ResponseStatus2018 = CodeOf<typeof ResponseStatus2018>;

/** RequestStatus.requestStatus of a FlowReservationRequest. */
export const RequestStatusCode = { requested: 0, cancelled: 1 } as const;
export type RequestStatusCode = CodeOf<typeof RequestStatusCode>;

// Support resources (§10.2 to §10.6)

/** Error.reasonCode. */
export const ReasonCode = {
  invalidFormat: 0,
  invalidValues: 1,
  resourceLimit: 2,
  conditionalSubscriptionUnsupported: 3,
  tooFrequent: 4,
} as const;
export type ReasonCode = CodeOf<typeof ReasonCode>;

/** SubscribableType. */
export const SubscribableType = { none: 0, nonConditional: 1, conditional: 2, both: 3 } as const;
export type SubscribableType = CodeOf<typeof SubscribableType>;

/** Subscription.encoding. */
export const SubscriptionEncoding = { xml: 0, exi: 1 } as const;
export type SubscriptionEncoding = CodeOf<typeof SubscriptionEncoding>;

/** Notification.status. */
export const NotificationStatus = {
  default: 0,
  cancelled: 1,
  resourceMoved: 2,
  definitionChanged: 3,
  resourceDeleted: 4,
} as const;
export type NotificationStatus = CodeOf<typeof NotificationStatus>;

/** Time.quality. */
export const TimeQuality = {
  authoritative: 3,
  level3: 4,
  manualOrLevel4: 5,
  level5: 6,
  intentionallyUncoordinated: 7,
} as const;
export type TimeQuality = CodeOf<typeof TimeQuality>;

/** CurrencyCode: the ISO 4217 numbers that the standard lists. */
export const CurrencyCode = { notApplicable: 0, aud: 36, cad: 124, usd: 840, eur: 978 } as const;
export type CurrencyCode = CodeOf<typeof CurrencyCode>;
