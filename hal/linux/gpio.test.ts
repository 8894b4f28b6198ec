import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { deviceFile, type FakeCall, fakeLibc, systemError, testFolder } from './fake-kernel.ts';
import { GpioCharacterDevice, gpioV2 } from './gpio.ts';

/** A chip of one line: what the kernel was asked for, its level, and a pipe that carries its events. */
class FakeChip {
  level = false;
  request: Buffer | undefined;
  refusal: string | undefined;
  readonly #pipe: string;
  #fd = -1;

  constructor(t: TestContext) {
    this.#pipe = join(testFolder(t), 'line');
    execFileSync('mkfifo', [this.#pipe]);
  }

  readonly calls = fakeLibc((call) => this.#answer(call));

  #answer({ request, structure }: FakeCall): void {
    const { bits, mask } = gpioV2.values;
    if (request === gpioV2.GPIO_V2_GET_LINE_IOCTL) {
      if (this.refusal !== undefined) throw systemError(this.refusal);
      this.request = Buffer.from(structure);
      this.#fd = openSync(this.#pipe, constants.O_RDWR | constants.O_NONBLOCK);
      structure.writeInt32LE(this.#fd, gpioV2.request.fd);
      return;
    }
    assert.equal(structure.readBigUInt64LE(mask), 1n);
    if (request === gpioV2.GPIO_V2_LINE_SET_VALUES_IOCTL) this.level = structure.readBigUInt64LE(bits) === 1n;
    else structure.writeBigUInt64LE(this.level ? 1n : 0n, bits);
  }

  /** The kernel notes a change. */
  note(isRising: boolean): void {
    const event = Buffer.alloc(gpioV2.event.bytes);
    event.writeUInt32LE(isRising ? gpioV2.GPIO_V2_LINE_EVENT_RISING_EDGE : 2, gpioV2.event.id);
    writeSync(this.#fd, event);
  }
}

test('an output is asked for by its number and polarity, inactive, and then set', async (t) => {
  const chip = new FakeChip(t);
  const path = deviceFile(t);
  await using line = new GpioCharacterDevice(path, chip.calls).output({ line: 17, isActiveLow: true });
  assert.equal(line.name, `gpio ${path} 17`);
  await line.start();
  const { request } = gpioV2;
  assert.equal(chip.request?.readUInt32LE(request.offsets), 17);
  assert.equal(chip.request?.readUInt32LE(request.num_lines), 1);
  assert.equal(chip.request?.readBigUInt64LE(request.flags), 0b1010n);
  assert.equal(chip.request?.toString('latin1', request.consumer, request.consumer + 11), 'gridtokenx\0');
  await line.set(true);
  assert.equal(chip.level, true);
  await line.set(false);
  assert.equal(chip.level, false);
});

test('an input is asked for with edges, bias and debounce, is read, and its changes come in order', async (t) => {
  const chip = new FakeChip(t);
  await using line = new GpioCharacterDevice(deviceFile(t), chip.calls).input({
    line: 22,
    bias: 'pullUp',
    debounceMs: 30,
  });
  await line.start();
  const { request, attribute } = gpioV2;
  assert.equal(chip.request?.readBigUInt64LE(request.flags), 0b1_0011_0100n);
  assert.equal(chip.request?.readUInt32LE(request.num_attrs), 1);
  assert.equal(chip.request?.readUInt32LE(request.attrs + attribute.debounce_period_us), 30_000);
  assert.equal(await line.read(), false);
  chip.level = true;
  assert.equal(await line.read(), true);
  const changes: boolean[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  using _watch = line.onChange((isActive) => {
    changes.push(isActive);
    if (changes.length === 3) resolve();
  });
  for (const isRising of [true, false, true]) chip.note(isRising);
  await promise;
  assert.deepEqual(changes, [true, false, true]);
});

test('a line that another program holds is refused with the way to find it, and one not started is no line', async (t) => {
  const chip = new FakeChip(t);
  chip.refusal = 'EBUSY';
  const line = new GpioCharacterDevice(deviceFile(t), chip.calls).output({ line: 4 });
  await assert.rejects(line.start(), { code: 'GTX-HAL-009', hint: /gpioinfo/ });
  await assert.rejects(line.set(true), { code: 'GTX-HAL-006' });
  const nowhere = new GpioCharacterDevice('/dev/gpiochip99', chip.calls).input({ line: 4 });
  await assert.rejects(nowhere.start(), { code: 'GTX-HAL-004', hint: /gpiodetect/ });
});
