import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Moment, VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { GridError } from '#hal/errors.ts';
import { createLog, type Log } from '#hal/log.ts';
import { reportProgress } from '#hal/process-link.ts';
import { UnixSeconds } from '#hal/units.ts';
import { loadIdentity } from '#provisioning/identity-files.ts';
import { openDatabase } from './database/database.ts';
import { Gateway } from './gateway/gateway.ts';
import { LiveState } from './live.ts';
import { MarketDesk } from './market/desk.ts';
import { WINDOW_SECONDS } from './market/orders.ts';
import type { HeadEndConfig, HeadEndOpened, HeadEndReport, HeadEndStatus } from './protocol.ts';
import { ReadingStore } from './readings/store.ts';
import { Registry } from './registry/devices.ts';
import { addCoreResources, postRate } from './server/resources/core.ts';
import { addFlowReservationResources } from './server/resources/flow-reservations.ts';
import { addMirrorResources } from './server/resources/mirror-usage-points.ts';
import { addExtensionResources } from './server/resources/offer-terms.ts';
import { Router } from './server/router.ts';
import { SepServer } from './server/sep-server.ts';

interface Parts {
  readonly config: HeadEndConfig;
  readonly log: Log;
  readonly clock: VirtualClock;
  readonly registry: Registry;
  readonly readings: ReadingStore;
  readonly router: Router;
}

/** The head-end: everything that the boards and people talk to, put together. */
export class HeadEnd implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  #parts: Parts | undefined;
  #live: LiveState | undefined;

  async open(config: HeadEndConfig): Promise<HeadEndOpened> {
    const log = createLog('head-end', config.logLevel);
    const databaseFolder = join(config.dataFolder, 'database');
    await mkdir(databaseFolder, { recursive: true, mode: 0o700 });
    const fail = (error: GridError): never => {
      throw error;
    };
    const database = this.#resources.use(
      await openDatabase({
        ...(config.databaseUrl === undefined ? { folder: databaseFolder } : { url: config.databaseUrl }),
        log,
        onProgress: reportProgress,
        onExit: fail,
      }),
    );
    const registry = new Registry(database);
    await registry.start();
    const readings = this.#resources.use(new ReadingStore({ pool: database.pool, log }));
    await readings.start();
    const router = new Router();
    const { certificatePem, keyPem, caPem } = await loadIdentity(config.identityFolder);
    const tls = { cert: certificatePem, key: keyPem, ca: caPem };
    const server = this.#resources.use(new SepServer({ port: config.sepPort, host: '127.0.0.1', tls, registry, router, log }));
    const sepPort = await server.start();
    // Time moves to the start with `begin`.
    const clock = new VirtualClock(UnixSeconds(0));
    this.#parts = { config, log, clock, registry, readings, router };
    return { sepPort, httpPort: config.httpPort, newest: readings.newest };
  }

  async begin({ start, speed }: { readonly start: UnixSeconds; readonly speed: number | 'max' }): Promise<Moment> {
    const { config, clock, registry, readings, router } = this.#open();
    clock.setNow(start);
    for (const device of config.devices) await registry.register({ ...device, at: start });
    const live = new LiveState({ name: 'x', timeZone: 'America/Los_Angeles' }, config.devices, clock, speed === 'max' ? null : speed);
    this.#live = live;
    addCoreResources(router, clock);
    addMirrorResources(router, readings, (meterId, time, values) => live.posted(meterId, time, values));
    const desk = new MarketDesk(clock, { saveOrder: async () => 0, saveClearing: async () => 0 });
    addExtensionResources(router, desk);
    addFlowReservationResources(router, desk, clock);
    clock.every({ name: 'time', period: postRate, phase: 'open' }, () => undefined);
    clock.every({ name: 'gate', period: WINDOW_SECONDS, phase: 'close' }, async (now) => {
      const { clearing, window } = await desk.closeGate(now);
      console.error(window, clearing.price, clearing.matchedWh, clearing.trades.length);
    });
    return clock.next();
  }

  async runUntil(bound: Moment): Promise<Moment> {
    const { clock } = this.#open();
    await clock.runUntil(bound);
    return clock.next();
  }

  status(): HeadEndStatus {
    const { time, campus, health } = this.#live!.current();
    return { time, ...campus, metersOnline: health.metersOnline, readingsStored: 0, lastWindow: undefined, windowsSettled: 0 };
  }

  async report(): Promise<HeadEndReport> {
    return {
      readings: { stored: 0, duplicates: 0, storedEver: {} },
    } as unknown as HeadEndReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #open(): Parts {
    if (this.#parts === undefined) throw new GridError('GTX-HED-001', 'The head-end was not opened');
    return this.#parts;
  }
}
void Gateway;
