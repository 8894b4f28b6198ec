import type { Log } from '#hal/log.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type { AnnounceConfig } from '../../protocol.ts';
import type { Registry } from '../../registry/devices.ts';
import { Announcer } from './announcer.ts';

/** The function sets that may be asked for, and where they are (IEEE 2030.5-2018 §7.5, Table 17). */
const subtypes = {
  bill: '/bill',
  derp: '/derp',
  dr: '/dr',
  edev: '/edev',
  file: '/file',
  msg: '/msg',
  mup: '/mup',
  rsps: '/rsps',
  sdev: '/sdev',
  tm: '/tm',
  tp: '/tp',
  upt: '/upt',
} as const;

export interface AnnouncersOptions {
  readonly lfdi: Lfdi;
  readonly port: number;
  readonly registry: Registry;
  readonly log: Log;
}

/** One announcer for each scope that a head-end is to be announced in. */
export function announcersOf(
  { announce }: { readonly announce?: AnnounceConfig },
  { lfdi, port, registry, log }: AnnouncersOptions,
): readonly Announcer[] {
  if (announce === undefined) return [];
  const { scopes, address, interface: on, port: groupPort = 5353 } = announce;
  const server = { lfdi, address, port, dcap: '/dcap', subtypes };
  const endDeviceOf = (sfdi: number): string | undefined => {
    const id = registry.all().find((device) => device.sfdi === sfdi)?.id;
    return id === undefined ? undefined : `/edev/${id}`;
  };
  return scopes.map(
    (scope) =>
      new Announcer({ scope, server, endDeviceOf, log, groupPort, ...(on !== undefined && { interface: on }) }),
  );
}
