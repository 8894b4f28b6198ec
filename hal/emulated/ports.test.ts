import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '../units.ts';
import { EmulatedGpio } from './gpio.ts';
import { EmulatedI2c } from './i2c.ts';
import { EmulatedBroker } from './mqtt.ts';
import { EmulatedSpi } from './spi.ts';
import { VirtualClock } from './virtual-clock.ts';
import { EmulatedWatchdog } from './watchdog.ts';

test('an SPI chip answers as many bytes as it is clocked, once the bus is started', async () => {
  await using device = new EmulatedSpi('0.0', (sent) => Buffer.from(sent.map((byte) => byte ^ 0xff)));
  await assert.rejects(device.transfer(Buffer.of(1)), { code: 'GTX-HAL-006' });
  await device.start();
  assert.deepEqual(await device.transfer(Buffer.of(0, 0x0f)), Buffer.of(0xff, 0xf0));
  await using short = new EmulatedSpi('0.1', () => Buffer.of(1));
  await short.start();
  await assert.rejects(short.transfer(Buffer.of(1, 2)), RangeError);
});

test('an I2C bus has an answer where a chip is, and an error where none is', async () => {
  await using bus = new EmulatedI2c('1', new Map([[0x48, (written, length) => Buffer.alloc(length, written[0])]]));
  await assert.rejects(bus.transfer(0x48, Buffer.of(7), 2), { code: 'GTX-HAL-006' });
  await bus.start();
  assert.deepEqual(await bus.transfer(0x48, Buffer.of(7), 2), Buffer.of(7, 7));
  await assert.rejects(bus.transfer(0x49, Buffer.of(7), 2), { code: 'GTX-HAL-005' });
  bus.chips.delete(0x48);
  await assert.rejects(bus.transfer(0x48, Buffer.of(7), 2), { code: 'GTX-HAL-005' });
});

test('a GPIO line is active by its polarity, rests at its bias, tells its changes, and has one user', async () => {
  const chip = new EmulatedGpio('0');
  const output = chip.output({ line: 17, isActiveLow: true });
  await assert.rejects(output.set(true), { code: 'GTX-HAL-006' });
  await output.start();
  assert.equal(chip.isHigh(17), true);
  await output.set(true);
  assert.equal(chip.isHigh(17), false);
  await assert.rejects(chip.output({ line: 17 }).start(), { code: 'GTX-HAL-009' });
  await output[Symbol.asyncDispose]();
  await using again = chip.output({ line: 17 });
  await again.start();

  await using input = chip.input({ line: 4, isActiveLow: true, bias: 'pullUp' });
  await input.start();
  assert.equal(await input.read(), false);
  const changes: boolean[] = [];
  const watch = input.onChange((isActive) => changes.push(isActive));
  chip.drive(4, false);
  chip.drive(4, false);
  assert.equal(await input.read(), true);
  chip.drive(4, undefined);
  watch[Symbol.dispose]();
  chip.drive(4, false);
  assert.deepEqual(changes, [true, false]);
});

test('a broker carries topics to their filters, keeps what is retained, and its links outlive an outage', async () => {
  const broker = new EmulatedBroker();
  broker.publish('meter/1/power', '5', true);
  await using link = broker.link('home');
  await assert.rejects(link.publish('a', 'b'), { code: 'GTX-HAL-012' });
  await link.start();
  const got: string[] = [];
  await link.subscribe('meter/+/power', (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  broker.publish('meter/2/power', '6');
  broker.publish('meter/2/energy', '7');
  let connects = 0;
  using _watch = link.onConnect(() => connects++);
  broker.isUp = false;
  assert.equal(link.isConnected, false);
  await assert.rejects(link.publish('a', 'b'), { code: 'GTX-HAL-012' });
  broker.publish('meter/2/power', 'lost');
  await assert.rejects(broker.link('late').start(), { code: 'GTX-HAL-011' });
  broker.isUp = true;
  await link.publish('meter/3/power', '8');
  assert.deepEqual(got, ['meter/1/power 5', 'meter/2/power 6', 'meter/1/power 5', 'meter/3/power 8']);
  assert.equal(connects, 1);
});

test('a watchdog bites when no beat comes in its time, and not after an end in order', async () => {
  const clock = new VirtualClock(UnixSeconds(100));
  const watchdog = new EmulatedWatchdog(clock, 15);
  await assert.rejects(watchdog.beat(), { code: 'GTX-HAL-006' });
  await watchdog.start();
  clock.setNow(UnixSeconds(115));
  assert.equal(watchdog.isExpired, false);
  await watchdog.beat();
  clock.setNow(UnixSeconds(131));
  assert.equal(watchdog.isExpired, true);
  await watchdog[Symbol.asyncDispose]();
  assert.equal(watchdog.isExpired, false);
});
