import { type Static, Type } from 'typebox';
import { EventCurrentStatus } from '#ieee2030_5/enumerations.ts';
import { formatMrid } from '#ieee2030_5/identity.ts';
import type { JsonObject } from '#ieee2030_5/json.ts';
import type { DERControlBase, Event, RandomizableEvent, RootName, Roots } from '#ieee2030_5/types.generated.ts';
import { endOf } from '../../server/event-states.ts';
import type { StoredResource } from '../../server/resource-store.ts';
import { checkConnectionPoint, deviceOf } from './device-json.ts';
import { demands, documentOf } from './document-body.ts';
import { type DocumentKind, words } from './document-kinds.ts';
import type { OperatorParts } from './operation.ts';
import { conflict, unfit } from './refusals.ts';

/** An owned document without the member that names its owner. */
export function ownerOf(
  { isOwned }: DocumentKind,
  body: unknown,
  { registry }: OperatorParts,
): { readonly body: unknown; readonly owner: number | undefined } {
  if (isOwned !== true || typeof body !== 'object' || body === null) return { body, owner: undefined };
  const { device, ...document } = body as JsonObject;
  const owner = typeof device === 'string' ? deviceOf(registry, device, '/device') : undefined;
  if (owner === undefined)
    throw unfit('/device', 'a device is missing', 'Name the device that is to see it by its id.');
  return { body: document, owner: owner.id };
}

/** Of OneHourRangeType, which the schema tells in words only; seconds. */
const hour = 3600;

/** The document of a body, with what it refers to there, and not yet over. */
export function prepared(
  kind: DocumentKind,
  body: unknown,
  present: StoredResource | undefined,
  { clock, sep }: OperatorParts,
): Roots[RootName] {
  const document = documentOf({ kind, body, present, now: clock.now() });
  const { DERControlBase: base = {} } = document as { readonly DERControlBase?: DERControlBase };
  for (const [mode, value] of Object.entries(base) as [string, { readonly href?: string }][]) {
    const { href } = value;
    if (typeof href !== 'string' || !href.startsWith('/') || sep.store.get(href)?.name === 'DERCurve') continue;
    throw unfit(`/DERControlBase/${mode}/href`, `there is no DERCurve ${href}`, 'POST the curve first.');
  }
  const { connectionPointId } = document as Partial<Roots['ConnectionPoint']>;
  if (connectionPointId !== undefined) checkConnectionPoint(connectionPointId);
  const { randomizeStart, randomizeDuration } = document as RandomizableEvent;
  for (const [member, range] of Object.entries({ randomizeStart, randomizeDuration })) {
    if (range === undefined || Math.abs(range) <= hour) continue;
    throw unfit(`/${member}`, `${range} is beyond an hour`, 'OneHourRangeType goes from -3600 to 3600 s.');
  }
  if (demands(kind, 'EventStatus') && endOf(document as Event) <= clock.now()) {
    const hint = `It is ${clock.now()} now, Unix seconds of the head-end.`;
    throw unfit('/interval', 'it ends before it is there', hint);
  }
  return document;
}

/** An mRID names one object in all the world. */
export function requireNew({ name }: DocumentKind, document: Roots[RootName], { sep: { store } }: OperatorParts): void {
  const { mRID } = document as { readonly mRID?: Uint8Array };
  if (mRID === undefined) return;
  const wanted = formatMrid(mRID);
  for (const list of store.lists()) {
    const items = store.items(list);
    if (items[0]?.name !== name) continue;
    const known = items.find((item) => formatMrid((item.document as { mRID: Uint8Array }).mRID) === wanted);
    if (known === undefined) continue;
    throw conflict(
      `The mRID ${wanted.toUpperCase()} is that of ${known.href}`,
      'Leave it out: the head-end makes one.',
    );
  }
}

export const CancelSchema = Type.Object(
  {
    randomized: Type.Optional(
      Type.Boolean({ description: 'Devices end it at random, within the larger of its randomisations' }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 192, description: 'Told to devices with its status' })),
  },
  { additionalProperties: false, title: 'Cancellation' },
);

/** The event with its cancellation from now on (IEEE 2030.5-2018, EventStatus); `GTX-OPR-003` when it is over. */
export function cancelled(
  kind: DocumentKind,
  resource: StoredResource,
  { randomized = false, reason }: Static<typeof CancelSchema>,
  { clock, sep }: OperatorParts,
): Roots[RootName] {
  const event = resource.document as Event;
  const { currentStatus } = sep.events.statusOf(resource);
  const isOpen = currentStatus === EventCurrentStatus.scheduled || currentStatus === EventCurrentStatus.active;
  if (!isOpen || endOf(event) <= clock.now()) {
    throw conflict(`The ${words(kind)} ${resource.href} is over`, 'Only what is to come or goes on can be cancelled.');
  }
  const status = {
    currentStatus: randomized ? EventCurrentStatus.cancelledWithRandomization : EventCurrentStatus.cancelled,
    dateTime: BigInt(clock.now()),
    potentiallySuperseded: false,
    ...(reason !== undefined && { reason }),
  };
  return { ...event, EventStatus: status };
}
