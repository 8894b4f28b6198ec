import type { XmlElement } from '../../xml.ts';

/** The value of a mode in its unit (W, percent, true or false), or a mode that is a text of elements. */
export type ModeValue = number | boolean | { readonly xml: string; readonly href?: string };
export type Modes = Readonly<Record<string, ModeValue>>;

/** EventStatus.currentStatus. */
export const eventStatus = { scheduled: 0, active: 1, cancelled: 2, cancelledRandomized: 3, superseded: 4 } as const;

/** What a DERControl and a TimeTariffInterval share. */
export interface UtilityEvent {
  readonly id: number;
  readonly mrid: string;
  readonly creationTime: number;
  readonly start: number;
  readonly duration: number;
  readonly randomizeStart?: number | undefined;
  readonly randomizeDuration?: number | undefined;
  /** Set by a cancellation or superseding; else it follows from the time. */
  ended?: { status: number; at: number };
  readonly tag?: string | undefined;
}

export interface UtilityControl extends UtilityEvent {
  readonly modes: Modes;
  readonly rampSeconds?: number | undefined;
  readonly responseRequired: string;
}

export interface UtilityDefault {
  readonly mrid: string;
  readonly modes: Modes;
  /** Hundredths of a percent of setMaxW a second. */
  readonly setGradW?: number | undefined;
  /** Other elements of DefaultDERControl after the base, as text. */
  readonly settings?: string | undefined;
}

export interface UtilityCurve {
  readonly id: number;
  readonly mrid: string;
  readonly curveType: number;
  readonly xml: string;
}

export interface UtilityProgram {
  readonly id: number;
  readonly mrid: string;
  primacy: number;
  fsaId: number;
  /** Devices that see it; all unless told. */
  readonly devices: readonly number[] | undefined;
  readonly tag?: string | undefined;
  readonly controls: UtilityControl[];
  readonly curves: UtilityCurve[];
  default: UtilityDefault | undefined;
}

export interface UtilityInterval extends UtilityEvent {
  readonly rateComponent: number;
  /** Price and the consumption at which it begins, by block. */
  readonly blocks: readonly { readonly price: number; readonly startValue: number }[];
}

export interface UtilityRateComponent {
  readonly id: number;
  readonly mrid: string;
  readonly tag?: string | undefined;
  readonly readingType: Readonly<Record<string, number>>;
}

export interface UtilityTariff {
  readonly id: number;
  readonly mrid: string;
  readonly primacy: number;
  readonly fsaId: number;
  readonly priceMultiplier: number;
  readonly rateComponents: UtilityRateComponent[];
  readonly intervals: UtilityInterval[];
}

/** What a client has PUT below an EndDevice, by its path: `der/1/dercap`, `cp`, `di`, `dstat` … */
export interface UtilityDevice {
  /** 0 is the aggregator's own. */
  readonly id: number;
  readonly lfdi: string;
  readonly sfdi: string;
  pin: string | undefined;
  deviceCategory: string | undefined;
  readonly put: Map<string, { readonly node: XmlElement; readonly body: string; readonly at: number }>;
  readonly posted: Map<string, XmlElement[]>;
  removed: boolean;
}

export interface UtilityMirror {
  readonly id: number;
  readonly lfdi: string;
  node: XmlElement;
  /** By the MirrorMeterReading's mRID. */
  readonly meterReadings: Map<string, { type: XmlElement | undefined; readonly readings: Map<number, UtilityReading> }>;
}

export interface UtilityReading {
  readonly start: number;
  readonly duration: number;
  readonly value: number;
  readonly at: number;
}

export interface UtilityResponse {
  readonly device: number;
  readonly set: string;
  readonly subject: string;
  readonly status: number;
  readonly endDeviceLfdi: string;
  readonly createdDateTime: number;
  readonly at: number;
}

export interface UtilitySubscription {
  readonly id: number;
  readonly device: number;
  readonly resource: string;
  readonly notificationUri: string;
  /** Items that a Notification may carry; 0 asks for a bare notice (IEEE 2030.5-2018, Subscription.limit). */
  readonly limit: number;
}

/** Poll and post rates, seconds. */
export interface Rates {
  dcap: number;
  edev: number;
  fsa: number;
  der: number;
  derp: number;
  mup: number;
  tp: number;
  tti: number;
  edevPost: number;
}
