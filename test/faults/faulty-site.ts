import { constants } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import type { Wire, Wires } from '#drivers/driver.ts';
import type { BoardDevice } from '#edge/board-devices.ts';
import type { BoardFile } from '#edge/board-file.ts';
import { Board, type BoardIdentity } from '#edge/board.ts';
import { startTestServer, type TestHandler, testIdentities } from '#edge/client/test-server.ts';
import { mrid, start, TestUtility, xml } from '#edge/client/test-utility.ts';
import { OutboxFile } from '#edge/outbox-file.ts';
import { frameSeconds } from '#edge/runtime/board-site.ts';
import { PassingMemory } from '#edge/runtime/device-memory.ts';
import { makeDevices } from '#edge/runtime/make-devices.ts';
import { testBoardFile } from '#edge/test-board-file.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { temporaryFolder } from '../campus/campus-process.ts';
import { capacityWh, Field, type FieldOptions, type Part, ratedPvW, ratedStorageW, units } from './field.ts';

/** Given up sooner than a board would, so that a silent device does not hold up virtual time. */
const requestTimeoutMs = 40;

export interface FaultySiteOptions {
  /** W at a second of the test. */
  readonly pvW?: (at: number) => number;
  readonly loadW?: (at: number) => number;
  readonly charge?: number;
  readonly meter?: FieldOptions['meter'];
  /** The emonTx has a clamp around the load as well. */
  readonly hasLoadClamp?: boolean;
  readonly connection: BoardFile['connection'];
  /** Settings of the DefaultDERControl, such as ramps. */
  readonly settings?: string;
  /** Of board and server, where they are not the test's own. */
  readonly identities?: { readonly board: BoardIdentity; readonly server: DeviceIdentity };
  /** Of the outbox. */
  readonly folder?: string;
  /** What the clock says at the start. */
  readonly startsAt?: number;
}

/** One second at the connection point, W; `at` counts from the start of the test. */
export interface Second {
  readonly at: number;
  readonly gridW: number;
  readonly pvW: number;
  readonly batteryW: number;
  readonly loadW: number;
}

async function ownIdentities(
  t: TestContext,
): Promise<{ readonly board: DeviceIdentity; readonly server: DeviceIdentity }> {
  const identities = await testIdentities(t);
  return { board: await identities('board'), server: await identities('server') };
}

function fileOf({ meter, hasLoadClamp, connection }: FaultySiteOptions): BoardFile {
  const clamps =
    meter === 'sdm630'
      ? { driver: 'sdm630', unit: units.clamps, gridChannel: 1 }
      : { driver: 'emontx', gridChannel: 1, ...(hasLoadClamp !== false && { loadChannel: 2 }) };
  const { inverter, battery } = units;
  return testBoardFile({
    meterId: 'FAULTS_001',
    connection,
    devices: {
      clamps,
      inverter: { driver: 'sunspec-inverter', unit: inverter, ratedW: ratedPvW },
      battery: { driver: 'sunspec-battery', unit: battery, capacityWh, ratedW: ratedStorageW, reservePercent: 10 },
    },
  });
}

/**
 * A board before twins that each have a cable of their own, with a utility over TLS, on a virtual clock. What is
 * measured is measured by the site's physics at its connection point.
 */
export class FaultySite implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly utility = new TestUtility();
  readonly file: BoardFile;
  readonly field: Field;
  board!: Board;
  readonly #options: FaultySiteOptions;
  readonly #start: number;
  readonly #stack: AsyncDisposableStack;
  #boot!: (serverUrl: string) => Promise<Board>;

  private constructor(options: FaultySiteOptions, stack: AsyncDisposableStack) {
    const { pvW = () => 9_000, loadW = () => 1_000, charge = 50, meter = 'emontx' } = options;
    this.#options = options;
    this.#start = options.startsAt ?? start;
    this.clock = new VirtualClock(UnixSeconds(this.#start));
    this.#stack = stack;
    this.file = fileOf(options);
    this.field = new Field({
      clock: this.clock,
      pvW: (time) => pvW(time - this.#start),
      loadW: (time) => loadW(time - this.#start),
      charge,
      meter,
      hasBattery: true,
    });
    stack.use(this.field);
  }

  static async start(t: TestContext, options: FaultySiteOptions): Promise<FaultySite> {
    const stack = new AsyncDisposableStack();
    t.after(() => stack.disposeAsync());
    const site = new FaultySite(options, stack);
    await site.#open(t);
    return site;
  }

  get seconds(): readonly Second[] {
    return this.field.seconds.map(({ time, ...second }) => ({ at: time - this.#start, ...second }));
  }

  /** Seconds from the start: runs up to and including that second. */
  async runTo(seconds: number): Promise<void> {
    await this.clock.runUntil({ time: this.#start + seconds, phase: 9 });
  }

  /** What was measured from one second on, up to and without another. */
  between(from: number, until: number): readonly Second[] {
    return this.seconds.filter(({ at }) => at >= from && at < until);
  }

  /** The board as after a loss of power; with another address of its server where one is given. */
  async restart(serverUrl = `${this.utility.origin}/dcap`): Promise<void> {
    await this.board[Symbol.asyncDispose]();
    this.board = await this.#boot(serverUrl);
  }

  /** Before the test's end, where something goes after it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  setDefault(base: string, settings = this.#options.settings ?? ''): void {
    const content = `<mRID>${mrid(200)}</mRID><DERControlBase>${base}</DERControlBase>${settings}`;
    this.utility.documents.set('/derp/1/dderc', xml('DefaultDERControl', '', content));
  }

  async #open(t: TestContext): Promise<void> {
    const { utility, clock, field } = this;
    const { board: identity, server } = this.#options.identities ?? (await ownIdentities(t));
    // A session that is resumed needs no key: every connection is to show what the board has.
    const secureOptions = constants.SSL_OP_NO_TICKET;
    const handler: TestHandler = (method, url, body) => utility.answer(method, url, body);
    utility.origin = await startTestServer(t, server, handler, { secureOptions });
    utility.fill(identity.lfdi);
    this.setDefault('');
    await field.start();
    field.site.resumeAt(UnixSeconds(this.#start - 1));
    clock.every({ name: 'field', period: 1, phase: 'field' }, (now) => field.advanceTo(now));
    const folder = this.#options.folder ?? temporaryFolder(t, 'faults');
    const outboxFile = this.#stack.use(new OutboxFile(join(folder, 'outbox.db'), undefined, { mayBeAbsent: true }));
    this.#boot = async (serverUrl) => {
      const board = this.#stack.use(
        new Board({
          file: this.file,
          devices: { ...this.#devices(), frameSeconds },
          clock,
          serverUrl,
          identity,
          outboxFile,
          // As to a head-end of ours.
          utility: { readings: 'campus' },
          sampleSeconds: 1,
          seed: 1,
          log: createLog('test', 'silent'),
          onPosted: () => undefined,
        }),
      );
      await board.start();
      return board;
    };
    this.board = await this.#boot(`${utility.origin}/dcap`);
  }

  #devices() {
    const devices = makeDevices({
      file: this.file,
      clock: this.clock,
      wireOf: (device) => this.#wireOf(device),
      memoryOf: () => new PassingMemory(),
    });
    this.#stack.use(devices.meter);
    return devices;
  }

  #wireOf({ role }: BoardDevice): Wires[Wire] {
    const bytes = new TcpPort('127.0.0.1', this.field.ports[role as Part]!);
    const isModbus = role !== 'clamps' || this.#options.meter === 'sdm630';
    return isModbus ? this.#stack.use(new ModbusTcpClient(bytes, { requestTimeoutMs, maxInFlight: 8 })) : bytes;
  }
}
