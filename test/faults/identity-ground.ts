import type { TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { BoardFile } from '#edge/board-file.ts';
import { startTestServer } from '#edge/client/test-server.ts';
import { control, start, TestUtility } from '#edge/client/test-utility.ts';
import { watts } from '#edge/control/test-site.ts';
import type { IdentityStore } from '#edge/identity/identity-store.ts';
import type { BoardReport } from '#edge/runtime/board-report.ts';
import { EdgeRuntime } from '#edge/runtime/edge-runtime.ts';
import { testBoardFile } from '#edge/test-board-file.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { capacityWh, Field, ratedPvW, ratedStorageW, units } from './field.ts';

export const meterId = 'FAULTS_001';
/** W: the installer's, and those of the event from 60 s to 300 s. */
export const [exportLimitW, eventW] = [4_000, 3_000];

export interface RuntimeGroundOptions {
  readonly store: IdentityStore;
  readonly server: DeviceIdentity;
  /** What the DefaultDERControl asks for. */
  readonly base: string;
}

/**
 * The whole runtime of a board, which a test starts again and again, before twins on real TCP and with a utility over
 * TLS, on a virtual clock.
 */
export class RuntimeGround {
  readonly utility = new TestUtility();
  readonly #clock = new VirtualClock(start);
  readonly #store: IdentityStore;
  readonly #dataFolder: string;
  readonly #field: Field;
  #runtime: EdgeRuntime | undefined;
  #statusPort: number | undefined;

  private constructor(t: TestContext, store: IdentityStore) {
    this.#store = store;
    const [clock, day] = [this.#clock, { pvW: () => 9_000, loadW: () => 1_000 }];
    this.#field = new Field({ clock, ...day, charge: 100, meter: 'sdm630', hasBattery: true });
    // Before the folder's, which is in use until then.
    t.after(async () => {
      await this.stop();
      await this.#field[Symbol.asyncDispose]();
    });
    this.#dataFolder = temporaryFolder(t, 'identity-lost');
  }

  static async open(t: TestContext, { store, server, base }: RuntimeGroundOptions): Promise<RuntimeGround> {
    const ground = new RuntimeGround(t, store);
    const { utility } = ground;
    utility.origin = await startTestServer(t, server, (method, url, body) => utility.answer(method, url, body));
    utility.fill((await store.load()).lfdi);
    utility.documents.set('/derp/1/dderc', utility.defaultControl(base));
    utility.setControls([control({ mRID: 1, from: 60, seconds: 240, base: watts('opModExpLimW', eventW) })]);
    await ground.#openField();
    return ground;
  }

  async start(): Promise<void> {
    this.#runtime = new EdgeRuntime({
      file: this.#file(),
      clock: this.#clock,
      serverUrl: `${this.utility.origin}/dcap`,
      // As to a head-end of ours.
      utility: { readings: 'campus' },
      identityStore: this.#store,
      dataFolder: this.#dataFolder,
      sampleSeconds: 1,
      seed: 1,
      statusPort: 0,
      watchdogs: [],
      log: createLog('test', 'silent'),
    });
    this.#statusPort = (await this.#runtime.start()).statusPort;
  }

  async stop(): Promise<void> {
    await this.#runtime?.[Symbol.asyncDispose]();
  }

  /** Seconds from the start: runs up to and including that second. */
  async runTo(seconds: number): Promise<void> {
    await this.#clock.runUntil({ time: start + seconds, phase: 9 });
  }

  /** The greatest export at the connection point from one second on up to another, W. */
  exportW(from: number, until: number): number {
    const seconds = this.#field.seconds.filter(({ time }) => time >= start + from && time < start + until);
    return Math.max(...seconds.map(({ gridW }) => 0 - gridW));
  }

  async status(): Promise<BoardReport> {
    const answer = await fetch(`http://127.0.0.1:${this.#statusPort}/status.json`);
    return (await answer.json()) as BoardReport;
  }

  /** What the status page says is wrong with the way to the head-end. */
  async fault(): Promise<string | undefined> {
    return (await this.status()).parts.find(({ part }) => part === 'head-end')?.fault;
  }

  /** The starts of the periods of which readings came, in the order in which they came, seconds from the start. */
  get posted(): readonly number[] {
    return this.utility.received.flatMap(({ what, body }) => {
      if (!what.startsWith('POST /mup/')) return [];
      // A run begins with registers as they stand, which are of no period.
      const [, at] = /<timePeriod>\s*<duration>[1-9]\d*<\/duration>\s*<start>(\d+)/.exec(body) ?? [];
      return at === undefined ? [] : [Number(at) - start];
    });
  }

  async #openField(): Promise<void> {
    const field = this.#field;
    await field.start();
    field.site.resumeAt(UnixSeconds(start - 1));
    this.#clock.every({ name: 'field', period: 1, phase: 'field' }, (now) => field.advanceTo(now));
  }

  #file(): BoardFile {
    const { clamps, inverter, battery } = units;
    const storage = { capacityWh, ratedW: ratedStorageW, reservePercent: 10 };
    return testBoardFile({
      meterId,
      connection: { importLimitW: 20_000, exportLimitW },
      hal: 'real',
      ports: Object.fromEntries(
        Object.entries(this.#field.ports).map(([part, port]) => [part, { tcp: `127.0.0.1:${port}` }]),
      ),
      devices: {
        clamps: { driver: 'sdm630', unit: clamps, gridChannel: 1, port: 'clamps' },
        inverter: { driver: 'sunspec-inverter', unit: inverter, ratedW: ratedPvW, port: 'inverter' },
        battery: { driver: 'sunspec-battery', unit: battery, ...storage, port: 'battery' },
      },
    });
  }
}
