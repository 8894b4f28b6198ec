import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { GridSource } from '#drivers/site/grid.ts';
import { siteStateAt, type TraceSource } from '#drivers/site/site.ts';
import type { BatteryModels } from '#drivers/sunspec/battery-twin.ts';
import type { InverterModels } from '#drivers/sunspec/inverter-twin.ts';
import { Board } from '../board.ts';
import type { BoardFile } from '../board-file.ts';
import { startTestServer, testIdentities } from '../client/test-server.ts';
import { list, mrid, start, TestUtility, xml } from '../client/test-utility.ts';
import { EmulatedBuilding } from '../fleet/emulated-building.ts';
import { OutboxFile } from '../outbox-file.ts';
import { testBoardFile, testDevices } from '../test-board-file.ts';

export const ratedPvW = 10_000;
export const ratedStorageW = 5_000;
export const capacityWh = 20_000;
/** What percentages of the whole refer to. */
export const setMaxW = ratedPvW + ratedStorageW;

export interface SiteOptions {
  readonly traces?: TraceSource;
  /** 0 to 100. */
  readonly charge?: number;
  readonly inverter?: boolean;
  readonly battery?: boolean;
  readonly inverterModels?: InverterModels;
  readonly batteryModels?: BatteryModels;
  readonly connection?: BoardFile['connection'];
  readonly grid?: GridSource;
  /** DERControlBase and settings of the DefaultDERControl. */
  readonly base?: string;
  readonly settings?: string;
  readonly sampleSeconds?: number;
}

/** One second of the site, W and var; `gridW` positive is import, `gridVar` positive is drawn. */
export interface Second {
  readonly at: number;
  readonly gridW: number;
  readonly pvW: number;
  readonly batteryW: number;
  readonly loadW: number;
  readonly gridVar: number;
}

const file = (options: SiteOptions): BoardFile =>
  testBoardFile({
    meterId: 'CONTROL_001',
    ...(options.connection && { connection: options.connection }),
    devices: {
      clamps: testDevices.clamps,
      ...(options.inverter !== false && { inverter: { ...testDevices.inverter, ratedW: ratedPvW } }),
      ...(options.battery !== false && {
        battery: {
          ...testDevices.battery,
          capacityWh,
          ratedW: ratedStorageW,
          ...(options.batteryModels && { models: options.batteryModels }),
        },
      }),
    },
  });

export const watts = (mode: string, w: number): string =>
  `<aus:${mode}><multiplier>0</multiplier><value>${w}</value></aus:${mode}>`;

/** A DERCurve of the tests' own making; points are given as they stand in the document. */
export const curve = (options: {
  readonly id: number;
  readonly type: number;
  readonly points: readonly (readonly [x: number, y: number, excitation?: boolean])[];
  readonly yRefType: number;
  readonly multipliers?: readonly [number, number];
  readonly openLoopTms?: number;
}): string => {
  const { id, type, points, yRefType, multipliers = [0, 0], openLoopTms } = options;
  const data = points.map(
    ([x, y, excitation]) =>
      `<CurveData>${excitation === undefined ? '' : `<excitation>${excitation}</excitation>`}<xvalue>${x}</xvalue>
       <yvalue>${y}</yvalue></CurveData>`,
  );
  return `<DERCurve href="/derp/1/dc/${id}"><mRID>${mrid(900 + id)}</mRID><creationTime>${start}</creationTime>
    ${data.join('')}<curveType>${type}</curveType>
    ${openLoopTms === undefined ? '' : `<openLoopTms>${openLoopTms}</openLoopTms>`}
    <xMultiplier>${multipliers[0]}</xMultiplier><yMultiplier>${multipliers[1]}</yMultiplier>
    <yRefType>${yRefType}</yRefType></DERCurve>`;
};

/** A board over its twins on the wire, with a utility over TLS, on a virtual clock. */
export class TestSite {
  readonly utility = new TestUtility();
  readonly clock = new VirtualClock(start);
  readonly building: EmulatedBuilding;
  readonly seconds: Second[] = [];
  board!: Board;
  readonly #options: SiteOptions;
  readonly #file: BoardFile;
  readonly #stack: AsyncDisposableStack;
  #boot!: () => Promise<Board>;

  private constructor(options: SiteOptions, stack: AsyncDisposableStack) {
    this.#options = options;
    this.#stack = stack;
    this.#file = file(options);
    this.building = stack.use(
      new EmulatedBuilding({
        file: this.#file,
        clock: this.clock,
        seed: 1,
        state: siteStateAt({ battery: { capacityWh, ratedW: ratedStorageW } }, options.charge ?? 50),
        traces: options.traces,
        ...(options.inverterModels && { inverterModels: options.inverterModels }),
        ...(options.grid && { grid: options.grid }),
      }),
    );
  }

  static async start(t: TestContext, options: SiteOptions = {}): Promise<TestSite> {
    const stack = new AsyncDisposableStack();
    t.after(() => stack.disposeAsync());
    const site = new TestSite(options, stack);
    await site.#start(t);
    return site;
  }

  async #start(t: TestContext): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'gtx-control-'));
    this.#stack.defer(() => rmSync(folder, { recursive: true }));
    const identities = await testIdentities(t);
    const identity = await identities('board');
    const { utility, clock, building } = this;
    utility.origin = await startTestServer(t, await identities('server'), (method, url, body) =>
      utility.answer(method, url, body),
    );
    utility.fill(identity.lfdi);
    const { base = '', settings = '', sampleSeconds = 1 } = this.#options;
    this.setDefault(base, settings);
    const devices = await building.start();
    // So that the first sample is one of a site that runs.
    building.site.resumeAt(UnixSeconds(start - 1));
    clock.every({ name: 'field', period: 1, phase: 'field' }, (now) => {
      building.advanceTo(now);
      const { gridW, pvW, batteryW, loadW } = building.site.state;
      this.seconds.push({ at: now - start, gridW, pvW, batteryW, loadW, gridVar: building.site.gridVar });
    });
    const outboxFile = this.#stack.use(new OutboxFile(join(folder, 'outbox.db')));
    this.#boot = async () => {
      const board = new Board({
        file: this.#file,
        devices,
        clock,
        serverUrl: `${utility.origin}/dcap`,
        identity,
        outboxFile,
        sampleSeconds,
        seed: 1,
        log: createLog('test', 'silent'),
        onPosted: () => undefined,
      });
      this.#stack.use(board);
      await board.start();
      return board;
    };
    this.board = await this.#boot();
  }

  /** The board as after a loss of power. */
  async restart(): Promise<void> {
    await this.board[Symbol.asyncDispose]();
    this.board = await this.#boot();
  }

  setDefault(base: string, settings = ''): void {
    const content = `<mRID>${mrid(200)}</mRID><DERControlBase>${base}</DERControlBase>${settings}`;
    this.utility.documents.set('/derp/1/dderc', xml('DefaultDERControl', '', content));
  }

  setCurves(curves: readonly string[]): void {
    const program = this.utility
      .program(1, 0)
      .replace('<primacy>', `<DERCurveListLink href="/derp/1/dc" all="${curves.length}"/><primacy>`);
    this.utility.documents.set('/derp', list('DERProgramList', 'pollRate="60"', [program]));
    this.utility.documents.set('/derp/1/dc', list('DERCurveList', '', curves));
  }

  /** Seconds from the start: runs up to and including that second. */
  async runTo(seconds: number): Promise<void> {
    await this.clock.runUntil({ time: start + seconds, phase: 9 });
  }

  /** What was measured from one second on, up to and without another. */
  between(from: number, until: number): readonly Second[] {
    return this.seconds.filter(({ at }) => at >= from && at < until);
  }
}
