import type { Link, ListLink } from '../types.generated.ts';

/** Where a 2030.5 server that carries the extension answers with a GridTokenXCapability. */
export const extensionPath = '/.well-known/gridtokenx';

/** The terms that stand beside a FlowReservationRequest, which has no price of its own. */
export interface OfferTerms {
  readonly href?: string | undefined;
  /** mRID of the FlowReservationRequest that these terms belong to. */
  readonly mRID: Uint8Array;
  /** Lowest price of an offer, highest price of a bid; micro-units of the settlement token per kWh, UInt32. */
  readonly priceLimit: number;
}

/** A page of OfferTerms (query `s`, `l`), ordered by mRID descending. */
export interface OfferTermsList {
  readonly href?: string | undefined;
  readonly all: number;
  readonly results: number;
  readonly OfferTerms?: readonly OfferTerms[] | undefined;
}

/** The entry to the extension's resources. */
export interface GridTokenXCapability {
  readonly href?: string | undefined;
  /** The requesting device's own list; terms are POSTed to it. */
  readonly OfferTermsListLink?: ListLink | undefined;
  /** The DeviceCapability of the same server. */
  readonly DeviceCapabilityLink?: Link | undefined;
}

export interface ExtensionDocuments {
  readonly OfferTerms: OfferTerms;
  readonly OfferTermsList: OfferTermsList;
  readonly GridTokenXCapability: GridTokenXCapability;
}
