import { GridError } from '#hal/errors.ts';
import { ReasonCode, SubscribableType, SubscriptionEncoding } from '#ieee2030_5/enumerations.ts';
import type { Subscription } from '#ieee2030_5/types.generated.ts';
import {
  created,
  documentOf,
  done,
  errorResponse,
  notFound,
  replaced,
  type Principal,
  type SepRequest,
  type SepResponse,
} from '../exchange.ts';
import type { ServedResource } from '../presenter.ts';
import type { SepServices } from '../services.ts';
import type { Source } from '../source.ts';
import { storedDocument, storedList } from '../stored-source.ts';

/** Finds what a principal may GET at a path. */
export type Visible = (principal: Principal, href: string) => ServedResource | undefined;

const refuse = (message: string, hint: string): GridError => new GridError('GTX-SUB-001', message, { hint });

/**
 * Subscriptions (IEEE 2030.5-2018 §10.6.3): kept and listed here; notifications go out by them. A subscription to the
 * same resource and address takes the place of the one before it.
 */
export function subscriptionSources({ store }: SepServices, visible: Visible) {
  const { entries } = storedList(store, 'Subscription');
  const { read, remove } = storedDocument(store, 'Subscription');

  /** The subscription of a request, its subscribedResource as a path of ours; or what is wrong with it. */
  const checked = (request: SepRequest): Subscription | SepResponse => {
    const { value } = documentOf(request, 'Subscription');
    if (value.encoding !== SubscriptionEncoding.xml) throw refuse('Notifications are XML', 'Set encoding to 0.');
    if (!isAddress(value.notificationURI)) {
      throw refuse(
        `No notification can go to ${value.notificationURI}`,
        'notificationURI is an absolute https address.',
      );
    }
    const subscribedResource = pathOf(value.subscribedResource);
    const resource = visible(request.principal, subscribedResource);
    if (resource === undefined) throw refuse(`There is no ${subscribedResource} for this device`, 'Follow the links.');
    const { subscribable } = resource.kind;
    if (subscribable === undefined) throw refuse(`${subscribedResource} cannot be subscribed to`, 'Poll it.');
    const { Condition } = value;
    if (Condition === undefined) return { ...value, subscribedResource };
    if (subscribable !== SubscribableType.both || Condition.attributeIdentifier !== readingValue) {
      return errorResponse(400, ReasonCode.conditionalSubscriptionUnsupported);
    }
    if (Condition.lowerThreshold > Condition.upperThreshold) {
      throw refuse('The lowerThreshold is above the upperThreshold', 'Notifications come for values beyond either.');
    }
    return { ...value, subscribedResource };
  };

  return {
    SubscriptionList: {
      entries,
      post: async (request) => {
        const subscription = checked(request);
        if ('status' in subscription) return subscription;
        const owner = request.principal.device?.id;
        const same = store
          .items(request.href)
          .find((item) => item.owner === owner && isSame(item.document as Subscription, subscription));
        if (same !== undefined) {
          await store.put(same.href, 'Subscription', subscription);
          return replaced(same.href);
        }
        // Who subscribes may be the aggregator of the device: he is told what he sees himself.
        const options = owner === undefined ? {} : { owner };
        return created((await store.add(request.href, 'Subscription', subscription, options)).href);
      },
    },
    Subscription: {
      read,
      put: async (request) => {
        if (store.get(request.href) === undefined) return notFound;
        const subscription = checked(request);
        if ('status' in subscription) return subscription;
        await store.put(request.href, 'Subscription', subscription);
        return done;
      },
      remove,
    },
  } satisfies Readonly<Record<string, Source>>;
}

/** Condition.attributeIdentifier: the value of a Reading. There is no other. */
const readingValue = 0;

const isAddress = (text: string): boolean => URL.canParse(text) && new URL(text).protocol === 'https:';

/** The path of a URI reference, without query: what is subscribed to is the whole resource. */
const pathOf = (reference: string): string =>
  URL.canParse(reference, 'https://self') ? new URL(reference, 'https://self').pathname : reference;

const isSame = (a: Subscription, b: Subscription): boolean =>
  a.subscribedResource === b.subscribedResource && a.notificationURI === b.notificationURI;
