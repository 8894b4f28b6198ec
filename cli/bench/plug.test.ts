import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { EmulatedBroker } from '#hal/emulated/mqtt.ts';
import type { BytePort, MqttLink, SpiDevice } from '#hal/ports.ts';
import { Plug } from './plug.ts';

test('a line that is pulled loses its stream and opens no other until it is plugged in again', async () => {
  const plug = new Plug();
  const line: BytePort = { name: 'line', isChecked: true, open: () => Promise.resolve(duplexPair()[0]) };
  const port = plug.wire('bytes', line) as BytePort;
  assert.deepEqual([port.name, port.isChecked], ['line', true]);
  const stream = await port.open();
  await plug.pull();
  assert.equal(stream.closed, true);
  await assert.rejects(port.open(), { code: 'GTX-BEN-010' });
  plug.restore();
  assert.equal((await port.open()).destroyed, false);
});

test('a chip that is pulled answers nothing', async () => {
  const plug = new Plug();
  const chip: SpiDevice = {
    name: 'chip',
    start: () => Promise.resolve(),
    transfer: (sent) => Promise.resolve(sent),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using wired = plug.wire('spi', chip) as SpiDevice;
  await wired.start();
  const sent = Buffer.of(1);
  assert.equal(await wired.transfer(sent), sent);
  await plug.pull();
  await assert.rejects(wired.transfer(sent), { code: 'GTX-BEN-010' });
});

test('a broker that is pulled is heard no more, and takes nothing', async () => {
  const plug = new Plug();
  const broker = new EmulatedBroker();
  await using link = plug.wire('mqtt', broker.link('meter')) as MqttLink;
  await link.start();
  const heard: string[] = [];
  await link.subscribe('meter/#', (topic) => heard.push(topic));
  broker.publish('meter/1', '');
  await plug.pull();
  broker.publish('meter/2', '');
  assert.equal(link.isConnected, false);
  await assert.rejects(link.publish('meter/3', ''), { code: 'GTX-BEN-010' });
  plug.restore();
  broker.publish('meter/4', '');
  assert.deepEqual([heard, link.isConnected], [['meter/1', 'meter/4'], true]);
});
