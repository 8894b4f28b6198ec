import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { modbusBus } from '#drivers/modbus/bus.ts';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { meterMap, meterMaps } from '#drivers/meter/maps.ts';
import { RegisterMeter } from '#drivers/meter/register-meter.ts';
import { SunSpecBattery } from '#drivers/sunspec/battery.ts';
import { SunSpecInverter } from '#drivers/sunspec/inverter.ts';
import { SunSpecMeter } from '#drivers/sunspec/sunspec-meter.ts';
import { noMemory } from '#drivers/sunspec/twin-bench.ts';
import { twinKinds } from '#drivers/twins.ts';
import { GridError } from '#hal/errors.ts';
import { SerialPort } from '#hal/linux/serial.ts';
import { listenTcp, TcpPort } from '#hal/linux/tcp.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import { delay, wallSeconds } from '#hal/wall.ts';
import { debianPackage } from '#test/debian-packages.ts';
import { TwinProcess } from './twin-process.ts';
import { type Vector, vectors } from './modbus-vectors.ts';

const run = promisify(execFile);
const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const clock = { now: () => UnixSeconds(wallSeconds()) };
const onLine = ['sdm630', 'sdm120', 'em24', 'adw300'];

let folder = '';
/** A site has one inverter and one battery: those of the old models stand in a site of their own. */
let [twins, older]: TwinProcess[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
  const devices = new Map<string, { twin: string; unit: number; set: Record<string, number> }>();
  for (const { twin, unit, hold } of vectors) {
    const device = devices.get(twin) ?? { twin, unit, set: {} };
    device.set[hold[0]] = hold[1];
    devices.set(twin, device);
  }
  const isOlder = ({ twin }: { twin: string }): boolean => twin.endsWith('-legacy');
  const all = [...devices.values()].filter((device) => !isOlder(device));
  const line = all.filter(({ twin }) => onLine.includes(twin));
  const start = async (name: string, ports: readonly object[], count: number): Promise<TwinProcess> => {
    const plan = join(folder, name);
    await writeFile(plan, JSON.stringify({ seed: 7, ports }));
    return TwinProcess.start([plan], count);
  };
  const lines = [
    { tcp: 0, devices: all },
    { pty: join(folder, 'line'), baud: 9600, devices: line },
  ];
  const old = [...devices.values()].filter(isOlder);
  [twins, older] = await Promise.all([
    start('plan.yaml', lines, all.length + line.length),
    start('older.yaml', [{ tcp: 0, devices: old }], old.length),
  ]);
});

after(async () => {
  const codes = [await twins?.stop(), await older?.stop()];
  assert.equal(existsSync(join(folder, 'line')), false, 'the link to the pseudo-terminal goes with the twins');
  await rm(folder, { recursive: true });
  assert.deepEqual(codes, [0, 0], 'Ctrl-C ends the twins in order');
});

/** The vectors by the TCP port at which their twins are. */
const byPort = (): readonly (readonly [port: number, readonly Vector[]])[] => [
  [twins!.port, vectors.filter(({ twin }) => !twin.endsWith('-legacy'))],
  [older!.port, vectors.filter(({ twin }) => twin.endsWith('-legacy'))],
];

test('every twin, and with it every register map, has values from an independent source, and of each kind', () => {
  const held = new Map<string, Set<string>>();
  for (const { twin, hold } of vectors) held.set(twin, (held.get(twin) ?? new Set()).add(hold[0]));
  assert.deepEqual([...held.keys()].toSorted(), twinKinds.map(({ name }) => name).toSorted());
  for (const { name, points } of meterMaps) {
    const quantities = new Set(points.map(({ quantity }) => quantity));
    const seen = new Set(points.filter((point) => held.get(name)?.has(point.name)).map(({ quantity }) => quantity));
    assert.deepEqual(
      [...quantities].filter((quantity) => !seen.has(quantity)),
      [],
      name,
    );
  }
});

const agree = (vector: Vector, value: number | string): void => {
  assert.equal(value, vector.raw, `${vector.twin} ${vector.as} at ${vector.at}`);
};

const mbpollTypes: Readonly<Record<Vector['as'], readonly string[]>> = {
  u16: [''],
  i16: [''],
  u32: [':int', '-B'],
  i32: [':int', '-B'],
  i32s: [':int'],
  f32: [':float', '-B'],
};

async function mbpoll(vector: Vector, place: readonly string[]): Promise<number> {
  const [suffix, ...order] = mbpollTypes[vector.as];
  const type = `${vector.fn === 4 ? 3 : 4}${suffix}`;
  const args = ['-0', '-1', '-q', '-a', String(vector.unit), '-t', type, ...order, '-r', String(vector.at), '-c', '1'];
  const { stdout } = await run('mbpoll', [...args, ...place]);
  const [, plain, signed] = /^\[\d+\]:\s+(\S+)(?:\s+\((-\d+)\))?/m.exec(stdout) ?? [];
  return Number(vector.as === 'i16' && signed !== undefined ? signed : plain);
}

test('mbpoll finds the physical values at every twin, by TCP', async (t) => {
  if (!debianPackage(t, 'mbpoll')) return;
  for (const [port, asked] of byPort()) {
    const place = ['-m', 'tcp', '-p', String(port), '127.0.0.1'];
    for (const vector of asked) agree(vector, await mbpoll(vector, place));
  }
});

test('mbpoll finds the physical values on a serial line', async (t) => {
  if (!debianPackage(t, 'mbpoll')) return;
  const place = ['-m', 'rtu', '-b', '9600', '-P', 'none', join(folder, 'line')];
  for (const vector of vectors.filter(({ twin }) => onLine.includes(twin))) agree(vector, await mbpoll(vector, place));
});

/** Runs a program with `input` on stdin; what it printed. */
async function piped(command: string, args: readonly string[], input: string): Promise<string> {
  const child = run(command, args);
  child.child.stdin?.end(input);
  return (await child).stdout;
}

test('python3-pymodbus finds the physical values at every twin', async (t) => {
  // It does not start without the other, though the package only recommends it.
  if (!debianPackage(t, 'python3-pymodbus') || !debianPackage(t, 'python3-serial-asyncio')) return;
  for (const [port, vectorsThere] of byPort()) {
    const asked = vectorsThere.map(({ unit, fn, at, as }) => [unit, fn, at, as]);
    const output = await piped('/usr/bin/python3', [program('pymodbus_read.py'), String(port)], JSON.stringify(asked));
    const values = JSON.parse(output) as (number | string)[];
    vectorsThere.forEach((vector, i) => agree(vector, values[i]!));
  }
});

test('libmodbus finds the physical values at every twin, by TCP and on a serial line', async (t) => {
  if (!debianPackage(t, 'libmodbus-dev') || !debianPackage(t, 'gcc') || !debianPackage(t, 'libc6-dev')) return;
  const binary = join(folder, 'libmodbus_read');
  await run('gcc', ['-O1', '-Wall', '-o', binary, program('libmodbus_read.c'), '-lmodbus']);
  const read = async (asked: readonly Vector[], ...place: string[]): Promise<void> => {
    const lines = asked.map(({ unit, fn, at, as }) => `${unit} ${fn} ${at} ${as}\n`).join('');
    const values = (await piped(binary, place, lines)).trim().split('\n');
    assert.equal(values.length, asked.length);
    asked.forEach((vector, i) => agree(vector, Number(values[i])));
  };
  for (const [port, asked] of byPort()) await read(asked, 'tcp', String(port));
  await read(
    vectors.filter(({ twin }) => onLine.includes(twin)),
    'rtu',
    join(folder, 'line'),
  );
});

test('our own drivers share one serial line, one scheduler and one persistent open', async () => {
  await using bus = modbusBus(new SerialPort({ serial: join(folder, 'line'), baud: 9600 }), { baud: 9600 });
  const meters = [
    ['sdm630', 1],
    ['sdm120', 2],
    ['em24', 3],
    ['adw300', 5],
  ] as const;
  const started = meters.map(([name, unit]) => new RegisterMeter(meterMap(name), bus, unit, clock));
  await Promise.all(started.map((meter) => meter.start()));
  const readings = await Promise.all(started.map((meter) => meter.read()));
  assert.deepEqual(
    readings.map(({ powerW }) => powerW),
    [1235, -2500, -12_346, -98_765],
  );
  await assert.rejects(bus.readHolding(9, 0, 1), (error: GridError) => error.code === 'GTX-MOD-003');
  assert.equal((await started[1]!.read()).importWh, 99_500, 'a silent unit takes nothing from the others');
});

test('our drivers read a pymodbus server laid out from the SunSpec model files', async (t) => {
  // It does not start without the other, though the package only recommends it.
  if (!debianPackage(t, 'python3-pymodbus') || !debianPackage(t, 'python3-serial-asyncio')) return;
  const models = fileURLToPath(new URL('../../../shared/sunspec/json', import.meta.url));
  if (!existsSync(models)) {
    t.skip('the SunSpec model files (../shared/sunspec/json) are not there');
    return;
  }
  const common = { Mn: 'Peer', Md: 'By pymodbus', SN: 'P-1' };
  const units = {
    1: {
      1: common,
      103: {
        W: 1234,
        W_SF: 1,
        WH: 7_000_000,
        WH_SF: 0,
        St: 4,
        Evt1: 0,
        A_SF: 0,
        V_SF: -1,
        PhVphA: 2301,
        Hz: 5001,
        Hz_SF: -2,
      },
      120: { DERTyp: 4, WRtg: 2000, WRtg_SF: 1 },
      123: {
        Conn_WinTms: 0,
        Conn_RvrtTms: 0,
        Conn: 1,
        WMaxLimPct: 100,
        WMaxLimPct_WinTms: 0,
        WMaxLimPct_RvrtTms: 0,
        WMaxLimPct_RmpTms: 0,
        WMaxLim_Ena: 0,
        WMaxLimPct_SF: 0,
      },
    },
    2: {
      1: common,
      103: { W: -345, W_SF: 1, WH: 0, WH_SF: 0, St: 4, Evt1: 0, A_SF: 0, V_SF: -1, PhVphA: 2301, Hz: 5001, Hz_SF: -2 },
      120: { DERTyp: 82, WRtg: 500, WRtg_SF: 1, WHRtg: 120, WHRtg_SF: 2, MaxDisChaRte: 400, MaxDisChaRte_SF: 1 },
      124: {
        WChaMax: 5_000,
        WChaMax_SF: 0,
        StorCtl_Mod: 0,
        OutWRte: 100,
        InWRte: 100,
        InOutWRte_WinTms: 0,
        InOutWRte_RvrtTms: 0,
        InOutWRte_RmpTms: 0,
        ChaGriSet: 1,
        ChaState: 55,
        ChaState_SF: 0,
        InOutWRte_SF: 0,
      },
      802: { WHRtg: 11_800, WHRtg_SF: 0, SoC: 543, SoC_SF: -1, LocRemCtl: 0, Hb: 7, CtrlHb: 0 },
    },
    3: {
      1: common,
      701: { W: 2_222, W_SF: 0, TotWhInj: 5_000_000_000, TotWhAbs: 77, TotWh_SF: 0, ConnSt: 1, InvSt: 3, Alrm: 0 },
      702: { WMaxRtg: 800, WMax: 800, W_SF: 1, VAMaxRtg: 800, VA_SF: 1 },
      704: {
        WMaxLimPctEna: 0,
        WMaxLimPct: 1000,
        WMaxLimPctRvrt: 1000,
        WMaxLimPctEnaRvrt: 0,
        WMaxLimPctRvrtTms: 0,
        WMaxLimPct_SF: -1,
        WSetEna: 0,
        WSetMod: 1,
        WSet: 0,
        WSetRvrt: 0,
        WSetEnaRvrt: 0,
        WSetRvrtTms: 0,
        WSet_SF: 1,
      },
      713: { WHRtg: 200, SoC: 77, WH_SF: 2, Pct_SF: 0 },
      715: { LocRemCtl: 0, DERHb: 9, ControllerHb: 0 },
    },
    200: {
      1: common,
      203: {
        W: -777,
        W_SF: 0,
        TotWhImp: 4_000,
        TotWhExp: 123,
        TotWh_SF: 1,
        Hz: 4_999,
        Hz_SF: -2,
        PhVphA: 2305,
        PhVphB: 2306,
        PhVphC: 2307,
        V_SF: -1,
        AphA: 11,
        AphB: 12,
        AphC: 13,
        A_SF: -1,
      },
    },
  };
  await using listener = await listenTcp(0, (stream) => stream.destroy());
  const { port } = listener;
  await listener[Symbol.asyncDispose]();
  const server = spawn('/usr/bin/python3', [program('pymodbus_sunspec.py'), String(port), models], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  t.after(() => server.kill());
  let talk = '';
  server.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  server.stdin.end(JSON.stringify(units));
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', port));
  for (let isUp = false; !isUp; ) {
    assert.equal(server.exitCode, null, talk);
    isUp = await client.start().then(
      () => true,
      () => delay(50).then(() => false),
    );
  }
  const plant = new SunSpecInverter(client, 1, clock);
  await plant.start();
  assert.deepEqual(plant.nameplate(), { manufacturer: 'Peer', model: 'By pymodbus', serial: 'P-1', ratedW: 20_000 });
  assert.deepEqual(await plant.read(), { powerW: 12_340, generationWh: 7_000_000 });
  await plant.limitPower(W(5_000), 60);
  const limit = await client.readHolding(1, 40_000 + 2 + 68 + 52 + 28 + 5, 5);
  assert.deepEqual(
    [0, 2, 4, 6, 8].map((offset) => limit.readUInt16BE(offset)),
    [25, 0, 60, 0, 1],
  );
  const registersAt = async (address: number, unit: number, count: number): Promise<number[]> => {
    const registers = await client.readHolding(unit, address, count);
    return Array.from({ length: count }, (_, i) => registers.readInt16BE(2 * i));
  };
  const context = { clock, memory: noMemory };
  const [cells, storage] = [new SunSpecBattery(client, 2, context), new SunSpecBattery(client, 3, context)];
  await Promise.all([cells.start(), storage.start()]);
  const plate = { manufacturer: 'Peer', model: 'By pymodbus', serial: 'P-1' };
  assert.deepEqual(cells.nameplate(), {
    ...plate,
    ratedW: 5_000,
    capacityWh: 11_800,
    maxChargeW: 5_000,
    maxDischargeW: 4_000,
  });
  const { powerW: cellsW, stateOfChargeCentiPercent } = await cells.read();
  assert.deepEqual([cellsW, stateOfChargeCentiPercent], [-3_450, 5_430]);
  const model124 = 40_002 + 68 + 52 + 28;
  await cells.setPower(W(-2_500), 60);
  assert.deepEqual(await registersAt(model124 + 12, 2, 4), [-62, 50, 0, 60], 'to the percent, toward rest');
  assert.deepEqual(await registersAt(model124 + 5, 2, 1), [3]);
  assert.deepEqual(await registersAt(model124 + 26 + 19, 2, 1), [1], 'the heartbeat of 802');
  assert.equal(storage.nameplate().capacityWh, 20_000);
  assert.deepEqual(await storage.read(), {
    powerW: 2_222,
    stateOfChargeCentiPercent: 7_700,
    acChargeWh: 77,
    acDischargeWh: 5_000_000_000,
    dcChargeWh: 77,
    dcDischargeWh: 5_000_000_000,
  });
  const model704 = 40_002 + 68 + 155 + 52;
  await storage.setPower(W(1_239), 90);
  assert.deepEqual(await registersAt(model704 + 22, 3, 4), [1, 1, 0, 123], 'WSetEna, WSetMod, WSet in tens of watts');
  assert.deepEqual(await registersAt(model704 + 31, 3, 2), [0, 90], 'a timer of 32 bits');
  await storage.setMode('limitW', W(4_000), { revertSeconds: 120, revertTo: W(0) });
  assert.deepEqual(await registersAt(model704 + 14, 3, 6), [1, 500, 0, 1, 0, 120]);
  const meter = new SunSpecMeter(client, 200, clock);
  await meter.start();
  const { powerW, importWh, exportWh, frequencyMilliHz, phases } = await meter.read();
  assert.deepEqual(
    { powerW, importWh, exportWh, frequencyMilliHz },
    { powerW: -777, importWh: 40_000, exportWh: 1_230, frequencyMilliHz: 49_990 },
  );
  assert.equal(phases[2]?.voltageMilliV, 230_700);
  assert.equal(phases[2]?.currentMilliA, 1_300);
});
