import { GridError } from '#hal/errors.ts';
import { extensionPath, type GridTokenXCapability } from '#ieee2030_5/ext/types.ts';
import { formatLfdi, type Lfdi } from '#ieee2030_5/identity.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';
import { type Connection, RefusedError } from './connection.ts';

/** Where a board's resources are, found by following links from the DeviceCapability. */
export interface Resources {
  readonly self: EndDevice;
  /** Server time minus the board's time, seconds. */
  readonly timeOffset: number;
  readonly mirrorUsagePoints: string;
  readonly requests: string | undefined;
  readonly responses: string | undefined;
  /** Our extension's OfferTerms list, where the server has it. */
  readonly offerTerms: string | undefined;
}

const pageLimit = 255;

export const missing = (what: string): GridError =>
  new GridError('GTX-SEP-004', `The server does not offer ${what} to this device`, {
    hint: 'Check that the device is registered at the head-end under this LFDI.',
  });

/** dcap → tm → edev (own, by LFDI) → mup; IEEE 2030.5-2018 §10. Only links are followed. */
export async function discover(connection: Connection, dcapHref: string, lfdi: Lfdi, now: number): Promise<Resources> {
  const dcap = await connection.get(dcapHref, 'DeviceCapability');
  if (dcap.TimeLink === undefined) throw missing('Time');
  if (dcap.EndDeviceListLink === undefined) throw missing('EndDevices');
  if (dcap.MirrorUsagePointListLink === undefined) throw missing('MirrorUsagePoints');
  const time = await connection.get(dcap.TimeLink.href, 'Time');
  const self = await findSelf(connection, dcap.EndDeviceListLink.href, lfdi);
  return {
    self,
    timeOffset: Number(time.currentTime) - now,
    mirrorUsagePoints: dcap.MirrorUsagePointListLink.href,
    requests: self.FlowReservationRequestListLink?.href,
    responses: self.FlowReservationResponseListLink?.href,
    offerTerms: (await findExtension(connection, [404]))?.OfferTermsListLink?.href,
  };
}

async function findSelf(connection: Connection, href: string, lfdi: Lfdi): Promise<EndDevice> {
  for (let start = 0; ; start += pageLimit) {
    const list = await connection.get(`${href}?s=${start}&l=${pageLimit}`, 'EndDeviceList');
    const devices = list.EndDevice ?? [];
    const own = devices.find((device) => device.lFDI !== undefined && formatLfdi(device.lFDI) === lfdi);
    if (own !== undefined) return own;
    if (devices.length === 0 || start + devices.length >= list.all) throw missing(`an EndDevice with LFDI ${lfdi}`);
  }
}

/** Where a server has our extension it says so at its well-known path (RFC 8615); others answer one of `absent`. */
export async function findExtension(
  connection: Pick<Connection, 'get'>,
  absent: readonly number[],
): Promise<GridTokenXCapability | undefined> {
  try {
    return await connection.get(extensionPath, 'GridTokenXCapability');
  } catch (error) {
    if (error instanceof RefusedError && absent.includes(error.status)) return undefined;
    throw error;
  }
}
