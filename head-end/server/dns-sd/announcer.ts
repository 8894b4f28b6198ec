import type { Answer } from 'dns-packet';
import createMulticastDns, { type MulticastDNS } from 'multicast-dns';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { ipv6Interface } from '#hal/ipv6-interface.ts';
import { deadline } from '#hal/wall.ts';
import { type AnnouncedServer, answersTo, serviceRecords } from './service-records.ts';

export interface AnnouncerOptions {
  /** `local`: mDNS on the link (RFC 6762). `site`: xmDNS over the whole site, FF05::FB (IEEE 2030.5-2018 §7). */
  readonly scope: 'local' | 'site';
  readonly server: AnnouncedServer;
  /** The path of the EndDevice of an SFDI, if the server holds it. */
  readonly endDeviceOf: (sfdi: number) => string | undefined;
  /** Address of the interface, `::%eth0` by IPv6; where it is not given all, by IPv6 the first that leads out. */
  readonly interface?: string;
  /** Another multicast address and port than the standard's. */
  readonly group?: string;
  readonly groupPort?: number;
  readonly log: Log;
}

const groups = { local: '224.0.0.251', site: 'ff05::fb' } as const;
/** RFC 6762 §8.3: told twice, a second apart, since multicast gets lost. */
const repeatedAfterMs = 1_000;

const unusable = (reason: string, cause: unknown): GridError =>
  new GridError('GTX-DSD-001', `The head-end cannot be announced by DNS-SD: ${reason}`, {
    hint: 'Check the address of the interface, and that no program keeps UDP port 5353 to itself.',
    cause,
  });

/** Announces the server by DNS-SD, answers those who look for it, and says goodbye. */
export class Announcer implements AsyncDisposable {
  readonly #options: AnnouncerOptions;
  #dns: MulticastDNS | undefined;
  #repetition: Disposable | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Rejects with `GTX-DSD-001` when the interface or the port cannot be used. */
  async start(): Promise<void> {
    const { scope, group = groups[scope], groupPort = 5353, log } = this.#options;
    const isV6 = group.includes(':');
    const on = this.#options.interface ?? (isV6 ? ipv6Interface() : undefined);
    if (isV6 && on === undefined) throw unusable('this machine has no IPv6 address', undefined);
    const dns = createMulticastDns({
      type: isV6 ? 'udp6' : 'udp4',
      // Bound to an interface's own address, a socket hears no multicast.
      bind: isV6 ? '::' : '0.0.0.0',
      ip: group,
      port: groupPort,
      ...(on !== undefined && { interface: on }),
    });
    dns.on('error', (error: unknown) => log.warn({ reason: reasonOf(error) }, 'DNS-SD failed'));
    await new Promise<void>((resolve, reject) => {
      dns.once('ready', resolve);
      dns.once('error', (error: unknown) => {
        dns.destroy();
        reject(unusable(reasonOf(error), error));
      });
    });
    dns.on('query', ({ questions = [] }) => {
      const { answers, additionals } = answersTo(questions, this.#recordsFor(questions));
      if (answers.length > 0) dns.respond({ answers: [...answers], additionals: [...additionals] });
    });
    this.#dns = dns;
    const announce = (): void => dns.respond({ answers: [...this.#general()] });
    announce();
    this.#repetition = deadline(repeatedAfterMs, announce);
  }

  /** Records with no time to live take back what was announced (RFC 6762 §10.1). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#repetition?.[Symbol.dispose]();
    const dns = this.#dns;
    if (dns === undefined) return;
    this.#dns = undefined;
    const goodbye = this.#general().map((record): Answer => ({ ...record, ttl: 0 }) as Answer);
    await new Promise<void>((resolve) => {
      dns.respond({ answers: goodbye }, () => resolve());
    });
    await new Promise<void>((resolve) => {
      dns.destroy(() => resolve());
    });
  }

  #general(): readonly Answer[] {
    return serviceRecords(this.#options.server, this.#options.scope);
  }

  /** What is announced to all, and where the EndDevices are that are asked for. */
  #recordsFor(questions: readonly { readonly name: string }[]): readonly Answer[] {
    const { server, endDeviceOf, scope } = this.#options;
    const own: Record<string, string> = {};
    for (const { name } of questions) {
      const digits = /(?:^|-)edev-(\d{12})\./i.exec(name)?.[1];
      const path = digits === undefined ? undefined : endDeviceOf(Number(digits));
      if (path !== undefined) own[`edev-${digits}`] = path;
    }
    return serviceRecords({ ...server, subtypes: { ...server.subtypes, ...own } }, scope);
  }
}
