import { GridError } from '#hal/errors.ts';
import { ReasonCode } from '#ieee2030_5/enumerations.ts';
import { formatLfdi, type Lfdi, lfdiBytes, parseLfdi, sfdiOf } from '#ieee2030_5/identity.ts';
import { endDeviceOrder } from '#ieee2030_5/orderings.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import { created, documentOf, done, errorResponse, forbidden, replaced, type SepRequest } from '../exchange.ts';
import { isValidConnectionPointId } from '../connection-point.ts';
import type { SepServices } from '../services.ts';
import type { Entry, Source } from '../source.ts';
import { storedDocument } from '../stored-source.ts';

/** Seconds; what a device tells of itself and its DERs changes rarely, and changes are told at once. */
const endDevicePostRate = 300;
/** What one aggregator may fill the head-end's memory with. */
const maxDevicesPerAggregator = 10_000;

const refuse = (message: string, hint: string): GridError => new GridError('GTX-SRV-003', message, { hint });

const entryOf = (device: Device): Entry => ({
  href: `/edev/${device.id}`,
  name: 'EndDevice',
  document: {
    lFDI: lfdiBytes(device.lfdi),
    sFDI: device.sfdi,
    changedTime: BigInt(device.changedAt),
    deviceCategory: device.deviceCategory,
    enabled: true,
    postRate: device.postRate ?? endDevicePostRate,
  } satisfies EndDevice,
  changedAt: device.changedAt,
});

/** EndDevice, its registration, in-band and out-of-band, and CSIP-AUS's ConnectionPoint (IEEE 2030.5-2018 §10.4). */
export function endDeviceSources({ clock, registry, removeDevice, settings, store }: SepServices) {
  const deviceOf = (ids: readonly string[]): Device | undefined => registry.byId(Number(ids[0]));
  const connectionPoint = storedDocument(store, 'ConnectionPoint');

  const register = async (request: SepRequest) => {
    const { principal } = request;
    const { lfdi, deviceCategory } = identityOf(documentOf(request, 'EndDevice').value, principal.lfdi);
    if (!settings.current().inBandRegistration || registry.isBarred(lfdi)) return forbidden;
    const aggregator = lfdi === principal.lfdi ? undefined : principal.device;
    if (lfdi !== principal.lfdi && !isAggregator(principal)) return forbidden;
    if (registry.byLfdi(lfdi) !== undefined) throw refuse(`The LFDI ${lfdi} is registered`, 'GET its EndDevice.');
    if (aggregator !== undefined && principal.devices.length > maxDevicesPerAggregator) {
      return errorResponse(400, ReasonCode.resourceLimit);
    }
    const registration = { meterId: lfdi, name: lfdi, lfdi, at: clock.now(), deviceCategory };
    const device = await registry.register({ ...registration, aggregator: aggregator?.id });
    return created(`/edev/${device.id}`);
  };

  return {
    EndDeviceList: {
      count: ({ principal }) => principal.devices.length,
      entries: ({ principal }) =>
        principal.devices
          .map(entryOf)
          .toSorted((a, b) => endDeviceOrder(a.document as EndDevice, b.document as EndDevice)),
      post: register,
    },
    EndDevice: {
      read: ({ ids }) => {
        const device = deviceOf(ids);
        return device && entryOf(device);
      },
      put: async (request) => {
        const device = deviceOf(request.ids) as Device;
        const { lfdi, deviceCategory } = identityOf(documentOf(request, 'EndDevice').value, device.lfdi);
        if (lfdi !== device.lfdi) throw refuse(`The EndDevice is ${device.lfdi}, not ${lfdi}`, 'POST a new EndDevice.');
        await registry.update(device.id, { deviceCategory }, clock.now());
        return replaced(request.href);
      },
      remove: async ({ ids }) => {
        await removeDevice(Number(ids[0]), { barred: false });
        return done;
      },
    },
    Registration: {
      isLinked: ({ ids }) => deviceOf(ids)?.pin !== undefined,
      read: ({ href, ids }) => {
        const { pin, registeredAt } = deviceOf(ids) ?? {};
        if (pin === undefined || registeredAt === undefined) return undefined;
        const document = { dateTimeRegistered: BigInt(registeredAt), pIN: pin };
        return { href, name: 'Registration', document, changedAt: registeredAt };
      },
    },
    ConnectionPoint: {
      ...connectionPoint,
      // A building of ours is connected where its board file says.
      isLinked: ({ href, ids }) => deviceOf(ids)?.building === undefined || store.get(href) !== undefined,
      put: (request) => putConnectionPoint(request, connectionPoint.put),
      post: (request) => putConnectionPoint(request, connectionPoint.put),
    },
  } satisfies Readonly<Record<string, Source>>;
}

const isAggregator = ({ device, devices }: SepRequest['principal']): boolean =>
  device !== undefined && (device.isAggregator || devices.length > 1);

/** The LFDI that an EndDevice names, or that its SFDI stands for. */
function identityOf(
  { lFDI, sFDI, deviceCategory }: EndDevice,
  own: Lfdi,
): { readonly lfdi: Lfdi; readonly deviceCategory: Uint8Array | undefined } {
  if (lFDI !== undefined && lFDI.length !== 20) {
    throw refuse(`${formatLfdi(lFDI)} is not an LFDI`, 'An LFDI has 40 hexadecimal digits.');
  }
  const lfdi = lFDI === undefined ? own : parseLfdi(lFDI);
  if (sFDI !== sfdiOf(lfdi)) {
    throw refuse(`The SFDI of ${lfdi} is ${sfdiOf(lfdi)}, not ${sFDI}`, 'An SFDI is the first 36 bits of the LFDI.');
  }
  return { lfdi, deviceCategory };
}

function putConnectionPoint(
  request: SepRequest,
  put: NonNullable<Source['put']>,
): ReturnType<NonNullable<Source['put']>> {
  const { connectionPointId } = documentOf(request, 'ConnectionPoint').value;
  if (isValidConnectionPointId(connectionPointId)) return put(request);
  throw refuse(
    `${JSON.stringify(connectionPointId)} is not a connection point`,
    'A National Metering Identifier has ten letters and digits without I and O, and a check digit that may be left out.',
  );
}
