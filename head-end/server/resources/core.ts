import type { Clock } from '#hal/clock.ts';
import { lfdiBytes } from '#ieee2030_5/identity.ts';
import { pageOf, parseListQuery } from '#ieee2030_5/list.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import { forbidden, notFound, ok, type SepRequest } from '../exchange.ts';
import type { Router } from '../router.ts';

/** Seconds between a board's posts, suggested to it. */
export const postRate = 15;
const pollRate = 300;

/** The device of a path, if the requester may see it: its own only. */
export const ownDevice = (request: SepRequest): Device | undefined =>
  request.params['device'] === String(request.device.id) ? request.device : undefined;

const endDevice = (device: Device): EndDevice => ({
  href: `/edev/${device.id}`,
  lFDI: lfdiBytes(device.lfdi),
  sFDI: device.sfdi,
  changedTime: BigInt(device.registeredAt),
  enabled: true,
  FlowReservationRequestListLink: { href: `/edev/${device.id}/frq` },
  FlowReservationResponseListLink: { href: `/edev/${device.id}/frp` },
  postRate,
});

/** DeviceCapability, Time and EndDevice (IEEE 2030.5-2018 §10.2, §10.3, §10.4). */
export function addCoreResources(router: Router, clock: Clock): void {
  router.add('/dcap', {
    GET: () =>
      ok('DeviceCapability', {
        href: '/dcap',
        pollRate,
        TimeLink: { href: '/tm' },
        EndDeviceListLink: { href: '/edev', all: 1 },
        MirrorUsagePointListLink: { href: '/mup' },
      }),
  });
  router.add('/tm', {
    GET: () =>
      ok('Time', {
        href: '/tm',
        pollRate,
        currentTime: BigInt(clock.now()),
        dstEndTime: 0n,
        dstOffset: 0,
        dstStartTime: 0n,
        // 7: intentionally uncoordinated, the time of a campus that may be virtual.
        quality: 7,
        tzOffset: 0,
      }),
  });
  router.add('/edev', {
    GET: ({ device, query }) => {
      const { items, all, results } = pageOf([endDevice(device)], parseListQuery(query));
      return ok('EndDeviceList', { href: '/edev', pollRate, all, results, EndDevice: items });
    },
  });
  router.add('/edev/:device', {
    GET: (request) => {
      const device = ownDevice(request);
      if (device !== undefined) return ok('EndDevice', endDevice(device));
      return /^\d+$/.test(request.params['device'] ?? '') ? forbidden : notFound;
    },
  });
}
