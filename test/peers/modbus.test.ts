import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import modbusSerial from 'modbus-serial';
import { ModbusTcpClient } from '#drivers/modbus/client.ts';
import { serveModbusTcp } from '#drivers/modbus/server.ts';
import { SunSpecBattery } from '#drivers/sunspec/battery.ts';
import { SunSpecBatteryTwin } from '#drivers/sunspec/battery-twin.ts';
import { SunSpecInverter } from '#drivers/sunspec/inverter.ts';
import { noMemory } from '#drivers/sunspec/twin-bench.ts';
import { SunSpecInverterTwin } from '#drivers/sunspec/inverter-twin.ts';
import { GridError } from '#hal/errors.ts';
import { listenTcp, TcpPort } from '#hal/linux/tcp.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import { debianPackage } from '#test/debian-packages.ts';

const { default: ModbusRtu, ServerTCP } = modbusSerial;

const clock = { now: () => UnixSeconds(1_700_000_000) };
const inverter = { ratedW: 20_000, serial: 'PV-7', powerW: () => 12_345, energyWh: () => 7_654_321 };
const battery = {
  ratedW: 15_000,
  capacityWh: 30_000,
  serial: 'BAT-7',
  acPowerW: () => -2_500,
  socCentiPercent: () => 6_543,
  acChargeWh: () => 5_000_000_000,
  acDischargeWh: () => 4,
  dcChargeWh: () => 3,
  dcDischargeWh: () => 2,
};

/** Both twins on one port: the inverter is unit 1, the battery unit 2. */
async function twins() {
  const pv = new SunSpecInverterTwin(inverter, clock);
  const store = new SunSpecBatteryTwin(battery, clock);
  const units = new Map([
    [1, pv.bank],
    [2, store.bank],
  ]);
  return { pv, store, server: await serveModbusTcp({ port: 0, units }) };
}

/** modbus-serial takes 0 for 502. */
async function freePort(): Promise<number> {
  await using listener = await listenTcp(0, (stream) => stream.destroy());
  return listener.port;
}

const model103 = 40002 + 68;
const model123 = model103 + 52 + 28;

test("modbus-serial's client reads and writes our server", async () => {
  const { pv, server } = await twins();
  await using _ = server;
  const peer = new ModbusRtu();
  await peer.connectTCP('127.0.0.1', { port: server.port });
  try {
    peer.setID(1);
    assert.equal((await peer.readHoldingRegisters(40000, 2)).buffer.toString('latin1'), 'SunS');
    assert.deepEqual((await peer.readHoldingRegisters(model103 + 14, 2)).data, [12_345, 0]);
    await peer.writeRegisters(model123 + 5, [2500, 0, 60, 0, 1]);
    assert.equal(pv.effectiveLimitW(clock.now()), 5_000);
    await peer.writeRegister(model123 + 5, 5000);
    assert.equal(pv.effectiveLimitW(clock.now()), 10_000);
    await assert.rejects(peer.writeRegister(model103 + 14, 1), { modbusCode: 2 });
    await assert.rejects(peer.readInputRegisters(40000, 1), { modbusCode: 1 });
    peer.setID(3);
    await assert.rejects(peer.readHoldingRegisters(40000, 1), { modbusCode: 11 });
  } finally {
    await new Promise<void>((resolve) => {
      peer.close(() => resolve());
    });
  }
});

test("our client reads and writes modbus-serial's server", async () => {
  const registers = new Map<number, number>();
  const port = await freePort();
  const peer = new ServerTCP(
    {
      getHoldingRegister: (address: number) => registers.get(address) ?? 0,
      getInputRegister: (address: number) => address,
      setRegister: (address: number, value: number) => {
        registers.set(address, value);
      },
    },
    { host: '127.0.0.1', port, unitID: 5 },
  );
  try {
    await new Promise<void>((resolve) => {
      peer.on('initialized', () => resolve());
    });
    await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', port));
    await client.writeHolding(5, 100, Buffer.from('0001fffe1234', 'hex'));
    await client.writeSingle(5, 103, 77);
    assert.equal((await client.readHolding(5, 100, 4)).toString('hex'), '0001fffe1234004d');
    assert.equal((await client.readInput(5, 7, 1)).readUInt16BE(0), 7);
    await assert.rejects(client.readHolding(5, 100, 126), (error: GridError) => error.code === 'GTX-MOD-004');
  } finally {
    await new Promise<void>((resolve) => {
      peer.close(() => resolve());
    });
  }
});

test('both drivers run their twins over one connection', async () => {
  const { pv, store, server } = await twins();
  await using _ = server;
  await using client = new ModbusTcpClient(new TcpPort('127.0.0.1', server.port), { maxInFlight: 4 });
  const [plant, cells] = [
    new SunSpecInverter(client, 1, clock),
    new SunSpecBattery(client, 2, { clock, memory: noMemory }),
  ];
  await Promise.all([plant.start(), cells.start()]);
  const [reading, state] = await Promise.all([plant.read(), cells.read()]);
  assert.deepEqual(reading, { powerW: 12_345, generationWh: 7_654_321 });
  assert.equal(state.acChargeWh, 5_000_000_000);
  assert.equal(state.stateOfChargeCentiPercent, 6_543);
  await Promise.all([plant.limitPower(W(7_000), 30), cells.setPower(W(-9_999), 30)]);
  assert.equal(pv.effectiveLimitW(clock.now()), 7_000);
  assert.equal(store.effectivePowerW(clock.now()), -9_999);
});

const run = promisify(execFile);

/** mbpoll counts from 1 unless told -0; its values stand as `[address]: value`. */
async function mbpoll(port: number, args: readonly string[]): Promise<string> {
  const common = ['-m', 'tcp', '-p', String(port), '-0', '-1', '-q'];
  const { stdout } = await run('mbpoll', [...common, ...args]);
  return stdout;
}

test("Debian's mbpoll reads and writes the twins", async (t) => {
  if (!debianPackage(t, 'mbpoll')) return;
  const { pv, store, server } = await twins();
  await using _ = server;
  const values = async (args: readonly string[]): Promise<number[]> => {
    const output = await mbpoll(server.port, args);
    return [...output.matchAll(/^\[\d+\]:\s+(-?\d+)/gm)].map((match) => Number(match[1]));
  };
  const host = '127.0.0.1';
  assert.deepEqual(await values(['-a', '1', '-t', '4', '-r', '40000', '-c', '2', host]), [0x5375, 0x6e53]);
  const energy = ['-a', '1', '-t', '4:int', '-B', '-r', String(model103 + 24), '-c', '1', host];
  assert.deepEqual(await values(energy), [7_654_321]);
  await mbpoll(server.port, ['-a', '1', '-t', '4', '-r', String(model123 + 5), host, '1000', '0', '60', '0', '1']);
  assert.equal(pv.effectiveLimitW(clock.now()), 2_000);
  const model704 = 40002 + 68 + 155 + 52;
  await mbpoll(server.port, ['-a', '2', '-t', '4:int', '-B', '-r', String(model704 + 24), host, '--', '-1234']);
  await mbpoll(server.port, ['-a', '2', '-t', '4', '-r', String(model704 + 22), host, '1']);
  assert.equal(store.effectivePowerW(clock.now()), -1_234);
  await assert.rejects(mbpoll(server.port, ['-a', '1', '-t', '4', '-r', String(model103 + 14), host, '1']));
  await assert.rejects(mbpoll(server.port, ['-a', '9', '-t', '4', '-r', '40000', host]));
});
