import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { reasonOf } from '#hal/errors.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { AuthorityService } from '../authority-service.ts';
import { BoundedRefusals } from '../bounded-refusals.ts';
import type { FlashList } from '../enrolment/flash-list.ts';
import type { MarketDesk } from '../market/desk.ts';
import type { HeadEndConfig } from '../protocol.ts';
import type { SecurityLog } from '../security-log.ts';
import { announcersOf } from '../server/dns-sd/announcers.ts';
import { ExchangeLog } from '../server/exchange-log.ts';
import { KnownAuthorities } from '../server/known-authorities.ts';
import { Notifier } from '../server/notifications/notifier.ts';
import { SepResources } from '../server/sep-resources.ts';
import { SepServer, type SepServerOptions } from '../server/sep-server.ts';
import type { Opening } from './opening.ts';
import type { Stores } from './stores.ts';

/** The IEEE 2030.5 side: what is served, to whom, and by which authority they are known. */
export interface Sep {
  readonly sep: SepResources;
  readonly authorities: KnownAuthorities;
  readonly exchanges: ExchangeLog;
  readonly authority: AuthorityService | undefined;
  readonly notifier: Notifier;
  readonly sepPort: number;
  /** Of revocation lists and OCSP, where they are served. */
  readonly revocationPort: number | undefined;
}

export interface SepParts extends Stores {
  readonly desk: MarketDesk;
  readonly identity: DeviceIdentity;
  readonly securityLog: SecurityLog;
  readonly flashList: FlashList;
}

export async function openSep(opening: Opening, parts: SepParts): Promise<Sep> {
  const { config, resources, clock, live, log } = opening;
  const { registry, readings, desk, securityLog, flashList } = parts;
  const { pool } = parts.database;
  const { certificatePem: cert, keyPem: key, caPem: ca, lfdi } = parts.identity;
  const onPosted = live.posted.bind(live);
  const sep = resources.use(new SepResources({ pool, clock, registry, readings, desk, lfdi, onPosted }));
  await sep.start();
  const path = join(config.dataFolder, 'exchanges.jsonl');
  const exchanges = resources.use(new ExchangeLog({ path, log, now: () => clock.now() }));
  const refusedPolicies = config.refuseSoftwareKeys === true ? [policies.softwareKey] : [];
  const authorities = new KnownAuthorities({ ca, cert, refusedPolicies }, sep.records);
  const authority =
    config.authority &&
    (await AuthorityService.open(config.authority, {
      authorities,
      registry,
      flashList,
      securityLog,
      cert,
      clockNow: () => clock.now(),
      onRevoked: () => void server.recheck(),
      log,
    }));
  const server: SepServer = resources.use(
    new SepServer({
      port: config.sepPort,
      host: config.sepHost ?? '127.0.0.1',
      tls: { cert, key, ca },
      authorities,
      registry,
      engine: sep.engine,
      exchanges,
      onRefused: refusalsTo(securityLog, opening),
      onUnavailable: (reason) => live.databaseFailed(reason),
      log,
      ...(authority !== undefined && servedFor(authority)),
    }),
  );
  if (authority !== undefined) resources.use(authority);
  // Before anybody is let in it is known who is not to be.
  const revocationPort = await authority?.start();
  const sepPort = await server.start();
  const notifier = resources.use(
    new Notifier({
      clock,
      registry,
      store: sep.store,
      records: sep.records,
      engine: sep.engine,
      authorities,
      readings,
      log,
      identity: { cert, key, ca },
      origin: `https://${hostOf(config)}:${sepPort}`,
      editionOf: (peer) => server.editionOf(peer),
    }),
  );
  notifier.start();
  return { sep, authorities, exchanges, authority, notifier, sepPort, revocationPort };
}

/** Tells the link, or the site, where the server is, when everything is there to be found. */
export async function announce(
  { config, resources, log }: Opening,
  { registry, identity: { lfdi }, port }: Pick<SepParts, 'registry' | 'identity'> & { readonly port: number },
): Promise<void> {
  for (const announcer of announcersOf(config, { lfdi, port, registry, log })) {
    resources.use(announcer);
    await announcer.start();
  }
}

/** What a head-end with an authority of its own does for those who come. */
const servedFor = (authority: AuthorityService): Pick<SepServerOptions, 'own' | 'staple' | 'onArrival'> => ({
  own: (request) => authority.renewals.answer(request),
  staple: () => authority.staple(),
  onArrival: (peer) => authority.arrived(peer),
});

/** Refusals in handshakes, as many as a log that anybody can write to may hold. */
function refusalsTo(
  securityLog: SecurityLog,
  { log }: Pick<Opening, 'log'>,
): NonNullable<SepServerOptions['onRefused']> {
  const refusals = new BoundedRefusals(securityLog, wallSeconds);
  return ({ lfdi: actor, reason, from }) => {
    refusals.write({ what: 'handshake', actor, reason, from }).catch((error: unknown) => {
      log.error({ reason: reasonOf(error) }, 'a refusal could not be written to the security log');
    });
  };
}

/** Where devices reach this host, as it stands in an address. */
const hostOf = ({ announce: announced }: HeadEndConfig): string => {
  const address = announced?.address ?? '127.0.0.1';
  return isIPv6(address) ? `[${address}]` : address;
};
