import type { DeviceCapability, SelfDevice, Time } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import type { SepResponse } from '../exchange.ts';
import type { Presenter } from '../presenter.ts';
import type { SepServices } from '../services.ts';
import type { Entry, Source } from '../source.ts';

/** DeviceCapability, Time and SelfDevice (IEEE 2030.5-2018 §10.2, §10.3, §10.5). */
export function discoverySources({ clock, settings, store, self }: SepServices, presenter: Presenter) {
  const capability: Entry = { href: '/dcap', name: 'DeviceCapability', document: {} satisfies DeviceCapability };
  /** The answer to each device, until anything changes: this is what clients ask for most. */
  const answers = new WeakMap<Device, { readonly version: number; readonly response: SepResponse }>();
  const answer = (principal: Parameters<Presenter['present']>[1]): SepResponse => ({
    status: 200,
    document: { name: 'DeviceCapability', value: presenter.present(capability, principal) },
    isReusable: principal.device !== undefined,
  });

  return {
    DeviceCapability: {
      get: ({ principal }) => {
        const { device } = principal;
        if (device === undefined) return answer(principal);
        const known = answers.get(device);
        if (known?.version === store.version) return known.response;
        const response = answer(principal);
        answers.set(device, { version: store.version, response });
        return response;
      },
    },
    Time: {
      read: () => ({
        href: '/tm',
        name: 'Time',
        document: {
          currentTime: BigInt(clock.now()),
          dstEndTime: 0n,
          dstOffset: 0,
          dstStartTime: 0n,
          quality: settings.current().timeQuality,
          tzOffset: 0,
        } satisfies Time,
      }),
    },
    SelfDevice: {
      read: () => ({
        href: '/sdev',
        name: 'SelfDevice',
        document: { lFDI: Uint8Array.from(Buffer.from(self.lfdi, 'hex')), sFDI: self.sfdi } satisfies SelfDevice,
      }),
    },
  } satisfies Readonly<Record<string, Source>>;
}
