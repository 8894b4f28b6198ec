import type { Answer } from 'dns-packet';
import createMulticastDns from 'multicast-dns';
import { GridError, reasonOf } from '#hal/errors.ts';
import { ipv6Interface } from '#hal/ipv6-interface.ts';
import { delay } from '#hal/wall.ts';
import { type FoundServer, openQuestions, serversOf } from './dns-sd-records.ts';

export interface DnsSdOptions {
  /**
   * `local`: mDNS on the link (RFC 6762, 224.0.0.251). `site`: xmDNS over the whole site, names end in `.site.`
   * (IEEE 2030.5-2018 §7, FF05::FB).
   */
  readonly scope: 'local' | 'site';
  /** The function set whose servers are asked for: `edev` for EndDevices. All servers where it is not given. */
  readonly subtype?: string;
  /** Address of the interface to ask on, `::%eth0` by IPv6; where it is not given all, by IPv6 the first that leads out. */
  readonly interface?: string;
  /** Another multicast address and port than the standard's. */
  readonly address?: string;
  readonly port?: number;
  /** How long answers are awaited, ms of wall time. Default 3000. */
  readonly windowMs?: number;
}

/** How often the question is repeated within the window: multicast gets lost. */
const repetitions = 3;
/** Records kept of one search: a noisy link must not fill the memory. */
const maxRecords = 2_000;
const service = '_smartenergy._tcp';

const scopes = {
  local: { domain: 'local', address: '224.0.0.251' },
  site: { domain: 'site', address: 'ff05::fb' },
} as const;

/**
 * Looks for 2030.5 servers by DNS-SD (IEEE 2030.5-2018 §7, RFC 6763); the best first, secured before unsecured. None:
 * an empty list. Rejects with `GTX-SEP-013` when the interface cannot be used.
 */
export async function findServers(options: DnsSdOptions): Promise<readonly FoundServer[]> {
  const { scope, subtype, windowMs = 3_000 } = options;
  const { domain, address } = scopes[scope];
  const ip = options.address ?? address;
  const isV6 = ip.includes(':');
  const records: Answer[] = [];
  let failure: unknown;
  const on = options.interface ?? (isV6 ? ipv6Interface() : undefined);
  if (isV6 && on === undefined) throw unusable('this machine has no IPv6 address', undefined);
  const dns = createMulticastDns({
    type: isV6 ? 'udp6' : 'udp4',
    // Bound to an interface's own address, a socket hears no multicast.
    bind: isV6 ? '::' : '0.0.0.0',
    ip,
    port: options.port ?? 5353,
    ...(on !== undefined && { interface: on }),
  });
  const fail = (error: unknown): void => {
    failure ??= error;
  };
  dns.on('error', fail);
  // A group that cannot be joined on the interface.
  if (options.interface !== undefined) dns.on('warning', fail);
  dns.on('response', ({ answers = [], additionals = [] }) => {
    for (const record of [...answers, ...additionals]) if (records.length < maxRecords) records.push(record);
  });
  try {
    // The standard writes subtypes without an underscore (§7.5), DNS-SD's custom has one (RFC 6763 §7.1): both are met.
    const prefixes = subtype === undefined ? [''] : [`${subtype}._sub.`, `_${subtype}._sub.`];
    const asked = prefixes.map((prefix) => ({ name: `${prefix}${service}.${domain}`, type: 'PTR' as const }));
    for (let n = 0; n < repetitions; n++) {
      dns.query({ questions: [...asked, ...openQuestions(records)] });
      await delay(windowMs / (2 * repetitions));
      // What the first answers left open, without waiting for the next round.
      const open = openQuestions(records);
      if (open.length > 0) dns.query({ questions: open });
      await delay(windowMs / (2 * repetitions));
    }
  } finally {
    await new Promise<void>((resolve) => {
      dns.destroy(resolve);
    });
  }
  if (failure !== undefined) throw unusable(reasonOf(failure), failure);
  return serversOf(records);
}

const unusable = (reason: string, cause: unknown): GridError =>
  new GridError('GTX-SEP-013', `Cannot look for servers by DNS-SD: ${reason}`, {
    hint: 'Check the interface and the port, or give the address of the server.',
    cause,
  });

/**
 * The DeviceCapability of the best secured server that DNS-SD finds: what a client is started with where no address
 * is given. Rejects with `GTX-SEP-014` where there is none.
 */
export async function findServerUrl(options: DnsSdOptions): Promise<string> {
  const servers = await findServers(options);
  const server = servers.find(({ isSecured }) => isSecured);
  if (server !== undefined) return server.url;
  throw new GridError('GTX-SEP-014', `No secured 2030.5 server was found in .${scopes[options.scope].domain}`, {
    hint: 'Check that the server announces itself, that multicast passes between it and here, or give its address.',
  });
}
