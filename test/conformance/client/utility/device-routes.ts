import type { RawAnswer, RawRequest } from '../raw-server.ts';
import { readDocument } from '../../xml.ts';
import { document } from '../xml.ts';
import { derOf, deviceOf, subscriptionOf } from './documents.ts';
import { created, deviceHandlers, listDocument, noContent, notFound, rooted, type Route, xml } from './routing.ts';
import type { UtilityDevice } from './state.ts';
import type { Utility } from './utility.ts';

/** The document at a path as a client of that LFDI sees it; `undefined` where there is none. */
export type ReadResource = (path: string, lfdi: string) => string | undefined;

/** What an EndDevice's client may PUT below it, by the last part of the path. */
const writable: Readonly<Record<string, string>> = {
  cp: 'ConnectionPoint',
  di: 'DeviceInformation',
  dstat: 'DeviceStatus',
  ps: 'PowerStatus',
  'der/1/dercap': 'DERCapability',
  'der/1/derg': 'DERSettings',
  'der/1/ders': 'DERStatus',
  'der/1/dera': 'DERAvailability',
};

/** What lies below an EndDevice but its programs and prices. */
export function deviceRoutes(utility: Utility, read: ReadResource): Route[] {
  const forDevice = deviceHandlers(utility);
  return [
    ['GET', /^\/edev\/(\d+)$/, forDevice((device) => rooted(deviceOf(utility, device)))],
    ['PUT', /^\/edev\/(\d+)$/, forDevice((device, { body }) => update(utility, device, body))],
    [
      'GET',
      /^\/edev\/(\d+)\/rg$/,
      forDevice(({ id, pin }) =>
        utility.hasRegistrationLinks
          ? xml(
              document(
                'Registration',
                { href: `/edev/${id}/rg`, pollRate: 900 },
                `<dateTimeRegistered>${utility.now()}</dateTimeRegistered><pIN>${pin ?? '111115'}</pIN>`,
              ),
            )
          : notFound,
      ),
    ],
    [
      'PUT',
      /^\/edev\/(\d+)\/(cp|di|dstat|ps|der\/1\/(?:dercap|derg|ders|dera))$/,
      forDevice((device, { body }, [, path = '']) => {
        const node = readDocument(body);
        if (node.name !== writable[path]) return { status: 400 };
        device.put.set(path, { node, body, at: utility.now() });
        return noContent;
      }),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/(cp|di|dstat|ps|der\/1\/(?:dercap|derg|ders|dera))$/,
      forDevice((device, _request, [, path = '']) =>
        device.put.has(path) ? xml(device.put.get(path)?.body ?? '') : notFound,
      ),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/der$/,
      forDevice(({ id }, { query }) =>
        xml(listDocument('DERList', `/edev/${id}/der`, [derOf(id)], query, { pollRate: utility.rates.der })),
      ),
    ],
    ['GET', /^\/edev\/(\d+)\/der\/1$/, forDevice(({ id }) => rooted(derOf(id)))],
    [
      'POST',
      /^\/edev\/(\d+)\/lel$/,
      forDevice((device, { body }) => {
        const events = device.posted.get('lel') ?? [];
        events.push(readDocument(body));
        device.posted.set('lel', events);
        return created(`/edev/${device.id}/lel/${events.length}`);
      }),
    ],
    [
      'POST',
      /^\/edev\/(\d+)\/rsps\/(\w+)\/rsp$/,
      forDevice((device, request, [, set = '']) => takeResponse(utility, device, request, set)),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/sub$/,
      ({ query }, [id = '']) =>
        xml(
          listDocument(
            'SubscriptionList',
            `/edev/${id}/sub`,
            utility.subscriptions.filter(({ device }) => device === Number(id)).map(subscriptionOf),
            query,
          ),
        ),
    ],
    ['POST', /^\/edev\/(\d+)\/sub$/, (request, [id = '']) => subscribe(utility, read, Number(id), request)],
    [
      'DELETE',
      /^\/edev\/(\d+)\/sub\/(\d+)$/,
      (_request, [, id = '']) => {
        const index = utility.subscriptions.findIndex((subscription) => subscription.id === Number(id));
        if (index < 0) return notFound;
        utility.subscriptions.splice(index, 1);
        return noContent;
      },
    ],
  ];
}

function update(utility: Utility, device: UtilityDevice, body: string): RawAnswer {
  const node = readDocument(body);
  device.deviceCategory = node.value('deviceCategory') ?? device.deviceCategory;
  device.put.set('edev', { node, body, at: utility.now() });
  return noContent;
}

function takeResponse(utility: Utility, device: UtilityDevice, { body }: RawRequest, set: string): RawAnswer {
  const node = readDocument(body);
  const subject = (node.value('subject') ?? '').toUpperCase();
  const endDeviceLfdi = (node.value('endDeviceLFDI') ?? '').toUpperCase();
  // Who answers is the device, and what is answered is an event of this utility.
  if (!node.name.endsWith('Response') || endDeviceLfdi !== device.lfdi || !utility.hasEvent(subject)) {
    return { status: 400 };
  }
  utility.responses.push({
    device: device.id,
    set,
    subject,
    status: node.number('status') ?? -1,
    endDeviceLfdi,
    createdDateTime: node.number('createdDateTime') ?? 0,
    at: utility.now(),
  });
  return created(`/edev/${device.id}/rsps/${set}/rsp/${utility.responses.length}`);
}

function subscribe(utility: Utility, read: ReadResource, device: number, { body, lfdi }: RawRequest): RawAnswer {
  const node = readDocument(body);
  const subscribed = node.value('subscribedResource');
  const notificationUri = node.value('notificationURI');
  if (node.name !== 'Subscription' || subscribed === undefined || notificationUri === undefined) return { status: 400 };
  const href = new URL(subscribed, 'https://server').pathname;
  if (read(href, lfdi) === undefined && !href.endsWith('/dderc')) return { status: 400 };
  // One subscription a resource and client: a second one takes the place of the first (§5.9.2).
  const existing = utility.subscriptions.findIndex((other) => other.device === device && other.resource === href);
  const id = existing >= 0 ? (utility.subscriptions[existing]?.id ?? 0) : utility.newId();
  const subscription = { id, device, resource: href, notificationUri, limit: node.number('limit') ?? 0 };
  if (existing >= 0) utility.subscriptions[existing] = subscription;
  else utility.subscriptions.push(subscription);
  return created(`/edev/${device}/sub/${id}`);
}
