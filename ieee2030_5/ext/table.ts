import type { ProfileTable } from '../schema-table.ts';

/**
 * The extension's schema, by hand; `gridtokenx-ext-v1.xsd` is its published form. Everything is in our own
 * namespace, so that base documents stay pure 2030.5; links have the form of the base schema's.
 */
export const extensionTable: ProfileTable = {
  types: {
    Link: '||href:anyURI',
    ListLink: 'Link||all?:UInt32',
    OfferTerms: '|@mRID:HexBinary128 @priceLimit:UInt32|href?:anyURI',
    OfferTermsList: '|@OfferTerms*|href?:anyURI all:UInt32 results:UInt32',
    GridTokenXCapability: '|@DeviceCapabilityLink?:Link @OfferTermsListLink?:ListLink|href?:anyURI',
  },
  roots: {
    OfferTerms: 'OfferTerms',
    OfferTermsList: 'OfferTermsList',
    GridTokenXCapability: 'GridTokenXCapability',
  },
  additions: {},
};
