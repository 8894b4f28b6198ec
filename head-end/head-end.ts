import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { type Moment, VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { createLog, type Log } from '#hal/log.ts';
import { reportProgress } from '#hal/process-link.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { loadIdentity } from '#provisioning/identity-files.ts';
import { policies } from '#provisioning/object-identifiers.ts';
import { WINDOW_SECONDS, windowOf } from '#ieee2030_5/ext/windows.ts';
import { AuthorityService } from './authority-service.ts';
import type { Access } from './access/access.ts';
import { openAccess } from './access/open-access.ts';
import { BoundedRefusals } from './bounded-refusals.ts';
import { type Database, openDatabase } from './database/database.ts';
import { FlashList } from './enrolment/flash-list.ts';
import type { EnrolmentParts, openEnrolment } from './enrolment/open-enrolment.ts';
import { Gateway } from './gateway/gateway.ts';
import type { OperatorParts } from './gateway/operator/operation.ts';
import { LiveState } from './live.ts';
import { MarketDesk } from './market/desk.ts';
import { MarketStore } from './market/store.ts';
import { MarketCycle } from './market-cycle.ts';
import { showPast } from './past.ts';
import type { HeadEndConfig, HeadEndOpened, HeadEndReport, HeadEndStatus, ReportOf } from './protocol.ts';
import { ReadingStore } from './readings/store.ts';
import { Containment } from './registry/containment.ts';
import { registerConfigured } from './registry/configured-devices.ts';
import { type Registration, Registry } from './registry/devices.ts';
import { ExpiryWatch } from './registry/expiry-watch.ts';
import { Replacements } from './registry/replacements.ts';
import { marketReport, readingsReport } from './report.ts';
import { announcersOf } from './server/dns-sd/announcers.ts';
import { Notifier } from './server/notifications/notifier.ts';
import { ExchangeLog } from './server/exchange-log.ts';
import { KnownAuthorities } from './server/known-authorities.ts';
import { SepResources } from './server/sep-resources.ts';
import { SepServer } from './server/sep-server.ts';
import type { OnPosted } from './server/services.ts';
import { ChainedSecurityLog } from './security-log.ts';
import { defaultSettings } from './server/settings.ts';
import { EmbeddedLedger } from './settlement/embedded-ledger.ts';
import { SettlementEngine } from './settlement/engine.ts';
import { PostgresSettlementStore } from './settlement/postgres-store.ts';
import { SettlementToken } from './settlement/token.ts';

/** Everything that runs once the head-end is open. */
interface Parts {
  readonly config: HeadEndConfig;
  readonly clock: VirtualClock;
  readonly registry: Registry;
  readonly readings: ReadingStore;
  readonly market: MarketStore;
  readonly settlements: PostgresSettlementStore;
  readonly token: SettlementToken;
  readonly engine: SettlementEngine;
  readonly desk: MarketDesk;
  readonly cycle: MarketCycle;
  readonly live: LiveState;
  readonly sep: SepResources;
  readonly authorities: KnownAuthorities;
  readonly exchanges: ExchangeLog;
  readonly containment: Containment;
  readonly replacements: Replacements;
  readonly notifier: Notifier;
  readonly flashList: FlashList;
  readonly expiry: ExpiryWatch;
  readonly authority: AuthorityService | undefined;
  readonly log: Log;
  start: UnixSeconds;
}

type Enrolled = EnrolmentParts['register'];

/** When the first certificate of a PEM text ends, Unix s. */
const endOf = (pem: string): number => readCertificate(new X509Certificate(pem).raw).notAfter;

/** Where devices reach this host, as it stands in an address. */
const hostOf = ({ announce }: HeadEndConfig): string => {
  const address = announce?.address ?? '127.0.0.1';
  return isIPv6(address) ? `[${address}]` : address;
};

/** What the head-end's own authority knows of a certificate, for a registration. */
async function certificateOf(lfdi: string, { authority }: Parts): Promise<Pick<Registration, 'certificate'>> {
  const certificate = await authority?.factsOf(lfdi);
  return certificate === undefined ? {} : { certificate };
}

/** Only a head-end whose boards have TPMs loads what attestation needs. */
const serveEnrolment: typeof openEnrolment = async (config, parts) => {
  const enrolment = await import('./enrolment/open-enrolment.ts');
  return enrolment.openEnrolment(config, parts);
};

/** The head-end: database, registry, readings, market, settlement and both servers, put together. */
export class HeadEnd implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  readonly #onFailure: (error: GridError) => void;
  readonly #stopping = new AbortController();
  #opening: Promise<HeadEndOpened> | undefined;
  #parts: Parts | undefined;
  /** What operators manage, from the time on that there is time. */
  #managed: OperatorParts | undefined;
  /** Who may do what, from the time on that there is a database. */
  #access: Access | undefined;

  /** `onFailure` is told of a failure that nobody waits for: the database is gone. */
  constructor(onFailure: (error: GridError) => void) {
    this.#onFailure = onFailure;
  }

  /** Opens everything and listens; nothing moves before `begin`. Rejects with `GTX-HED-002` when it is stopped first. */
  open(config: HeadEndConfig): Promise<HeadEndOpened> {
    this.#opening ??= this.#openAll(config, this.#stopping.signal);
    return this.#opening;
  }

  async #openAll(config: HeadEndConfig, signal: AbortSignal): Promise<HeadEndOpened> {
    const log = createLog('head-end', config.logLevel);
    // Time moves to the start with `begin`.
    const clock = new VirtualClock(UnixSeconds(0));
    const live = new LiveState(config.site, config.devices, clock, config.speed === 'max' ? null : config.speed);
    const gateway = this.#resources.use(
      new Gateway({
        port: config.httpPort,
        ...config.rest,
        source: live,
        operator: () => this.#managed,
        access: () => this.#access,
        log,
      }),
    );
    const { port: httpPort, origin } = await gateway.start();
    signal.throwIfAborted();
    const database = this.#resources.use(await this.#openDatabase(config, log));
    const registry = new Registry(database);
    await registry.start();
    const readings = this.#resources.use(new ReadingStore({ pool: database.pool, log }));
    await readings.start();
    signal.throwIfAborted();
    reportProgress('starting the ledger');
    const folder = join(config.dataFolder, 'ledger');
    const ledger = this.#resources.use(new EmbeddedLedger({ folder, log }));
    await ledger.start();
    signal.throwIfAborted();
    const token = new SettlementToken({ ledger, folder });
    const market = new MarketStore(database.pool, config.zone);
    const settlements = new PostgresSettlementStore(database.pool);
    const engine = new SettlementEngine({ ledger, token, store: settlements, log, zone: config.zone });
    const desk = new MarketDesk(clock, market, config.zone);
    const cycle = new MarketCycle({ desk, store: market, engine, live, log });
    const identity = await loadIdentity(config.identityFolder);
    const { certificatePem: cert, keyPem: key, caPem: ca, lfdi } = identity;
    const notAfter = endOf(cert);
    const onPosted: OnPosted = (meterId, time, values) => live.posted(meterId, time, values);
    const { pool } = database;
    const sep = this.#resources.use(new SepResources({ pool, clock, registry, readings, desk, lfdi, onPosted }));
    await sep.start();
    const exchanges = new ExchangeLog({
      path: join(config.dataFolder, 'exchanges.jsonl'),
      log,
      now: () => clock.now(),
    });
    this.#resources.use(exchanges);
    const authorities = new KnownAuthorities(
      { ca, cert, ...(config.refuseSoftwareKeys === true && { refusedPolicies: [policies.softwareKey] }) },
      sep.records,
    );
    const securityLog = new ChainedSecurityLog(join(config.dataFolder, 'security-log'));
    const refusals = new BoundedRefusals(securityLog, wallSeconds);
    const restCertificate = config.rest?.tls?.cert;
    const opened = await openAccess({
      pool,
      security: securityLog,
      folder: config.dataFolder,
      origin,
      certificate: restCertificate,
    });
    this.#access = opened.access;
    const flashList = new FlashList(pool);
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
    const server: SepServer = new SepServer({
      own: (request) => authority?.renewals.answer(request),
      staple: async () => authority?.staple(),
      onPending: (pending) => authority?.renewals.arrived(pending),
      onRefused: ({ lfdi: actor, reason, from }) => {
        refusals.write({ what: 'handshake', actor, reason, from }).catch((error: unknown) => {
          log.error({ reason: reasonOf(error) }, 'a refusal could not be written to the security log');
        });
      },
      port: config.sepPort,
      host: config.sepHost ?? '127.0.0.1',
      tls: { cert, key, ca },
      authorities,
      registry,
      engine: sep.engine,
      onUnavailable: (reason) => live.databaseFailed(reason),
      exchanges,
      log,
    });
    this.#resources.use(server);
    if (authority !== undefined) this.#resources.use(authority);
    // Before anybody is let in it is known who is not to be.
    const revocationPort = await authority?.start();
    const sepPort = await server.start();
    const notifier = new Notifier({
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
    });
    this.#resources.use(notifier);
    notifier.start();
    const register: Enrolled = (enrolled) => this.#registerEnrolled(enrolled);
    const enrols = config.authority?.enrolment;
    const enrolment =
      enrols &&
      authority &&
      (await serveEnrolment(enrols, {
        list: flashList,
        authority: authority.authority,
        register,
        securityLog,
        tls: { cert, key },
        log,
      }));
    if (enrolment !== undefined) this.#resources.use(enrolment);
    const enrolmentPort = await enrolment?.start();
    for (const announcer of announcersOf(config, { lfdi, port: sepPort, registry, log })) {
      this.#resources.use(announcer);
      await announcer.start();
    }
    const others = [
      { name: 'head-end', notAfter },
      ...(restCertificate === undefined ? [] : [{ name: 'rest', notAfter: endOf(restCertificate) }]),
    ];
    const expiry = this.#resources.use(new ExpiryWatch({ registry, others, log }));
    live.showNotices((meterId) => expiry.noticeOf(meterId));
    expiry.start();
    this.#parts = {
      config,
      clock,
      registry,
      readings,
      market,
      settlements,
      token,
      engine,
      desk,
      cycle,
      live,
      sep,
      authorities,
      exchanges,
      containment: new Containment({ clock, registry, desk, securityLog }),
      replacements: new Replacements({ clock, registry, readings, securityLog }),
      notifier,
      flashList,
      expiry,
      authority,
      log,
      start: UnixSeconds(0),
    };
    const { firstAdministrator } = opened;
    return { sepPort, httpPort, origin, firstAdministrator, revocationPort, enrolmentPort, newest: readings.newest };
  }

  /** Registers the devices, completes what a crash interrupted, and starts the market. */
  async begin({ start }: { readonly start: UnixSeconds }): Promise<Moment> {
    const parts = this.#open();
    const { clock, config, token, engine, market, settlements, desk, live, sep, notifier } = parts;
    clock.setNow(start);
    sep.begin();
    parts.start = start;
    live.begin();
    await showPast(live, market, settlements, start);
    for (const { lfdi, ...device } of config.devices) {
      // The others come to be devices when they enrol.
      if (lfdi === undefined) continue;
      await registerConfigured({ ...device, lfdi, ...(await certificateOf(lfdi, parts)), at: start }, parts);
    }
    await parts.authority?.begin();
    notifier.begin();
    await token.start(config.devices, start);
    await engine.recover(start);
    desk.restore(await market.openOrders(start), await market.filledOrders(windowOf(start)));
    await parts.containment.resume();
    // The head-end's time moves on before the boards post, though it has nothing else to do then; where time is real, it
    // is right to the second.
    const period = config.speed === 1 ? 1 : defaultSettings.postRate;
    clock.every({ name: 'time', period, phase: 'open' }, () => undefined);
    clock.every({ name: 'market', period: WINDOW_SECONDS, phase: 'close' }, (now) => parts.cycle.turn(now));
    this.#managed = parts;
    return clock.next();
  }

  async runUntil(bound: Moment): Promise<Moment> {
    const { clock, live } = this.#open();
    try {
      await clock.runUntil(bound);
    } catch (error) {
      live.failed(reasonOf(error));
      throw error;
    }
    return clock.next();
  }

  status(): HeadEndStatus {
    const { live, readings, cycle } = this.#open();
    const { time, campus, health, windows } = live.current();
    const last = windows.at(-1);
    return {
      time,
      ...campus,
      metersOnline: health.metersOnline,
      readingsStored: readings.statistics.stored,
      lastWindow: last,
      windowsSettled: cycle.windowsSettled,
    };
  }

  async report(of: ReportOf): Promise<HeadEndReport> {
    const { clock, readings, registry, market, settlements, token, cycle, start } = this.#open();
    return {
      ...(await readingsReport(readings, registry, of, start)),
      ...(await marketReport(market, settlements, token, { since: start, now: clock.now() })),
      windows: cycle.windowsSettled,
      rssBytes: process.memoryUsage.rss(),
    };
  }

  /** Stops what runs; a start that is under way is broken off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new GridError('GTX-HED-002', 'The head-end was stopped before it had started'));
    // Whoever asked for the start was told how it ended.
    await Promise.allSettled([this.#opening]);
    this.#managed = undefined;
    this.#access = undefined;
    await this.#resources.disposeAsync();
  }

  /** A board that has enrolled is the device of its building, by its new certificate. */
  async #registerEnrolled({ serial, ...device }: Parameters<Enrolled>[0]): Promise<void> {
    if (this.#managed === undefined) throw new GridError('GTX-OPR-005', 'The head-end is starting');
    const { registry, clock, config } = this.#open();
    const known = registry.byMeterId(device.meterId);
    const record = config.devices.find(({ meterId }) => meterId === device.meterId);
    const facts: Partial<Registration> = record ?? (known === undefined ? { name: serial } : {});
    const certificate = await certificateOf(String(device.lfdi), this.#open());
    await registry.register({ ...facts, ...device, ...certificate, at: clock.now() });
  }

  async #openDatabase(config: HeadEndConfig, log: Log): Promise<Database> {
    const { signal } = this.#stopping;
    const options = { log, onProgress: reportProgress, onExit: this.#onFailure, signal };
    if (config.databaseUrl !== undefined) return openDatabase({ ...options, url: config.databaseUrl });
    const folder = join(config.dataFolder, 'database');
    // As root the server runs as another user, which has to pass through.
    await mkdir(folder, { recursive: true, mode: 0o711 });
    return openDatabase({ ...options, folder });
  }

  #open(): Parts {
    if (this.#parts === undefined) throw new GridError('GTX-HED-001', 'The head-end was not opened');
    return this.#parts;
  }
}
