import type { RawAnswer, RawRequest } from '../raw-server.ts';
import { readDocument } from '../../xml.ts';
import { document, link } from '../xml.ts';
import { deviceOf, timeOf } from './documents.ts';
import { created, listDocument, mayAct, rooted, type Route, xml } from './routing.ts';
import type { UtilityDevice } from './state.ts';
import type { Utility } from './utility.ts';

/** What a client begins with: where everything is, the time, and the EndDevices. */
export function clientRoutes(utility: Utility): Route[] {
  const { rates } = utility;
  const seen = (lfdi: string): UtilityDevice[] =>
    utility.devices
      .filter((device) => !device.removed && (utility.showsAllDevices || mayAct(utility, lfdi, device)))
      .toSorted((a, b) => Number(a.sfdi) - Number(b.sfdi));
  return [
    ['GET', /^\/\.well-known\/csipaus$/, () => wellKnownFile(utility)],
    [
      'GET',
      /^\/dcap$/,
      ({ lfdi }) =>
        xml(
          document(
            'DeviceCapability',
            { href: '/dcap', pollRate: rates.dcap },
            link('TimeLink', '/tm'),
            link('EndDeviceListLink', '/edev', seen(lfdi).length),
            link('MirrorUsagePointListLink', '/mup', utility.mirrors.length),
          ),
        ),
    ],
    ['GET', /^\/tm$/, () => rooted(timeOf(utility.now() + utility.timeOffset, utility.timeQuality, rates.dcap))],
    [
      'GET',
      /^\/edev$/,
      ({ lfdi, query }) =>
        xml(
          listDocument(
            'EndDeviceList',
            '/edev',
            seen(lfdi).map((device) => deviceOf(utility, device)),
            query,
            { pollRate: rates.edev, isSubscribable: utility.isSubscribable },
          ),
        ),
    ],
    ['POST', /^\/edev$/, (request) => registerInBand(utility, request)],
  ];
}

function wellKnownFile(utility: Utility): RawAnswer {
  const { wellKnown, hasWellKnown } = utility;
  if (!hasWellKnown) return { status: 410 };
  const versions = Object.fromEntries([...wellKnown].map(([version, dcap]) => [version, { dcap }]));
  return {
    status: 200,
    body: JSON.stringify({ supportedSchemaVersions: versions }),
    headers: { 'content-type': 'application/json' },
  };
}

function registerInBand(utility: Utility, { lfdi, body }: RawRequest): RawAnswer {
  const node = readDocument(body);
  if (node.name !== 'EndDevice') return { status: 400 };
  if (!utility.isInBandOpen) return { status: 403 };
  const named = (node.value('lFDI') ?? lfdi).toUpperCase();
  const isAggregator = utility.devices.some((device) => device.id === 0 && device.lfdi === lfdi);
  if (named !== lfdi && !isAggregator) return { status: 403 };
  const existing = utility.devices.find((device) => device.lfdi === named && !device.removed);
  const device = existing ?? utility.register(named, undefined);
  device.deviceCategory = node.value('deviceCategory');
  device.put.set('edev', { node, body, at: utility.now() });
  return created(`/edev/${device.id}`, existing === undefined ? 201 : 204);
}
