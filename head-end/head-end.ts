import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type Moment, VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { GridError, reasonOf } from '#hal/errors.ts';
import { createLog, type Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { readCertificate } from '#provisioning/certificate-fields.ts';
import { loadIdentity } from '#provisioning/identity-files.ts';
import { WINDOW_SECONDS, windowOf } from '#ieee2030_5/ext/windows.ts';
import type { Access } from './access/access.ts';
import { openAccess } from './access/open-access.ts';
import { FlashList } from './enrolment/flash-list.ts';
import type { EnrolmentParts, openEnrolment } from './enrolment/open-enrolment.ts';
import { Gateway } from './gateway/gateway.ts';
import type { OperatorParts } from './gateway/operator/operation.ts';
import { LiveState } from './live.ts';
import type { Opening } from './opening/opening.ts';
import { announce, openSep, type Sep, type SepParts } from './opening/sep.ts';
import { openStores, type Stores } from './opening/stores.ts';
import { openTrading, type Trading } from './opening/trading.ts';
import { showPast } from './past.ts';
import type { HeadEndConfig, HeadEndOpened, HeadEndReport, HeadEndStatus, ReportOf } from './protocol.ts';
import { Containment } from './registry/containment.ts';
import { registerConfigured } from './registry/configured-devices.ts';
import type { Registration } from './registry/devices.ts';
import { ExpiryWatch } from './registry/expiry-watch.ts';
import { Replacements } from './registry/replacements.ts';
import { marketReport, readingsReport } from './report.ts';
import { ChainedSecurityLog } from './security-log.ts';
import { defaultSettings } from './server/settings.ts';

/** Everything that runs once the head-end is open. */
interface Parts extends Omit<Stores, 'database'>, Trading, Omit<Sep, 'sepPort' | 'revocationPort'> {
  readonly config: HeadEndConfig;
  readonly clock: VirtualClock;
  readonly live: LiveState;
  readonly containment: Containment;
  readonly replacements: Replacements;
  readonly flashList: FlashList;
  readonly expiry: ExpiryWatch;
  readonly log: Log;
  start: UnixSeconds;
}

type EnrolmentGround = Pick<SepParts, 'flashList' | 'securityLog' | 'identity'>;
type Enrolled = EnrolmentParts['register'];

/** When the first certificate of a PEM text ends, Unix s. */
const endOf = (pem: string): number => readCertificate(new X509Certificate(pem).raw).notAfter;

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
    const resources = this.#resources;
    const log = createLog('head-end', config.logLevel);
    // Time moves to the start with `begin`.
    const clock = new VirtualClock(UnixSeconds(0));
    const live = new LiveState(config.site, config.devices, clock, config.speed === 'max' ? null : config.speed);
    const opening: Opening = { config, resources, clock, live, log, signal, onFailure: this.#onFailure };
    const { port: httpPort, origin } = await this.#openGateway(opening);
    signal.throwIfAborted();
    const stores = await openStores(opening);
    const trading = await openTrading(opening, stores);
    const { registry, readings, database } = stores;
    const securityLog = new ChainedSecurityLog(join(config.dataFolder, 'security-log'));
    const { access, firstAdministrator } = await openAccess({
      pool: database.pool,
      security: securityLog,
      folder: config.dataFolder,
      origin,
      certificate: config.rest?.tls?.cert,
    });
    this.#access = access;
    const identity = await loadIdentity(config.identityFolder);
    const flashList = new FlashList(database.pool);
    const served = await openSep(opening, { ...stores, desk: trading.desk, identity, securityLog, flashList });
    const { sepPort, revocationPort, ...sep } = served;
    const enrolmentPort = await this.#openEnrolment(opening, { ...served, flashList, securityLog, identity });
    await announce(opening, { registry, identity, port: sepPort });
    const expiry = this.#watchExpiry(opening, { registry, identity });
    this.#parts = {
      config,
      clock,
      registry,
      readings,
      live,
      ...trading,
      ...sep,
      containment: new Containment({ clock, registry, desk: trading.desk, securityLog }),
      replacements: new Replacements({ clock, registry, readings, securityLog }),
      flashList,
      expiry,
      log,
      start: UnixSeconds(0),
    };
    return { sepPort, httpPort, origin, firstAdministrator, revocationPort, enrolmentPort, newest: readings.newest };
  }

  /** First of all: its page shows how the start goes on. */
  async #openGateway({ config, resources, live, log }: Opening): Promise<{ port: number; origin: string }> {
    const gateway = resources.use(
      new Gateway({
        port: config.httpPort,
        ...config.rest,
        source: live,
        operator: () => this.#managed,
        access: () => this.#access,
        log,
      }),
    );
    return await gateway.start();
  }

  /** Answers the port, where boards are to enrol by their TPMs. */
  async #openEnrolment(
    { config, resources, log }: Opening,
    { authority, flashList, securityLog, identity }: Pick<Sep, 'authority'> & EnrolmentGround,
  ): Promise<number | undefined> {
    const enrols = config.authority?.enrolment;
    if (enrols === undefined || authority === undefined) return undefined;
    const enrolment = await serveEnrolment(enrols, {
      list: flashList,
      authority: authority.authority,
      register: (enrolled) => this.#registerEnrolled(enrolled),
      securityLog,
      tls: { cert: identity.certificatePem, key: identity.keyPem },
      log,
    });
    return await resources.use(enrolment).start();
  }

  #watchExpiry(
    { config, resources, live, log }: Opening,
    { registry, identity }: Pick<Parts, 'registry'> & Pick<EnrolmentGround, 'identity'>,
  ): ExpiryWatch {
    const rest = config.rest?.tls?.cert;
    const others = [
      { name: 'head-end', notAfter: endOf(identity.certificatePem) },
      ...(rest === undefined ? [] : [{ name: 'rest', notAfter: endOf(rest) }]),
    ];
    const expiry = resources.use(new ExpiryWatch({ registry, others, log }));
    live.showNotices((meterId) => expiry.noticeOf(meterId));
    expiry.start();
    return expiry;
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

  #open(): Parts {
    if (this.#parts === undefined) throw new GridError('GTX-HED-001', 'The head-end was not opened');
    return this.#parts;
  }
}
