import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { blockHeadBytes, fileHead } from '#hal/recording/block.ts';
import type { Recording } from '#hal/recording/recording.ts';
import { readRecording } from '#hal/recording/recording.ts';
import { W, UnixSeconds } from '#hal/units.ts';
import { PassingMemory } from '../runtime/device-memory.ts';
import { BoardSite } from '../runtime/board-site.ts';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { testBoardFile, testDevices } from '../test-board-file.ts';
import { boardFrame } from './board-frames.ts';
import { replayBoard } from './board-replay.ts';
import { BoardRecorder } from './board-recorder.ts';
import { boardIn } from './recorded-board.ts';

const log = createLog('test', 'silent');

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gtx-recorder-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const optionsOf = (path: string) => ({ path, maxBytes: 1_000_000, software: '1.2.3' });

test('a recording has the devices and their ports, and neither passwords nor where the board stands', async (t) => {
  const path = join(folder(t), 'site.gtxr');
  const file = testBoardFile({
    hal: 'real',
    location: { latitude: 37.4275, longitude: -122.1697, timeZone: 'America/Los_Angeles' },
    homeAssistant: { mqtt: 'secret-broker:1883', user: 'secret-user', passwordFile: '/etc/secret-password' },
    ports: {
      broker: { mqtt: 'meters:1883', user: 'secret-user', passwordFile: '/etc/secret-password' },
      line: { serial: '/dev/ttyUSB0', baud: 9600 },
    },
    devices: {
      clamps: { driver: 'shelly', gridChannel: 1, port: 'broker', form: 'em', prefix: 'shellies/em-1' },
      inverter: { ...testDevices.inverter, port: 'line' },
      battery: { ...testDevices.battery, port: 'emulated' },
    },
  });
  const recorder = new BoardRecorder(optionsOf(path), log);
  const memory = new PassingMemory({ nWh: 12 });
  await recorder.start(file, (role) => (role === 'clamps' ? memory : new PassingMemory()), 10);
  await recorder[Symbol.asyncDispose]();
  const { header } = readRecording(path);
  assert.deepEqual(header.ports, [
    { name: 'mqtt meters:1883', wire: 'mqtt' },
    { name: 'serial /dev/ttyUSB0', wire: 'modbus', baud: 9600 },
    { name: 'emulated bus', wire: 'modbus', isChecked: true, isEmulated: true },
  ]);
  assert.deepEqual(header.devices, {
    clamps: { port: 0, memory: '{"nWh":12}' },
    inverter: { port: 1 },
    battery: { port: 2 },
  });
  assert.equal(header.frameSeconds, 10);
  const bytes = readFileSync(path);
  const text = inflateRawSync(bytes.subarray(fileHead.length + blockHeadBytes)).toString();
  assert.ok(text.includes('TEST_001') && !/secret|37\.4|Los_Angeles/.test(text), text);
});

test('a disk that refuses a recording keeps the board from nothing', async (t) => {
  const told: string[] = [];
  const listening = { ...log, error: (_data: unknown, text: string) => told.push(text) } as unknown as typeof log;
  const recorder = new BoardRecorder(optionsOf(join(folder(t), 'none', 'site.gtxr')), listening);
  await recorder.start(testBoardFile(), () => new PassingMemory(), undefined);
  assert.deepEqual(told, ['nothing is recorded']);
  assert.ok(recorder.port('emulated clamps', 'tcp', { name: 'line', open: () => Promise.reject(new Error('none')) }));
  await recorder[Symbol.asyncDispose]();
});

test('a board with emulated devices is recorded at their ports, calls and all, and replayed alike', async (t) => {
  const root = folder(t);
  const path = join(root, 'site.gtxr');
  const clock = new VirtualClock(UnixSeconds(1_800_000_000));
  const recorder = new BoardRecorder(optionsOf(path), log);
  const file = testBoardFile();
  const site = new BoardSite({ file, clock, dataFolder: root, seed: 1, recorder });
  const devices = await site.start();
  await devices.meter.start();
  await devices.inverter?.start();
  await devices.battery?.start();
  await clock.runUntil({ time: 1_800_000_005, phase: 0 });
  const reading = await devices.inverter?.read();
  await devices.battery?.setPower(W(500), 60);
  assert.equal(devices.inverter?.ratings().maxW, 10_000);
  await assert.rejects(devices.inverter.limitPower(W(-1), 60), GridError);
  await site[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  const recording = readRecording(path);
  const calls = recording.frames.flatMap((frame) => boardFrame(frame) ?? []).filter(({ kind }) => kind === 'call');
  assert.deepEqual(
    calls.map((call) => ('method' in call ? `${call.role} ${call.method} ${JSON.stringify(call.args)}` : '')),
    [
      'clamps start []',
      'inverter start []',
      'battery start []',
      'battery setPower [500,60]',
      'inverter limitPower [-1,60]',
    ],
  );
  const onPort = (name: string) =>
    recording.frames.filter(({ port, kind }) => recording.header.ports[port]?.name === name && kind === 'received');
  assert.ok(onPort('emulated bus').length > 10 && reading !== undefined);
  assert.ok(onPort('emulated clamps').length > 0);
  const report = await replayBoard({ recording, log });
  // The read was of no sample.
  assert.deepEqual(report, { samples: 0, differing: 0, unrecorded: 0, lost: 0 });
});

test('a recording of a board that this program does not know is refused with the version that made it', () => {
  const recording = (board: object): Recording => ({
    path: 'site.gtxr',
    header: {
      software: '9.0.0',
      startedAtMs: 0,
      board: { meterId: 'TEST_001', name: 'Test', ...board },
      ports: [{ name: 'line', wire: 'bytes' }],
      devices: { clamps: { port: 0 }, inverter: { port: 0 } },
    },
    frames: [],
    end: { at: 'end', offset: 0 },
  });
  const { path: _path, location: _location, ...known } = testBoardFile();
  const { clamps, inverter } = testDevices;
  const boards = [
    {},
    { ...known, devices: { clamps: { driver: 'of-2031', gridChannel: 1 } } },
    { ...known, devices: { inverter } },
    // A Modbus device on a port of bytes.
    { ...known, devices: { clamps, inverter } },
  ];
  for (const board of boards) {
    assert.throws(() => boardIn(recording(board)), { code: 'GTX-REC-006', hint: /9\.0\.0/ });
  }
  assert.equal(boardIn(recording({ ...known, devices: { clamps } })).devices.clamps?.driver, 'emontx');
});
