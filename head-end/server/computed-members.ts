import type { RootName, Roots } from '#ieee2030_5/types.generated.ts';

/** In the place of a link that is computed when the resource is served, and that the schema requires. */
export const linkToCome = { href: '' } as const;

const scheduled = (document: { readonly creationTime: bigint }): object => ({
  EventStatus: { currentStatus: 0, dateTime: document.creationTime, potentiallySuperseded: false },
});

/** What the schema requires of a document though only the server knows it, and an operator need not say it. */
const computed: { readonly [N in RootName]?: (document: Roots[N]) => object } = {
  DERControl: scheduled,
  EndDeviceControl: scheduled,
  TextMessage: scheduled,
  TimeTariffInterval: scheduled,
  // The content is kept here unless the operator names another place.
  File: () => ({ fileURI: '' }),
  RateComponent: () => ({ ReadingTypeLink: linkToCome, TimeTariffIntervalListLink: linkToCome }),
};

/** A document that can be written, though it came without the members that are computed when it is served. */
export function withComputedMembers<N extends RootName>(name: N, document: Roots[N]): Roots[N] {
  const members = computed[name]?.(document);
  return members === undefined ? document : ({ ...members, ...(document as object) } as Roots[N]);
}
