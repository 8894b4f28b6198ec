/** A board on a line with faults, recorded: its buses, drivers, sampler and control in virtual time. */
import { type Duplex, duplexPair } from 'node:stream';
import { FaultyPort, FaultySpi } from '#hal/emulated/faults.ts';
import { VirtualWall } from '#hal/emulated/virtual-wall.ts';
import { createLog } from '#hal/log.ts';
import type { BytePort, MqttLink, SpiDevice } from '#hal/ports.ts';
import { RealClock } from '#hal/real-clock.ts';
import { UnixSeconds } from '#hal/units.ts';
import { deadline, monotonicMs, replaceWallTime, wallSeconds } from '#hal/wall.ts';
import { formatEmon } from '#drivers/ct/emon-twin.ts';
import type { DeviceMemory, Wire, Wires } from '#drivers/driver.ts';
import { modbusBus } from '#drivers/modbus/bus.ts';
import { wallTimer } from '#drivers/modbus/bus-timer.ts';
import { FaultLine } from '#drivers/modbus/fault-line.ts';
import { W, Wh } from '#hal/units.ts';
import type { BoardDevice } from '#edge/board-devices.ts';
import type { BoardFile } from '#edge/board-file.ts';
import { ControlLoop } from '#edge/control/loop.ts';
import { DeviceStarts, startRetrySeconds } from '#edge/device-starts.ts';
import { EmulatedBuilding } from '#edge/fleet/emulated-building.ts';
import { Health } from '#edge/health.ts';
import { meterBoundsOf } from '#edge/meter-watch.ts';
import { BoardRecorder } from '#edge/recording/board-recorder.ts';
import { PassingMemory } from '#edge/runtime/device-memory.ts';
import { makeDevices } from '#edge/runtime/make-devices.ts';
import { type BoardDevices, emptyRegisters, type GridReadings, Sampler, type SiteSample } from '#edge/sampler.ts';
import { testBoardFile, testDevices } from '#edge/test-board-file.ts';

/**
 * The clamps on the line with the others, a front-end that sends lines of text on one of its own, a chip on SPI, or a
 * meter at a broker.
 */
export type Clamps = 'sdm630' | 'emontx' | 'ade7953' | 'shelly';

export interface RunOptions {
  readonly path: string;
  readonly seed: number;
  readonly seconds: number;
  /** Of a fault to an answer on the Modbus line, and a hundredth of it to a byte of the front-end's; 0 to 1. */
  readonly chance: number;
  readonly clamps: Clamps;
  /** Somebody sets the board's clock by so many seconds, half-way. */
  readonly setSeconds?: number;
}

export interface RecordedRun {
  readonly samples: readonly SiteSample[];
  /** What befell the Modbus line. */
  readonly faults: ReadonlySet<string>;
}

const startMs = Date.parse('2026-06-21T19:00:00Z');
const line = { serial: '/dev/ttyUSB0', baud: 19_200 } as const;
const front = { serial: '/dev/ttyAMA0', baud: 115_200 } as const;
const behindMs = 137;
/** What is under way at the end is waited for, milliseconds. */
const restMs = 20_000;

function boardFile(clamps: Clamps): BoardFile {
  const { inverter, battery } = testDevices;
  const meters = {
    sdm630: { driver: 'sdm630', gridChannel: 1, unit: 3, port: 'line' },
    emontx: { ...testDevices.clamps, port: 'front' },
    ade7953: { ...testDevices.clamps, ...chip, port: 'emulated' },
    shelly: { ...testDevices.clamps, driver: 'shelly', form: 'em', prefix: 'shellypro3em', port: 'emulated' },
  } as const;
  return testBoardFile({
    hal: 'real',
    connection: { importLimitW: 100_000, exportLimitW: 2_000 },
    ports: { line, ...(clamps === 'emontx' && { front }) },
    devices: {
      clamps: meters[clamps],
      inverter: { ...inverter, port: 'line' },
      battery: { ...battery, port: 'line' },
    },
  });
}

/** The world's time, which nobody sets. */
const world = { now: () => UnixSeconds(Math.floor((startMs + monotonicMs()) / 1000)) };

/** With the gains of the chip as delivered. */
const clamp = { wattsPerCount: 1 / 154, wattHoursPerCount: 1 / 25_240 };
const chip = { driver: 'ade7953', voltsPerCount: 1 / 26_000, clamps: [clamp, clamp] } as const;

const allEmulated = ({ ports: _ports, ...file }: BoardFile): BoardFile => ({ ...file, hal: 'emulated' });

/** The serial line of a front-end: a message a second to whoever has it open. */
class FrontEndLine implements BytePort {
  readonly name = 'front-end';
  #far: Duplex | undefined;
  #message = 0;

  open(): Promise<Duplex> {
    const [near, far] = duplexPair();
    far.on('error', () => far.destroy());
    far.resume();
    this.#far = far;
    return Promise.resolve(near);
  }

  send({ site }: EmulatedBuilding): void {
    const channels = [
      { powerW: W(site.state.gridW), energyWh: site.netGridWh },
      { powerW: W(site.state.loadW), energyWh: site.consumptionWh },
      ...Array.from({ length: 4 }, () => ({ powerW: W(0), energyWh: Wh(0) })),
    ];
    const text = formatEmon({ message: ++this.#message, voltsRms: 240 + (this.#message % 7) / 10, channels }, 'text');
    if (this.#far?.destroyed === false) this.#far.write(`${text}\r\n`, 'latin1');
  }
}

export async function recordRun({
  path,
  seed,
  seconds,
  chance,
  clamps,
  setSeconds = 0,
}: RunOptions): Promise<RecordedRun> {
  const wall = new VirtualWall({ unixMs: startMs });
  using _time = replaceWallTime(wall);
  await using resources = new AsyncDisposableStack();
  const log = createLog('run', 'silent');
  const file = boardFile(clamps);
  const memory = new Map<string, DeviceMemory>();
  const memoryOf = (role: string): DeviceMemory => {
    const kept = memory.get(role) ?? new PassingMemory();
    memory.set(role, kept);
    return kept;
  };
  const recorder = resources.use(new BoardRecorder({ path, maxBytes: 10_000_000, software: 'test' }, log));
  await recorder.start(file, memoryOf, clamps === 'emontx' ? 10 : undefined);
  const clock = new RealClock({ onEnd: () => undefined, onSkipped: () => undefined });
  const emulated = allEmulated(file);
  let faults: FaultLine | undefined;
  const building = resources.use(
    new EmulatedBuilding({
      file: emulated,
      clock: world,
      seed,
      state: undefined,
      traces: undefined,
      serveBus: (units) => {
        faults = new FaultLine({ seed, chance, answerTimeoutMs: 300, timer: wallTimer, units });
        // Discovery takes dozens of answers in a row.
        faults.isFaulty = false;
        const port = recorder.port('serial /dev/ttyUSB0', 'serial', faults);
        return Promise.resolve(resources.use(modbusBus(port, { baud: line.baud })));
      },
    }),
  );
  await building.startTwins();
  building.site.resumeAt(world.now());
  const frontEnd = new FrontEndLine();
  const chances = { bitFlip: chance / 100, drop: chance / 100, late: chance / 100, close: chance / 1000 };
  const faulty = new FaultyPort(frontEnd, { seed, chances, lateMs: 700 });
  /** The clamps where they are not on the line with the others. */
  const clampWires: { readonly [Name in Clamps]?: (device: BoardDevice) => Wires[Wire] } = {
    emontx: () => recorder.port('serial /dev/ttyAMA0', 'serial', faulty),
    ade7953: (device) => {
      const spi = new FaultySpi(building.wireOf(device) as SpiDevice, { seed, chances, lateMs: 700 });
      return recorder.port('emulated clamps', 'spi', spi);
    },
    shelly: (device) => recorder.port('emulated clamps', 'mqtt', building.wireOf(device) as MqttLink),
  };
  const made = makeDevices({
    file,
    clock,
    wireOf: (device: BoardDevice) =>
      (device.role === 'clamps' ? clampWires[clamps]?.(device) : undefined) ?? building.wireOf(device),
    memoryOf,
  });
  resources.use(made.meter);
  const devices: BoardDevices = recorder.devices(clamps === 'emontx' ? { ...made, frameSeconds: 10 } : made);
  const samples: SiteSample[] = [];
  run({ clock, file, devices, building, frontEnd, samples });
  const halfMs = 500 * seconds + 400;
  if (setSeconds !== 0) wall.at(halfMs, () => wall.setUnixMs(wall.unixMs() + 1000 * setSeconds));
  const stopping = new AbortController();
  const running = clock.run(stopping.signal);
  await wall.runTo(8_000);
  if (faults !== undefined) faults.isFaulty = true;
  await wall.runTo(seconds * 1000);
  stopping.abort();
  await wall.runTo(seconds * 1000 + restMs);
  await running;
  return { samples, faults: new Set(faults?.done.keys()) };
}

interface Run {
  readonly clock: RealClock;
  readonly file: BoardFile;
  readonly devices: BoardDevices;
  readonly building: EmulatedBuilding;
  readonly frontEnd: FrontEndLine;
  readonly samples: SiteSample[];
}

/** What a board does every second, without a head-end. */
function run({ clock, file, devices, building, frontEnd, samples }: Run): void {
  const log = createLog('run', 'silent');
  const utility = { serverNow: wallSeconds, schedule: () => undefined, view: () => undefined, lastError: undefined };
  const health = new Health();
  const starts = new DeviceStarts(devices, health, log);
  const sampler = new Sampler(devices, emptyRegisters, log, health, meterBoundsOf(file));
  const readGrid = (now: UnixSeconds): Promise<GridReadings> => sampler.readGrid(now);
  const loop = new ControlLoop({ file, devices, utility, lfdi: undefined, sampleSeconds: 1, readGrid, log });
  const findDevices = async (now: UnixSeconds): Promise<void> => {
    if (await starts.attempt(now)) loop.start((role) => starts.isStarted(role));
  };
  clock.every({ name: 'field', period: 1, phase: 'field' }, () => {
    // The world knows nothing of the board's seconds.
    deadline(behindMs, () => {
      building.advanceTo(world.now());
      frontEnd.send(building);
    });
  });
  clock.every({ name: 'sample', period: 1, phase: 'sample' }, async (now) => {
    const sampling = sampler.sample(now);
    devices.onSample?.(now, sampling);
    const sample = await sampling;
    samples.push(sample);
    await loop.control(sample, 0);
    await loop.look(now);
  });
  clock.every({ name: 'find devices', period: startRetrySeconds, phase: 'exchange' }, findDevices);
  void findDevices(UnixSeconds(clock.now()));
}
