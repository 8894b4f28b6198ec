import { extensionPath } from '#ieee2030_5/ext/types.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type { MarketDesk } from '../../market/desk.ts';
import type { ExtensionResource } from '../engine.ts';
import { created, documentOf, forbidden, ok } from '../exchange.ts';

const offers = '/gtx/offers';

/** Our extension: where it is found, and the price limits of flow reservations (`/gtx`). */
export const extensionResources = (desk: MarketDesk): readonly ExtensionResource[] => [
  {
    rule: {
      id: 'GridTokenXCapability',
      path: extensionPath,
      root: 'GridTokenXCapability',
      whose: 'registered',
      methods: ['GET'],
    },
    handle: () => ok('GridTokenXCapability', { href: extensionPath, OfferTermsListLink: { href: offers } }),
  },
  {
    rule: { id: 'OfferTermsList', path: offers, root: 'OfferTermsList', whose: 'registered', methods: ['POST'] },
    handle: (request) => {
      const { device } = request.principal;
      if (device?.zone === undefined) return forbidden;
      const { mRID, priceLimit } = documentOf(request, 'OfferTerms').value;
      desk.offerTerms(device.meterId, formatMrid(mRID), priceLimit);
      return created(`${offers}/${formatMrid(mRID)}`);
    },
  },
];
