import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { TcpPort } from '#hal/linux/tcp.ts';
import type { BytePort } from '#hal/ports.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { EmonTwin, formatEmon } from '../ct/emon-twin.ts';
import { meterMaps } from '../meter/maps.ts';
import { ModbusTcpClient } from '../modbus/client.ts';
import { TestLine } from '../modbus/line-bench.ts';
import { serveRtuStream } from '../modbus/rtu-server.ts';
import { type RegisterBank, serveModbusTcp } from '../modbus/server.ts';
import { seededGrid } from '../site/grid.ts';
import { Site } from '../site/site.ts';
import { twinKinds } from '../twins.ts';
import { scanUnits } from './scan-units.ts';
import { type LineSetting, searchSerial, settingText } from './serial-search.ts';

const noon = UnixSeconds(1_782_068_400);
const battery = { capacityWh: 20_000, ratedW: 10_000 };

/** Every Modbus twin that there is, by name, before one building at noon. */
function banks(seed: number): ReadonlyMap<string, RegisterBank> {
  const location = { latitude: 37.4, longitude: -122.2, timeZone: 'America/Los_Angeles' };
  const site = new Site(
    { meterId: 'T', building: 'academic', location, pvRatedW: 15_000, peakLoadW: 20_000, battery },
    seed,
  );
  site.grid = seededGrid(seed, { hoursBetween: 1e9, longestSeconds: 1 });
  site.advanceTo(noon);
  site.advanceTo(UnixSeconds(noon + 7200));
  const clock = { now: () => UnixSeconds(noon + 7200) };
  return new Map(
    twinKinds.map((kind) => [kind.name, kind.make({ site, clock, serial: kind.name, pvRatedW: 15_000, battery }).bank]),
  );
}

async function scanTcp(t: TestContext, units: ReadonlyMap<number, RegisterBank>, asked: readonly number[]) {
  const listener = await serveModbusTcp({ port: 0, units });
  t.after(() => listener[Symbol.asyncDispose]());
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', listener.port));
  return await scanUnits(client, { units: asked });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('every meter with a register map is found as itself, and no other is as sure', async (t) => {
  const named = [...banks(3)].filter(([name]) => meterMaps.some((map) => map.name === name));
  const { found } = await scanTcp(t, new Map(named.map(([, bank], i) => [i + 1, bank])), range(1, 20));
  assert.equal(found.length, named.length);
  for (const [i, [name]] of named.entries()) {
    const [best] = found[i]!.meters;
    // A map of powers alone has nothing that only it could show.
    const isBare = ['victron-gx', 'victron-gx-pv', 'adw300'].includes(name);
    assert.equal(best?.map, name);
    assert.equal(best.certainty, isBare ? 'possible' : 'likely', name);
    assert.ok(best.evidence.length > 0);
  }
});

test('SunSpec devices say who they are, what they are and how big', async (t) => {
  const all = banks(1);
  const names = [
    'sunspec-inverter',
    'sunspec-inverter-legacy',
    'sunspec-battery',
    'sunspec-meter',
    'sunspec-battery-legacy',
  ];
  const { found } = await scanTcp(t, new Map(names.map((name, i) => [i + 1, all.get(name)!])), range(1, 6));
  const said = found.map(({ sunSpec }) => [sunSpec?.serial, sunSpec?.parts, sunSpec?.isLegacy, sunSpec?.ratedW]);
  assert.deepEqual(said, [
    ['sunspec-inverter', ['inverter'], false, 15_000],
    ['sunspec-inverter-legacy', ['inverter'], true, 15_000],
    ['sunspec-battery', ['battery'], false, 10_000],
    ['sunspec-meter', ['meter'], false, undefined],
    ['sunspec-battery-legacy', ['inverter', 'battery'], true, 10_000],
  ]);
  assert.deepEqual([found[2]!.sunSpec?.capacityWh, found[4]!.sunSpec?.capacityWh], [20_000, 20_000]);
});

test('a device that answers to several numbers is one device', async (t) => {
  const bank = banks(1).get('sunspec-inverter')!;
  const { found } = await scanTcp(t, new Map([1, 2, 3, 9].map((unit) => [unit, bank])), range(1, 10));
  assert.deepEqual(
    found.map(({ unit, alsoAnswersTo }) => [unit, alsoAnswersTo]),
    [[1, [2, 3, 9]]],
  );
});

test('what answers at random is no meter that is likely', async () => {
  const { judgeMap } = await import('./map-evidence.ts');
  const { decodePoint } = await import('../register-codec.ts');
  const { baseFactor } = await import('../register-map.ts');
  fc.assert(
    fc.property(fc.constantFrom(...meterMaps), fc.uint8Array({ minLength: 1600, maxLength: 1600 }), (map, bytes) => {
      const registers = Buffer.from(bytes);
      const values = new Map(
        map.points.map((point, i) => [point, (decodePoint(point, map, registers, 8 * i) ?? 0) * baseFactor(point)]),
      );
      const { supporting, contradicting } = judgeMap(map, values);
      assert.ok(supporting.length < 3 || contradicting.length > 0, supporting.join('; '));
    }),
  );
});

test('a meter that is identified by its own number is certain, and one of another number is not it', async (t) => {
  const twin = banks(2).get('em24-ethernet')!;
  const withCode = (code: number): RegisterBank => ({
    ...twin,
    read: (address, count) => {
      const registers = Buffer.alloc(2 * count);
      registers.writeUInt16BE(code, 0);
      return address === 0x0b && count === 1 ? registers : 2;
    },
  });
  const units = new Map([1648, 71, 5].map((code, i) => [i + 1, withCode(code)]));
  const { found } = await scanTcp(t, units, [1, 2, 3]);
  assert.deepEqual(found[0]!.meters[0]?.certainty, 'certain');
  assert.match(found[0]!.meters[0].evidence[0]!, /1648/);
  assert.ok(found.slice(1).every(({ meters }) => meters.every(({ map }) => map !== 'em24-ethernet')));
});

/** A line whose devices understand one setting; at every other they hear and send noise. */
function lineSetTo(setting: LineSetting, units: ReadonlyMap<number, RegisterBank>) {
  const tried: string[] = [];
  const portOf = (asked: LineSetting): BytePort => {
    tried.push(settingText(asked));
    if (settingText(asked) === settingText(setting)) return new TestLine((far) => serveRtuStream(far, units));
    return new TestLine((far) => {
      far.on('data', () => far.write(Buffer.of(0x80, 0x1f)));
    });
  };
  return { portOf, tried };
}

test('a line is searched for the setting at which its devices answer, and then asked in whole', async () => {
  const all = banks(4);
  const units = new Map([
    [1, all.get('sdm630')!],
    [17, all.get('sdm120')!],
  ]);
  const { portOf, tried } = lineSetTo({ baud: 19_200, parity: 'even', stopBits: 1 }, units);
  const settings = [
    { baud: 9600, parity: 'none', stopBits: 1 },
    { baud: 19_200, parity: 'even', stopBits: 1 },
    { baud: 2400, parity: 'none', stopBits: 1 },
  ] as const;
  const { finding, damagedAt } = await searchSerial({ portOf, units: [1, 2, 16, 17], settings, answerTimeoutMs: 30 });
  assert.equal(finding && settingText(finding.setting), '19200 8E1');
  assert.deepEqual(
    finding?.found.map(({ unit, meters }) => [unit, meters[0]?.map]),
    [
      [1, 'sdm630'],
      [17, 'sdm120'],
    ],
  );
  assert.deepEqual(damagedAt.map(settingText), ['9600 8N1']);
  assert.ok(!tried.includes('2400 8N1'));
});

test('nobody on the line is nobody', async () => {
  const portOf = (): BytePort => new TestLine(() => undefined);
  const settings = [{ baud: 115_200, parity: 'none', stopBits: 1 }] as const;
  const options = { portOf, units: [1], settings, answerTimeoutMs: 10, listenMs: 20 };
  assert.deepEqual(await searchSerial(options), { finding: undefined, damagedAt: [] });
});

test('a stop is obeyed while a line is opened to be listened to, and while it is', async () => {
  for (const soon of [(stop: () => void) => stop(), setImmediate]) {
    const stopping = new AbortController();
    const portOf = (): BytePort => new TestLine(() => soon(() => stopping.abort(new Error('asked to stop'))));
    const options = { portOf, units: [1], settings: [], listenMs: 60_000, signal: stopping.signal };
    await assert.rejects(searchSerial(options), /asked to stop/);
  }
});

/** A front-end that sends a message in the middle of something else, and answers nothing. */
const speaking = (line: string): BytePort => ({
  name: 'speaking line',
  open: () => {
    const [near, far]: [Duplex, Duplex] = duplexPair();
    far.resume();
    far.write(`30.11,P1:5\r\nemonTx V1.2\r\n${line}\r\n`);
    return Promise.resolve(near);
  },
});

for (const format of ['text', 'json', 'emonpi', 'emontx3cm'] as const) {
  test(`a front-end that sends ${format} is heard`, async () => {
    const channels = Array.from({ length: 4 }, () => ({ powerW: W(512), energyWh: Wh(10) }));
    const line = formatEmon(
      { message: 12, voltsRms: 230, channels: format === 'emonpi' ? channels.slice(2) : channels },
      format,
    );
    const settings = [{ baud: 115_200, parity: 'none', stopBits: 1 }] as const;
    const result = await searchSerial({ portOf: () => speaking(line), units: [1], settings, answerTimeoutMs: 10 });
    const emon = result.finding?.emon;
    assert.equal(emon?.format, format.startsWith('emon') ? 'ok' : format);
    assert.equal(emon?.okFrames?.layout, format.startsWith('emon') ? format : undefined);
    assert.equal(emon?.line, line);
  });
}

test('the twin of a front-end on the wire is heard too', async (t) => {
  const twin = new EmonTwin({ now: () => noon });
  t.after(() => twin[Symbol.asyncDispose]());
  await twin.start();
  twin.emit({ voltsRms: 230, channels: [{ powerW: W(-5), energyWh: Wh(0) }] });
  const { listenForEmon } = await import('./listen-emon.ts');
  const heard = await listenForEmon(new TcpPort('127.0.0.1', twin.port), 1000);
  assert.deepEqual([heard?.format, heard?.channels], ['text', 1]);
});
