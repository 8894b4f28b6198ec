import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import type { SpiDevice } from '#hal/ports.ts';
import { UnixSeconds } from '#hal/units.ts';
import { Ade7953, type Ade7953Options } from './ade7953.ts';
import { Ade7953Twin } from './ade7953-twin.ts';
import { SpiMeter } from './spi-meter.ts';

/** Scales of a board with 1 mΩ shunts and a 1:1000 divider, as other projects have them: 26,000 / V, 154 / W. */
const clamp = { wattsPerCount: 1 / 154, wattHoursPerCount: 1 / 25_240 };
const options: Ade7953Options = { voltsPerCount: 1 / 26_000, clamps: [clamp, { ...clamp, isReversed: true }] };
const fitting = { voltsPerCount: 1 / 26_000, clamps: [clamp, { ...clamp, isReversed: true }] } as const;

const memory = () => {
  let kept: unknown;
  return {
    read: () => kept,
    write: (value: unknown) => {
      kept = value;
      return Promise.resolve();
    },
  };
};

/** Answers registers by their frames' heads, and keeps the chip's books as its data sheet says. */
class Table implements SpiDevice {
  readonly name = 'spi table';
  readonly sent: string[] = [];
  readonly #answers: Readonly<Record<string, string>>;
  #last = { address: '0000', data: '' };
  constructor(answers: Readonly<Record<string, string>>) {
    this.#answers = answers;
  }
  start(): Promise<void> {
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
  transfer(frame: Buffer): Promise<Buffer> {
    this.sent.push(frame.toString('hex'));
    const address = frame.subarray(0, 2).toString('hex');
    const books: Readonly<Record<string, string>> = {
      '00fd': '35',
      '01fe': this.#last.address,
      '01ff': this.#last.data,
      '03ff': this.#last.data,
    };
    const data = books[address] ?? this.#answers[address] ?? '';
    if (books[address] === undefined) this.#last = { address, data };
    return Promise.resolve(Buffer.from(`000000${data}`, 'hex'));
  }
}

test('volts, watts and energy by the registers of the data sheet and the scales of the board', async () => {
  const table = new Table({
    // 230 V × 26,000 = 5,980,000 = 0x005B3F60.
    '031c': '005b3f60',
    // 1,500 W × 154 = 231,000 = 0x00038658; −20 W × 154 = −3,080 = 0xFFFFF3F8.
    '0312': '00038658',
    '0313': 'fffff3f8',
    // 25,240 counts are 1 Wh: 0x00006298; −2 Wh: 0xFFFF3AD0.
    '031e': '00006298',
    '031f': 'ffff3ad0',
  });
  const chip = new Ade7953(table, options);
  assert.deepEqual(await chip.read(), { voltsRms: 230, powersW: [1500, 20] });
  assert.deepEqual(table.sent.slice(0, 7), [
    '03128000000000',
    '03ff8000000000',
    '01fe800000',
    '01fe800000',
    '00fd8000',
    '00fd8000',
    '03138000000000',
  ]);
  assert.deepEqual(await chip.takeEnergy(), [1_000_000_000, 2_000_000_000]);
});

test('the chip is brought to its stated accuracy and kept to SPI, and a foreign one is told', async () => {
  const twin = new Ade7953Twin(fitting);
  const sent: string[] = [];
  const device: SpiDevice = {
    name: 'spi',
    start: () => twin.start(),
    transfer: (frame) => {
      if (frame[2] === 0) sent.push(frame.toString('hex'));
      return twin.transfer(frame);
    },
    [Symbol.asyncDispose]: () => twin[Symbol.asyncDispose](),
  };
  await new Ade7953(device, options).setUp();
  assert.deepEqual(sent.slice(0, 3), ['00fe00ad', '0120000030', '0102000004']);
  assert.equal(sent[3], '03810000400000');
  const silent = new Table({ '0120': '0000' });
  await assert.rejects(
    new Ade7953(silent, options).setUp(),
    (error) => error instanceof GridError && error.code === 'GTX-SPI-002',
  );
});

test('energy adds up over clears and roll-over to what flowed, a reversed clamp turned round', async () => {
  const twin = new Ade7953Twin(fitting);
  const clock = { time: 900, now: () => UnixSeconds(clock.time) };
  await using meter = new SpiMeter(new Ade7953(twin, options), memory(), clock);
  await meter.start();
  for (let second = 0; second < 3600; second++) {
    clock.time++;
    twin.advance(1, [
      { volts: 240, powerW: 3000 },
      { volts: 240, powerW: -1200 },
    ]);
    if (clock.time % 15 === 0) await meter.frameAfter(UnixSeconds(clock.time - 1), 1000);
  }
  const frame = await meter.frameAfter(UnixSeconds(clock.time - 1), 1000);
  assert.deepEqual(frame.channels, [
    { powerW: 3000, energyWh: 3000 },
    { powerW: -1200, energyWh: -1200 },
  ]);
  assert.equal(Math.round(frame.voltsRms!), 240);
});

test('gains are what the board file says, and a chip that lost them is set up again', async () => {
  const calibrated: Ade7953Options = {
    ...options,
    voltageGain: 0x44_0000,
    clamps: [{ ...clamp, currentGain: 0x50_0000 }, clamp],
  };
  const twin = new Ade7953Twin({
    ...fitting,
    trueVoltageGain: 0x44 / 0x40,
    clamps: [{ ...clamp, trueCurrentGain: 0x50 / 0x40 }, clamp],
  });
  const clock = { time: 900, now: () => UnixSeconds(clock.time) };
  await using meter = new SpiMeter(new Ade7953(twin, calibrated), memory(), clock);
  await meter.start();
  const flows = [
    { volts: 230, powerW: 1000 },
    { volts: 230, powerW: 500 },
  ] as const;
  clock.time += 2;
  twin.advance(1, flows);
  const powers = async (): Promise<number[]> =>
    (await meter.frameAfter(UnixSeconds(0), 1000)).channels.map(({ powerW }) => powerW);
  assert.deepEqual(await powers(), [1000, 500]);
  twin.reset();
  await assert.rejects(powers(), (error) => error instanceof GridError && error.code === 'GTX-SPI-003');
  twin.advance(1, flows);
  clock.time += 2;
  assert.deepEqual(await powers(), [1000, 500]);
});
