import { extensionPath } from '#ieee2030_5/ext/types.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import type { MarketDesk } from '../../market/desk.ts';
import { created, ok } from '../exchange.ts';
import type { Router } from '../router.ts';

/** Our extension: where it is found, and the price limits of flow reservations (`/gtx`). */
export function addExtensionResources(router: Router, desk: MarketDesk): void {
  router.add(extensionPath, {
    GET: () =>
      ok('GridTokenXCapability', {
        href: extensionPath,
        OfferTermsListLink: { href: '/gtx/offers' },
      }),
  });
  router.add('/gtx/offers', {
    POST: ({ device, body }) => {
      const { mRID, priceLimit } = parseAs('OfferTerms', body);
      desk.offerTerms(device.meterId, formatMrid(mRID), priceLimit);
      return created(`/gtx/offers/${formatMrid(mRID)}`);
    },
  });
}
