import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { gridtokenx } from '#cli/test-command.ts';
import { TwinProcess } from './twin-process.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtokenx-'));
});
after(() => rm(folder, { recursive: true }));

test('one device is served with a point held, and ends in order', async () => {
  await using twin = await TwinProcess.start(['sdm630', '--tcp', '0', '--unit', '7', '--set', 'power=1234.5'], 1);
  assert.deepEqual(
    twin.served.map(({ twin: name, unit }) => [name, unit]),
    [['sdm630', 7]],
  );
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', twin.port));
  assert.equal((await client.readInput(7, 0x34, 2)).readFloatBE(0), 1234.5);
  assert.ok((await client.readInput(7, 0, 2)).readFloatBE(0) > 250, 'what is not held is what flows');
  assert.equal(await twin.stop(), 0);
});

test('the devices of a plan share one building', async () => {
  const plan = join(folder, 'plan.yaml');
  await writeFile(
    plan,
    `seed: 3
start: 2026-06-21T19:30:00Z
site: { peakLoadW: 1000, pvRatedW: 50000 }
ports:
  - tcp: 0
    devices:
      - { twin: sdm630, unit: 1 }
      - { twin: sunspec-inverter-legacy, unit: 2 }
  - pty: ${join(folder, 'line')}
    devices: [{ twin: sdm120, unit: 3 }]
`,
  );
  await using twin = await TwinProcess.start([plan], 3);
  assert.equal(twin.served[2]?.at, `rtu ${join(folder, 'line')} 2400`);
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', twin.port));
  // The physics take their first step within a second.
  for (let powerW = 0; powerW === 0; ) powerW = (await client.readHolding(2, 40_084, 1)).readInt16BE(0);
  assert.ok((await client.readInput(1, 0x34, 2)).readFloatBE(0) < 0, 'at noon it exports');
  assert.ok(existsSync(join(folder, 'line')));
  assert.equal(await twin.stop(), 0);
  assert.equal(existsSync(join(folder, 'line')), false);
});

test('the list names every device', async () => {
  const { code, stdout } = await gridtokenx(['twin', '--list', '--json']);
  assert.equal(code, 0);
  const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  for (const name of [
    'sdm120',
    'sdm630',
    'em24',
    'victron-gx',
    'sunspec-inverter',
    'sunspec-battery',
    'sunspec-meter',
  ]) {
    assert.ok(names.includes(name), name);
  }
});

test('what cannot be served is refused with its reason and exit code 2', async () => {
  const bad = join(folder, 'bad.yaml');
  const two = '{ twin: sdm630, unit: 4 }, { twin: em24, unit: 4 }';
  await writeFile(bad, `ports:\n  - tcp: 0\n    devices: [${two}]\n`);
  const cases: readonly (readonly [args: readonly string[], expected: RegExp])[] = [
    [['sdm999', '--tcp', '0'], /GTX-TWN-004 No device is called sdm999/],
    [['sdm630'], /GTX-TWN-004 Expected one of --tcp, --pty, --serial/],
    [['sdm630', '--tcp', '0', '--set', 'volume=3'], /GTX-MTR-004 The sdm630 has no point volume/],
    [['sunspec-meter', '--tcp', '0', '--set', '203.Nothing=3'], /GTX-TWN-001/],
    [['sdm630', '--tcp', '0', '--set', 'power'], /GTX-CLI-002 .*POINT=VALUE/],
    [[bad], /GTX-TWN-003 .*bad\.yaml:3 ports\[0\]\.devices\[1\]\.unit: unit 4 is already taken/],
    [[bad, '--unit', '3'], /GTX-TWN-004 --unit belongs to a single device/],
    [[join(folder, 'none.yaml')], /GTX-TWN-002/],
    [[], /GTX-TWN-004 Neither a plan nor a device/],
  ];
  await Promise.all(
    cases.map(async ([args, expected]) => {
      const { code, stderr } = await gridtokenx(['twin', ...args]);
      assert.match(stderr, expected);
      assert.equal(code, 2, args.join(' '));
    }),
  );
});
