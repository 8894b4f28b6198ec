import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { EmulatedGpio } from './emulated/gpio.ts';
import { EmulatedI2c } from './emulated/i2c.ts';
import { EmulatedSpi } from './emulated/spi.ts';
import { VirtualClock } from './emulated/virtual-clock.ts';
import { EmulatedWatchdog } from './emulated/watchdog.ts';
import type { GpioChip } from './ports.ts';
import { selfTestGpio, selfTestI2c, selfTestSerial, selfTestSpi, selfTestWatchdog } from './self-test.ts';
import { UnixSeconds } from './units.ts';

/** A chip with a wire between lines 17 and 27. */
function joined(): GpioChip {
  const chip = new EmulatedGpio('0');
  return {
    name: chip.name,
    input: (options) => chip.input(options),
    output: (options) => {
      const line = chip.output(options);
      return {
        name: line.name,
        start: () => line.start(),
        set: async (isActive) => {
          await line.set(isActive);
          chip.drive(27, isActive);
        },
        [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
      };
    },
  };
}

const line = (map: (chunk: Buffer) => Buffer) => ({
  name: 'serial loop',
  open: async () => {
    const [near, far] = duplexPair();
    far.on('data', (chunk: Buffer) => far.write(map(chunk)));
    return near;
  },
});

test('ports that work pass, and say what was seen', async () => {
  assert.match(await selfTestSerial(line((chunk) => chunk)), /6 bytes came back/);
  assert.match(await selfTestSpi(new EmulatedSpi('0.0', (sent) => sent)), /6 bytes came back/);
  const chips = new Map([[0x48, (_written: Buffer, length: number) => Buffer.alloc(length)]]);
  assert.match(await selfTestI2c(new EmulatedI2c('1', chips)), /0x48 answer/);
  assert.match(await selfTestGpio(joined(), { output: 17, input: 27 }), /line 27 follows line 17/);
  const watchdog = new EmulatedWatchdog(new VirtualClock(UnixSeconds(0)), 15);
  assert.match(await selfTestWatchdog(watchdog), /its time is 15 s/);
  assert.equal(watchdog.beats, 1);
});

test('ports that do not work fail with what was seen', async () => {
  const fails = { code: 'GTX-HAL-013' };
  await assert.rejects(selfTestSerial(line((chunk) => chunk.map((byte) => byte ^ 1) as Buffer)), fails);
  await assert.rejects(selfTestSpi(new EmulatedSpi('0.0', (sent) => Buffer.alloc(sent.length, 0xff))), fails);
  await assert.rejects(selfTestI2c(new EmulatedI2c('1', new Map())), fails);
  await assert.rejects(selfTestGpio(new EmulatedGpio('0'), { output: 17, input: 27 }), fails);
});
