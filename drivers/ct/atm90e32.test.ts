import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import type { SpiDevice } from '#hal/ports.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { DeviceMemory } from '../driver.ts';
import { Atm90e32, type Atm90e32Options } from './atm90e32.ts';
import { Atm90e32Twin, type TwinClamp, type TwinFitting } from './atm90e32-twin.ts';
import { SpiMeter } from './spi-meter.ts';

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof GridError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

class Memory implements DeviceMemory {
  value: unknown;
  isFull = false;
  writes = 0;
  read(): unknown {
    return this.value;
  }
  write(value: unknown): Promise<void> {
    if (this.isFull) return Promise.reject(new GridError('GTX-HAL-020', 'The disk is full'));
    this.value = JSON.parse(JSON.stringify(value));
    this.writes++;
    return Promise.resolve();
  }
}

class TestClock {
  time = 1500;
  now(): UnixSeconds {
    return UnixSeconds(this.time);
  }
}

const clamp = { voltageInput: 1, voltageGain: 0x8000, currentGain: 0x7000 } as const;
const options = (...clamps: Partial<Atm90e32Options['clamps'][0]>[]): Atm90e32Options => ({
  lineHz: 60,
  clamps: [
    { ...clamp, ...clamps[0] },
    { ...clamp, voltageInput: 2, ...clamps[1] },
    { ...clamp, voltageInput: 3, ...clamps[2] },
  ],
});
const fitting: TwinFitting = { trueVoltageGain: 0x8000, trueCurrentGain: 0x7000 };
const flows = (...powersW: number[]): readonly [TwinClamp, TwinClamp, TwinClamp] => [
  { volts: 277, powerW: powersW[0] ?? 0 },
  { volts: 276, powerW: powersW[1] ?? 0 },
  { volts: 278, powerW: powersW[2] ?? 0 },
];

const after = UnixSeconds(0);

/** A chip that answers frames written down by hand, in order, each checked against what is sent. */
class Script implements SpiDevice {
  readonly name = 'spi script';
  readonly #lines: (readonly [sent: string, received: string])[];
  constructor(lines: readonly (readonly [sent: string, received: string])[]) {
    this.#lines = [...lines];
  }
  start(): Promise<void> {
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    assert.deepEqual(this.#lines, []);
    return Promise.resolve();
  }
  transfer(sent: Buffer): Promise<Buffer> {
    const [expected, received] = this.#lines.shift() ?? ['nothing more', ''];
    assert.equal(sent.toString('hex'), expected);
    return Promise.resolve(Buffer.from(received, 'hex'));
  }
}

const twice = (...frame: readonly [string, string]): readonly (readonly [string, string])[] => [frame, frame];

test('volts and watts by the arithmetic of the data sheet', async () => {
  const power = (high: string, low: string, highWord: string, lowWord: string) => [
    ...twice(high, `0000${highWord}`),
    ...twice(low, `0000${lowWord}`),
    ...twice(high, `0000${highWord}`),
  ];
  await using script = new Script([
    // 1500 W / 0.00032 W = 4,687,500 = 0x0047868C.
    ...power('80b10000', '80c10000', '0047', '868c'),
    // -250 W = -781,250 = 0xFFF4143E.
    ...power('80b20000', '80c20000', 'fff4', '143e'),
    ...power('80b30000', '80c30000', '0000', '0000'),
    // 230.11 V / 0.01 V = 23,011 = 0x59E3.
    ...twice('80d90000', '000059e3'),
  ]);
  const reading = await new Atm90e32(script, options()).read();
  assert.deepEqual(reading, { voltsRms: 230.11, powersW: [1500, -250, 0] });
});

test('energy is taken once, forward less reverse, and confirmed by what the chip remembers of the read', async () => {
  const taken = (register: string, word: string) => [
    [`80${register}0000`, `0000${word}`] as const,
    ['80780000', `0000${word}`] as const,
  ];
  await using script = new Script([
    // 320 counts of 0.003125 Wh are 1 Wh.
    ...taken('81', '0140'),
    ...taken('85', '0000'),
    ...taken('82', '0000'),
    ...taken('86', '0280'),
    // A bit flipped on the way: the memory says what it was, twice.
    ['80830000', '00008001'],
    ['80780000', '00000001'],
    ['80780000', '00000001'],
    ...taken('87', '0000'),
  ]);
  assert.deepEqual(await new Atm90e32(script, options()).takeEnergy(), [1_000_000_000, -2_000_000_000, 3_125_000]);
});

test('the configuration is unlocked, written and read back', async () => {
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  const sent: string[] = [];
  const device: SpiDevice = {
    name: 'spi',
    start: () => twin.start(),
    transfer: (frame) => {
      if ((frame[0]! & 0x80) === 0) sent.push(frame.toString('hex'));
      return twin.transfer(frame);
    },
    [Symbol.asyncDispose]: () => twin[Symbol.asyncDispose](),
  };
  await new Atm90e32(device, options({ powerOffset: -1 })).setUp();
  assert.deepEqual(sent, [
    '0070789a',
    '007f55aa',
    '00010210',
    '00020654',
    '00310861',
    '0032c468',
    '00331087',
    '00340000',
    '00618000',
    '00627000',
    '0041ffff',
    '00658000',
    '00667000',
    '00430000',
    '00698000',
    '006a7000',
    '00450000',
    '00000001',
    '007f0000',
  ]);
});

test('no chip on the bus is told as that', async () => {
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  twin.isPresent = false;
  const clock = new TestClock();
  await using meter = new SpiMeter(new Atm90e32(twin, options()), new Memory(), clock);
  await assert.rejects(meter.start(), code('GTX-SPI-002'));
  twin.isPresent = true;
  twin.advance(1, flows(1));
  await assert.rejects(meter.frameAfter(after, 1000), code('GTX-SPI-008'), 'it has measured nothing yet');
  clock.time += 2;
  assert.equal((await meter.frameAfter(after, 1000)).channels.length, 3);
});

test('a reversed clamp, a clamp of another ratio and one on another phase are put right by the board file', async () => {
  const hung: TwinFitting[] = [
    { ...fitting, isReversed: true },
    { ...fitting, ratio: 4 },
    { ...fitting, voltageInput: 1 },
  ];
  const clock = new TestClock();
  const read = async (chosen: Atm90e32Options): Promise<number[]> => {
    const twin = new Atm90e32Twin([hung[0]!, hung[1]!, hung[2]!]);
    await using meter = new SpiMeter(new Atm90e32(twin, chosen), new Memory(), clock);
    await meter.start();
    clock.time += 2;
    twin.advance(1, flows(1000, 8000, 3000));
    const { channels } = await meter.frameAfter(after, 1000);
    return channels.map(({ powerW }) => powerW);
  };
  assert.deepEqual(await read(options()), [-1000, 2000, -1500], 'as it hangs: negative, a quarter, and minus a half');
  const right = await read(options({ isReversed: true }, { ratio: 4 }, { voltageInput: 1 }));
  assert.deepEqual(right, [1000, 8000, 3000]);
});

test('energy adds up over clears, restarts of the board and the fractions of counts', async () => {
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  const [memory, clock] = [new Memory(), new TestClock()];
  let net = 0;
  for (let boot = 0; boot < 4; boot++) {
    await using meter = new SpiMeter(new Atm90e32(twin, options()), memory, clock);
    await meter.start();
    // The first reading that counts.
    if (boot === 0) clock.time += 1;
    for (let second = 0; second < 450; second++) {
      clock.time++;
      twin.advance(1, flows(1234, -777));
      const { channels } = await meter.frameAfter(UnixSeconds(clock.time - 1), 1000);
      net = channels[0]!.energyWh;
      assert.ok(Math.abs(channels[1]!.energyWh - (-777 * (boot * 450 + second)) / 3600) < 4.5);
    }
  }
  // What is less than a count is still in the chip.
  assert.ok(net === 616 || net === 617, `${net} Wh`);
  assert.equal(memory.writes, 4 * (450 / 15 + 1), 'once in 15 s, and at once after a start');
});

test('a chip that lost its supply is set up again, and the readings between are no readings', async () => {
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  const clock = new TestClock();
  await using meter = new SpiMeter(new Atm90e32(twin, options()), new Memory(), clock);
  await meter.start();
  twin.reset();
  clock.time += 2;
  twin.advance(1, flows(500));
  await assert.rejects(meter.frameAfter(after, 1000), code('GTX-SPI-003'));
  twin.advance(1, flows(500));
  clock.time += 2;
  assert.equal((await meter.frameAfter(after, 1000)).channels[0]?.powerW, 500);
});

test('a full disk blinds nobody, and what was counted meanwhile is kept as soon as there is room', async () => {
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  const [memory, clock] = [new Memory(), new TestClock()];
  await using meter = new SpiMeter(new Atm90e32(twin, options()), memory, clock);
  await meter.start();
  memory.isFull = true;
  const step = async (): Promise<number> => {
    clock.time += 15;
    twin.advance(15, flows(12_000));
    return (await meter.frameAfter(UnixSeconds(clock.time - 1), 1000)).channels[0]!.energyWh;
  };
  assert.equal(await step(), 50);
  assert.equal(meter.memoryError?.code, 'GTX-HAL-020');
  memory.isFull = false;
  assert.equal(await step(), 100);
  assert.equal(meter.memoryError, undefined);
  assert.deepEqual(memory.value, [
    { wh: 100, nanoWh: 0 },
    { wh: 0, nanoWh: 0 },
    { wh: 0, nanoWh: 0 },
  ]);
});

test('a damaged memory is told, not taken for zero', async () => {
  const memory = new Memory();
  memory.value = [{ wh: 1.5, nanoWh: 0 }];
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  await using meter = new SpiMeter(new Atm90e32(twin, options()), memory, new TestClock());
  await assert.rejects(meter.start(), code('GTX-SPI-006'));
});

test('a clock that stands still is a time-out, and one that was set back is none', async () => {
  const twin = new Atm90e32Twin([fitting, fitting, fitting]);
  const clock = new TestClock();
  await using meter = new SpiMeter(new Atm90e32(twin, options()), new Memory(), clock);
  await meter.start();
  await assert.rejects(meter.frameAfter(clock.now(), 50), code('GTX-SPI-004'));
  clock.time = 1600;
  await meter.frameAfter(UnixSeconds(1500), 1000);
  clock.time = 1000;
  assert.equal((await meter.frameAfter(UnixSeconds(1600), 1000)).receivedAt, 1000);
});
