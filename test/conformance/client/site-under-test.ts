import { createLog } from '#hal/log.ts';
import { Board } from '#edge/board.ts';
import type { BoardFile } from '#edge/board-file.ts';
import { Subscriptions } from '#edge/client/subscriptions.ts';
import { EmulatedBuilding } from '#edge/fleet/emulated-building.ts';
import { OutboxFile } from '#edge/outbox-file.ts';
import type { BoardDevices } from '#edge/sampler.ts';
import type { Pin } from '#ieee2030_5/identity.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import type { ClientStand } from './stand.ts';
import { UnderTest } from './under-test.ts';

/** What stands behind the connection point. */
export type SiteKind = 'pv' | 'storage' | 'hybrid';

export const ratedPvW = 10_000;
export const ratedStorageW = 5_000;

const devicesOf = (kind: SiteKind): BoardFile['devices'] => ({
  clamps: { driver: 'emontx', gridChannel: 1, loadChannel: 2 },
  ...(kind === 'storage' ? {} : { inverter: { driver: 'sunspec-inverter', unit: 1, ratedW: ratedPvW } }),
  ...(kind === 'pv'
    ? {}
    : {
        battery: {
          driver: 'sunspec-battery',
          unit: 2,
          capacityWh: 80_000,
          ratedW: ratedStorageW,
          reservePercent: 10,
        },
      }),
});

/** The installer's limits stand far off, so that what acts is what the utility asks for. */
const fileOf = (kind: SiteKind): BoardFile => ({
  path: 'conformance.yaml',
  meterId: 'CONFORMANCE_001',
  name: 'Conformance',
  building: 'residential',
  zone: 'campus',
  location: { latitude: -35.28, longitude: 149.13, timeZone: 'Australia/Sydney' },
  connection: { importLimitW: 100_000, exportLimitW: 100_000 },
  hal: 'emulated',
  devices: devicesOf(kind),
  site: { peakLoadW: 10_000 },
});

/** The PIN of the procedures, with its check digit. */
const pin = 111_115 as Pin;
/** DeviceCategoryType: photovoltaic (bit 21), other storage (25), both in one (23). */
const category = (bit: number): Uint8Array =>
  Uint8Array.from(Buffer.from((1 << bit).toString(16).padStart(8, '0'), 'hex'));
const categoryOf: Readonly<Record<SiteKind, Uint8Array>> = {
  pv: category(21),
  storage: category(25),
  hybrid: category(23),
};

const enterService = {
  maxVoltagePercent: 110,
  minVoltagePercent: 90,
  maxHz: 60.2,
  minHz: 59.5,
  delaySeconds: 60,
  randomDelaySeconds: 0,
  rampSeconds: 360,
} as const;

/** What a device sees behind an open switch. */
const dead = { voltagePercent: 0, frequencyHz: 0 } as const;

export interface SiteOptions {
  readonly stand: ClientStand;
  readonly kind?: SiteKind | undefined;
  readonly sampleSeconds?: number | undefined;
  /** A demand response enabled device (AS/NZS 4755). */
  readonly demandResponse?: boolean | undefined;
}

/** One board of ours with its emulated building behind the connection point. */
export class SiteUnderTest extends UnderTest {
  readonly building: EmulatedBuilding;
  /** What sun and load are; a test changes them as a person would. */
  pvW = 9_000;
  loadW = 0;
  board: Board | undefined;
  readonly kind: SiteKind;
  readonly #hasDemandResponse: boolean;
  readonly #file: BoardFile;
  readonly #outboxPath: string;
  #devices: BoardDevices | undefined;
  #running: AsyncDisposableStack | undefined;
  #isInverterIsolated = false;
  #isStorageIsolated = false;

  private constructor(
    { stand, kind, sampleSeconds, demandResponse }: SiteOptions,
    identity: DeviceIdentity,
    server: DeviceIdentity,
  ) {
    super(identity, server, sampleSeconds);
    this.kind = kind ?? 'hybrid';
    this.#hasDemandResponse = demandResponse ?? false;
    this.#file = fileOf(this.kind);
    this.#outboxPath = stand.newFile('outbox.db');
    this.building = this.resources.use(
      new EmulatedBuilding({
        file: this.#file,
        clock: this.clock,
        seed: 1,
        state: undefined,
        traces: { pvW: () => this.pvW, loadW: () => this.loadW },
      }),
    );
    const { site } = this.building;
    const devices = site.controls;
    site.controls = {
      pv: (now, availableW, grid) => devices.pv(now, availableW, this.#isInverterIsolated ? dead : grid),
      battery: (now, range, grid) => devices.battery(now, range, this.#isStorageIsolated ? dead : grid),
    };
  }

  /** The site and its utility, running; the board is off. */
  static async open(options: SiteOptions): Promise<SiteUnderTest> {
    const { stand } = options;
    const site = new SiteUnderTest(options, await stand.identity('CONFORMANCE_001'), await stand.identity('server'));
    await site.start();
    site.#devices = await site.building.start();
    await site.#commission(site.#devices);
    site.clock.every({ name: 'field', period: site.stepSeconds, phase: 'field' }, (now) =>
      site.building.advanceTo(now),
    );
    return site;
  }

  /** The installer's settings: a device that was cut off waits a minute, as AS/NZS 4777.2:2020 §4.7 has it. */
  async #commission({ inverter, battery }: BoardDevices): Promise<void> {
    for (const device of [inverter, battery]) {
      await device?.start();
      if (device?.modes().has('enterService') !== true) continue;
      await device.setMode('enterService', enterService, { revertSeconds: 1 });
    }
  }

  async boot(): Promise<void> {
    const devices = this.#devices;
    if (devices === undefined) throw new Error('the site is not open');
    const running = new AsyncDisposableStack();
    const log = createLog('conformance', 'silent');
    const { lfdi } = this.identity;
    const outboxFile = running.use(new OutboxFile(this.#outboxPath));
    const board = running.use(
      new Board({
        file: this.#file,
        devices,
        clock: this.clock,
        serverUrl: this.server.server.origin,
        identity: this.identity,
        outboxFile,
        utility: {
          devices: [{ lfdi, pin, connectionPointId: '6203123451', deviceCategory: categoryOf[this.kind] }],
          registration: 'in band',
          subscriptions: new Subscriptions({ identity: this.identity, host: '127.0.0.1', port: 0, log }),
          checkHostName: false,
          demandResponse: this.#hasDemandResponse,
        },
        sampleSeconds: this.stepSeconds,
        seed: 1,
        log,
        onPosted: () => undefined,
      }),
    );
    await board.start();
    this.board = board;
    this.#running = running;
  }

  /** The devices go on by themselves. */
  async shutDown(): Promise<void> {
    await this.#running?.disposeAsync();
    this.#running = undefined;
    this.board = undefined;
  }

  /** Opens or closes the switch between the DERs, or the inverter alone, and the grid: behind it there is no voltage. */
  isolate(isOpen: boolean, which: 'inverter' | 'all' = 'all'): void {
    this.#isInverterIsolated = isOpen;
    if (which === 'all') this.#isStorageIsolated = isOpen;
  }
}
