import type { EmulatedGpio } from '#hal/emulated/gpio.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { wallSeconds } from '#hal/wall.ts';
import type { Wire, Wires } from '#drivers/driver.ts';
import type { RegisterTransport } from '#drivers/modbus/transport.ts';
import { driverNamed } from '#drivers/registry.ts';
import { siteStateAt } from '#drivers/site/site.ts';
import { type BoardDevice, devicesOf, isEmulated } from '#edge/board-devices.ts';
import { ControlLoop } from '#edge/control/loop.ts';
import { DeviceStarts, startRetrySeconds } from '#edge/device-starts.ts';
import { EmulatedBuilding } from '#edge/fleet/emulated-building.ts';
import { Health } from '#edge/health.ts';
import { PassingMemory } from '#edge/runtime/device-memory.ts';
import { makeDevices } from '#edge/runtime/make-devices.ts';
import { holdDevices } from '#edge/runtime/device-holds.ts';
import { Wiring } from '#edge/runtime/wiring.ts';
import { type BoardDevices, emptyRegisters, type GridReadings, Sampler, type SiteSample } from '#edge/sampler.ts';
import { type BenchCase, isAllTwins, isTwinned } from './case.ts';
import { BenchUtility, type Orders } from './bench-utility.ts';
import { EmulatedLine } from './emulated-line.ts';
import { actualOf, type Counters, readOf } from './measured.ts';
import { NeighbourMeter } from './neighbour.ts';
import { isDevice } from './plan.ts';
import type { Conditions } from './plan-schema.ts';
import { showRipple } from './ripple.ts';
import { Plug } from './plug.ts';
import type { Measured } from './quantities.ts';
import { Stage } from './stage.ts';

/** One second of a board on the bench. */
export interface Second {
  /** Since the plan began. */
  readonly at: number;
  /** By the drivers. */
  readonly read: Measured;
  /** What truly flows, as far as twins are there; in place of the others what the drivers read. */
  readonly actual: Measured;
  /** What only twins know. */
  readonly known: Measured;
  readonly neighbours: ReadonlyMap<string, { readonly read: Measured; readonly known: Measured }>;
  /** What the utility has ordered. */
  readonly orders: Orders;
}

/** A front-end that sends every ten seconds, as an emonTx does, is as quick as the fault it must tell of. */
const frameSeconds = 10;

/** The runtime of a board as the bench has it: its drivers, sampler and control, before twins or real devices. */
export class BenchSite implements AsyncDisposable {
  readonly #stage: Stage;
  readonly utility: BenchUtility;
  readonly #bench: BenchCase;
  readonly #clock: VirtualClock | undefined;
  readonly #log: Log;
  readonly #line: EmulatedLine;
  readonly #building: EmulatedBuilding | undefined;
  readonly #plugs = new Map<string, Plug>();
  readonly #health = new Health();
  readonly #resources = new AsyncDisposableStack();
  readonly #neighbours: NeighbourMeter[] = [];
  readonly #startedAt: UnixSeconds;
  #devices!: BoardDevices;
  #sampler!: Sampler;
  #loop!: ControlLoop;
  #starts!: DeviceStarts;
  #isBoardOff = false;
  #first: Counters | undefined;
  #grid: GridReadings | undefined;

  constructor(bench: BenchCase, seed: number, log: Log) {
    const { board, plan } = bench;
    this.#bench = bench;
    this.#log = log;
    if (isAllTwins(bench)) this.#clock = new VirtualClock(startOf(plan.start));
    this.#startedAt = this.now();
    const clock = { now: () => this.now() };
    this.#stage = new Stage(board, seed);
    this.utility = new BenchUtility(() => this.now());
    this.#line = this.#resources.use(new EmulatedLine({ line: plan.line, clock, seed }));
    if (!devicesOf(board).some(({ entry }) => isEmulated(board, entry))) return;
    const { battery } = board.devices;
    this.#building = this.#resources.use(
      new EmulatedBuilding({
        file: board,
        clock,
        seed,
        state: siteStateAt({ battery: battery ?? { capacityWh: 0, ratedW: 0 } }, plan.charge ?? 50),
        traces: this.#stage.traces,
        grid: this.#stage.grid,
        serveBus: (units) => this.#line.serve(new Map([...units, ...this.#neighbourBanks()])),
      }),
    );
  }

  /** The plan's own time where all devices are twins; else the wall's. */
  now(): UnixSeconds {
    return this.#clock?.now() ?? wallSeconds();
  }

  get isVirtual(): boolean {
    return this.#clock !== undefined;
  }

  /** Makes the drivers; devices that do not answer yet are tried again as the seconds go by. */
  async start(): Promise<void> {
    const { board, plan } = this.#bench;
    const clock = { now: () => this.now() };
    this.#resources.use(await holdDevices(board));
    const wiring = this.#resources.use(new Wiring(board));
    const isTwin = isTwinned(this.#bench, 'clamps');
    for (const neighbour of plan.neighbours ?? []) {
      this.#neighbours.push(new NeighbourMeter({ ...neighbour, clock, isTwin }));
    }
    await this.#building?.startTwins();
    this.#building?.site.resumeAt(this.now());
    const wireOf = (device: BoardDevice): Wires[Wire] =>
      this.#building !== undefined && isEmulated(board, device.entry)
        ? this.#building.wireOf(device)
        : wiring.wireOf(device);
    const devices = makeDevices({
      file: board,
      clock,
      wireOf: (device) => {
        const plug = new Plug();
        this.#plugs.set(device.role, plug);
        return plug.wire(driverNamed(device.role, device.entry.driver).wire, wireOf(device));
      },
      memoryOf: () => new PassingMemory(),
    });
    for (const each of [devices.meter, devices.ripple, devices.contactor]) if (each) this.#resources.use(each);
    const { clamps } = board.devices;
    const isFrontEndReal = clamps !== undefined && !isEmulated(board, clamps);
    this.#devices = isFrontEndReal ? { ...devices, frameSeconds } : devices;
    if (clamps !== undefined) {
      for (const neighbour of this.#neighbours)
        neighbour.connect(wireOf({ role: 'clamps', entry: clamps }) as RegisterTransport);
    }
    this.#sampler = new Sampler(this.#devices, emptyRegisters, this.#log, this.#health);
    this.#loop = new ControlLoop({
      file: board,
      devices: this.#devices,
      utility: this.utility,
      lfdi: undefined,
      sampleSeconds: 1,
      readGrid: (now) => this.#readGrid(now),
      log: this.#log,
    });
    this.#starts = new DeviceStarts(this.#devices, this.#health, this.#log);
    await this.#startDevices();
  }

  /**
   * One second of the board, which ends at `now`: the emulation moves on, the board samples and controls.
   * @param wantsGrid what the inverter measures of the grid is read too
   */
  async second(now: UnixSeconds, wantsGrid: boolean): Promise<Second> {
    this.#clock?.setNow(now);
    this.#building?.advanceTo(now);
    for (const neighbour of this.#neighbours) neighbour.advanceTo(now);
    await this.#line.advanceTo(now - this.#startedAt);
    const [sample] = await this.#line.during(
      Promise.all([this.#sampleAndControl(now, wantsGrid), ...this.#neighbours.map((each) => each.read())]),
    );
    const { inverter, battery } = sample;
    this.#building?.follow({ pvW: inverter?.powerW ?? 0, batteryW: battery?.powerW ?? 0 });
    return this.#secondOf(sample, now);
  }

  async #sampleAndControl(now: UnixSeconds, wantsGrid: boolean): Promise<SiteSample> {
    if (!this.#starts.isComplete && now % startRetrySeconds === 0) await this.#startDevices();
    const sample = await this.#sampler.sample(now);
    const hasLooked = !this.#isBoardOff && (await this.#control(sample, now));
    if (wantsGrid && !hasLooked) await this.#readGrid(now);
    return sample;
  }

  async #control(sample: SiteSample, now: UnixSeconds): Promise<boolean> {
    await this.#loop.control(sample, 0);
    return this.#loop.look(now);
  }

  async #readGrid(now: UnixSeconds): Promise<GridReadings> {
    this.#grid = await this.#sampler.readGrid(now);
    return this.#grid;
  }

  async #startDevices(): Promise<void> {
    await this.#line.during(this.#starts.attempt(this.now()));
    this.#loop.start((role) => this.#starts.isStarted(role));
  }

  #secondOf(sample: SiteSample, now: UnixSeconds): Second {
    const { registers } = this.#sampler;
    const counters: Counters = {
      importWh: registers.grid.importWh,
      exportWh: registers.grid.exportWh,
      chargeWh: sample.battery?.acChargeWh,
      dischargeWh: sample.battery?.acDischargeWh,
      site: this.#building?.site.save(),
    };
    const first = {
      ...(this.#first ?? counters),
      // A battery may answer later than the others.
      chargeWh: this.#first?.chargeWh ?? counters.chargeWh,
      dischargeWh: this.#first?.dischargeWh ?? counters.dischargeWh,
    };
    this.#first = first;
    const read = readOf({ sample, grid: this.#grid, counters, first, devices: this.#devices });
    const known = actualOf(this.#bench, this.#building?.site, first);
    return {
      at: now - this.#startedAt,
      read,
      known,
      actual: { ...read, ...known },
      neighbours: new Map(this.#neighbours.map((each) => [each.name, { read: each.measured, known: each.known }])),
      orders: this.utility.orders,
    };
  }

  /** Brings about what is the emulation's to bring about. */
  set(conditions: Conditions): void {
    const { ripplePercent } = conditions;
    this.#stage.set(conditions);
    const { ripple } = this.#bench.board.devices;
    if (ripplePercent === undefined || ripple === undefined || !isTwinned(this.#bench, 'ripple')) return;
    showRipple(ripple, this.#building?.wireOf({ role: 'ripple', entry: ripple }) as EmulatedGpio, ripplePercent);
  }

  /** Pulls what a plan names, as far as it is a twin or the bench itself. */
  async pull(name: string): Promise<void> {
    if (name === 'board') this.#isBoardOff = true;
    else if (name === 'server') this.utility.lose(true);
    const unit = this.#unitOf(name);
    if (unit !== undefined) this.#line.pull(unit);
    await this.#plugs.get(name)?.pull();
  }

  restore(name: string): void {
    if (name === 'board') this.#isBoardOff = false;
    else if (name === 'server') this.utility.lose(false);
    const unit = this.#unitOf(name);
    if (unit !== undefined) this.#line.restore(unit);
    this.#plugs.get(name)?.restore();
  }

  storm(isOn: boolean): void {
    this.#line.storm(isOn);
  }

  get faults(): number {
    return this.#line.faults;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #unitOf(name: string): number | undefined {
    const neighbour = this.#neighbours.find((each) => each.name === name);
    const unit = isDevice(name) ? this.#bench.board.devices[name]?.['unit'] : neighbour?.unit;
    return typeof unit === 'number' ? unit : undefined;
  }

  #neighbourBanks(): (readonly [number, NeighbourMeter['bank']])[] {
    return this.#neighbours.map(({ unit, bank }) => [unit, bank] as const);
  }
}

/** A summer's noon in California: only what a plan leaves to the sky depends on it. */
const usualStart = '2026-06-21T19:00:00Z';

const startOf = (start = usualStart): UnixSeconds => UnixSeconds(Date.parse(start) / 1000);
