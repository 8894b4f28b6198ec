import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { GridError } from '#hal/errors.ts';
import type { BytePort, SpiDevice } from '#hal/ports.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import type { ClampFrame, SiteMeter } from '../capabilities.ts';
import { Chance } from '../chance.ts';
import { Ade7953 } from './ade7953.ts';
import { Ade7953Twin } from './ade7953-twin.ts';
import { Atm90e32 } from './atm90e32.ts';
import { Atm90e32Twin } from './atm90e32-twin.ts';
import { EmonMeter } from './emon-meter.ts';
import { type EmonFormat, formatEmon } from './emon-twin.ts';
import { type MeteringChip, SpiMeter } from './spi-meter.ts';

class Port implements BytePort {
  readonly name = 'test line';
  far!: Duplex;
  open(): Promise<Duplex> {
    const [near, far] = duplexPair();
    this.far = far.on('error', () => undefined).resume();
    return Promise.resolve(near);
  }
}

const turn = (): Promise<unknown> => new Promise(setImmediate);
const periodSeconds = 10;
const messages = 60;

const flip = (text: string, at: number, bit: number): string => {
  const bytes = Buffer.from(text, 'latin1');
  bytes[at]! ^= 1 << bit;
  return bytes.toString('latin1');
};

/** What a line becomes on the way; each fault once in ten or so. */
function damaged(line: string, previous: string, chance: Chance): string {
  const whole = `${line}\r\n`;
  switch (chance.below(16)) {
    case 0:
      return flip(whole, chance.below(whole.length), chance.below(8));
    case 1:
      return flip(
        flip(whole, chance.below(whole.length), chance.below(8)),
        chance.below(whole.length),
        chance.below(8),
      );
    case 2:
      return whole.slice(0, chance.below(whole.length));
    case 3:
      return whole.slice(chance.below(whole.length));
    case 4:
      return '';
    case 5:
      // Stuck: the same again.
      return `${previous}\r\n`;
    case 6:
      return Array.from({ length: chance.below(40) }, () => String.fromCodePoint(chance.below(256))).join('') + whole;
    default:
      return whole;
  }
}

interface Truth {
  readonly powersW: readonly number[];
  readonly energiesWh: readonly number[];
}

/**
 * One front-end on a serial line without checksum for ten minutes: clamps that are noisy or reversed, a clock that drifts by up to
 * 2 %, lines that are damaged, cut, lost, repeated and late, and a cable that is pulled now and then. What is believed
 * is true but for what the counters' whole watt-hours cannot tell, and three clean messages bring it back.
 */
export async function emonUnderFaults(
  seed: number,
  format: EmonFormat & ('text' | 'json' | 'emontx3cm'),
): Promise<void> {
  const chance = new Chance(seed);
  const clock = { time: 10_000, now: () => UnixSeconds(Math.floor(clock.time)) };
  const port = new Port();
  const okFrames = format === 'emontx3cm' ? { okFrames: { layout: format } as const } : {};
  const isReversed = [0, 1, 2, 3].map(() => chance.below(4) === 0);
  const clamps = isReversed.map((each) => (each ? { isReversed: true } : {}));
  await using meter = new EmonMeter(port, clock, { isUnchecked: true, clamps, ...okFrames });
  await meter.start();
  const believed: ClampFrame[] = [];
  const ask = async (after: number): Promise<void> => {
    for (let last = after; ; last = believed.at(-1)!.receivedAt) {
      believed.push(await meter.frameAfter(UnixSeconds(last), 60_000));
    }
  };
  const asked: Promise<void>[] = [];
  const askFrom = (after: number): void => {
    // It ends when the meter is closed.
    asked.push(ask(after).catch((error: unknown) => assert.ok(error instanceof GridError, String(error))));
  };
  askFrom(0);
  const drift = 0.98 + 0.04 * chance.draw();
  const truths = new Map<number, Truth>();
  const wattSeconds = [0, 0, 0, 0];
  const meansW = wattSeconds.map(() => Math.round(chance.draw() * 12_000 - 4_000));
  let previous = '';
  for (let message = 1; message <= messages; message++) {
    clock.time += periodSeconds * drift;
    const powersW = meansW.map((mean) => Math.round(mean + (chance.draw() - 0.5) * 800));
    for (const [i, powerW] of powersW.entries()) wattSeconds[i]! += powerW * periodSeconds * drift;
    const energiesWh = wattSeconds.map((each) => Math.floor(each / 3600));
    truths.set(message, { powersW, energiesWh });
    // A clamp that was put on the wrong way round tells the opposite.
    const signs = isReversed.map((each) => (each ? -1 : 1));
    const channels = powersW.map((powerW, i) => ({
      powerW: W(signs[i]! * powerW),
      energyWh: Wh(signs[i]! * energiesWh[i]!),
    }));
    const line = formatEmon({ message, voltsRms: 230 + chance.draw() * 4, channels }, format);
    const isClean = message > messages - 3;
    if (!isClean && chance.below(25) === 0) {
      port.far.end();
      await turn();
      askFrom(believed.at(-1)?.receivedAt ?? 0);
      await turn();
    }
    // Half a line from before ends with the first clean one, which is lost with it.
    port.far.write(isClean ? `\r\n${line}\r\n` : damaged(line, previous, chance), 'latin1');
    previous = line;
    await turn();
    await turn();
  }
  await meter[Symbol.asyncDispose]();
  await Promise.all(asked);
  for (const frame of believed) assertTrue(frame, truths, seed);
  assert.equal(believed.at(-1)?.message, messages, `seed ${seed}: three clean messages and still blind`);
}

/** After a lost message a flip may give the next one its number: what it says was true then. */
const mostMislabelled = 3;

function assertTrue(frame: ClampFrame, truths: ReadonlyMap<number, Truth>, seed: number): void {
  const sent = Array.from({ length: mostMislabelled + 1 }, (_, i) => truths.get(frame.message + i));
  assert.ok(sent[0] !== undefined, `seed ${seed}: message ${frame.message} was never sent`);
  const isTrue = sent.some((truth) => truth !== undefined && isNear(frame, truth));
  assert.ok(isTrue, `seed ${seed}: ${JSON.stringify(frame)}, not ${JSON.stringify(sent[0])}`);
}

const isNear = ({ channels }: ClampFrame, { powersW, energiesWh }: Truth): boolean =>
  channels.every(({ powerW, energyWh }, i) => {
    const slackWh = 1 + (Math.abs(powerW) * (1.5 + 0.1 * periodSeconds)) / 3600;
    const slackW = (2 * slackWh * 3600) / periodSeconds;
    return Math.abs(energyWh - energiesWh[i]!) <= 2 * slackWh && Math.abs(powerW - powersW[i]!) <= slackW;
  });

/** An SPI bus on which bits flip, and calls fail. Not every chip can tell that it was asked for another register. */
class NoisyDevice implements SpiDevice {
  readonly name = 'noisy spi';
  readonly #inner: SpiDevice;
  readonly #chance: Chance;
  readonly #isHeardWrong: boolean;
  constructor(inner: SpiDevice, chance: Chance, isHeardWrong: boolean) {
    this.#inner = inner;
    this.#chance = chance;
    this.#isHeardWrong = isHeardWrong;
  }
  start(): Promise<void> {
    return this.#inner.start();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#inner[Symbol.asyncDispose]());
  }
  async transfer(sent: Buffer): Promise<Buffer> {
    if (this.#chance.below(2000) === 0) throw new GridError('GTX-HAL-099', 'The bus failed');
    const isRead = (sent[sent.length === 4 ? 0 : 2]! & 0x80) !== 0;
    return this.#noisy(await this.#inner.transfer(this.#isHeardWrong && isRead ? this.#noisy(sent) : sent));
  }
  #noisy(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    if (this.#chance.below(200) === 0) copy[this.#chance.below(copy.length)]! ^= 1 << this.#chance.below(8);
    return copy;
  }
}

const scale = { wattsPerCount: 1 / 154, wattHoursPerCount: 1 / 25_240 };
const fitting = { trueVoltageGain: 0x8000, trueCurrentGain: 0x8000 };
const atmClamp = { voltageGain: 0x8000, currentGain: 0x8000 };

/** A chip and its twin, by name. */
const chips = {
  atm90e32: (chance: Chance) => {
    const twin = new Atm90e32Twin([fitting, fitting, fitting]);
    const clamps = [1, 2, 3].map((voltageInput) => ({ ...atmClamp, voltageInput: voltageInput as 1 | 2 | 3 }));
    const [a, b, c] = clamps;
    const chip = new Atm90e32(new NoisyDevice(twin, chance, false), { lineHz: 50, clamps: [a!, b!, c!] });
    const advance = (powersW: readonly number[]): void => {
      const [one, two, three] = powersW.map((powerW) => ({ volts: 230, powerW }));
      twin.advance(1, [one!, two!, three!]);
    };
    return { chip, advance, reset: () => twin.reset() };
  },
  ade7953: (chance: Chance) => {
    const twin = new Ade7953Twin({ voltsPerCount: 1 / 26_000, clamps: [scale, scale] });
    const options = { voltsPerCount: 1 / 26_000, clamps: [scale, scale] } as const;
    const chip = new Ade7953(new NoisyDevice(twin, chance, true), options);
    const advance = (powersW: readonly number[]): void => {
      const [one, two] = powersW.map((powerW) => ({ volts: 230, powerW }));
      twin.advance(1, [one!, two!]);
    };
    return { chip, advance, reset: () => twin.reset() };
  },
} as const satisfies Record<string, (chance: Chance) => Bench>;

interface Bench {
  readonly chip: MeteringChip;
  readonly advance: (powersW: readonly number[]) => void;
  readonly reset: () => void;
}

/**
 * A chip on a bus with a flipped bit in every 200th frame for a minute, twice without supply. A power that is
 * believed is the true one; energy is never more than what flowed, and less only by what a reset or another register's
 * read took.
 */
export async function chipUnderFaults(seed: number, name: keyof typeof chips): Promise<void> {
  const chance = new Chance(seed);
  const clock = { time: 9_000, now: () => UnixSeconds(clock.time) };
  const { chip, advance, reset } = chips[name](chance);
  let kept: unknown;
  const memory = {
    read: () => kept,
    write: (value: unknown) => {
      kept = value;
      return Promise.resolve();
    },
  };
  await using meter = new SpiMeter(chip, memory, clock);
  const meansW = Array.from({ length: chip.channels }, () => Math.round(chance.draw() * 12_000 - 4_000));
  const wattSeconds = meansW.map(() => 0);
  let failures = 0;
  for (let second = 0; second < 60; second++) {
    clock.time++;
    if (second === 20 || second === 40) reset();
    const powersW = meansW.map((mean) => Math.round(mean + (chance.draw() - 0.5) * 800));
    advance(powersW);
    for (const [i, powerW] of powersW.entries()) wattSeconds[i]! += powerW;
    const frame = await read(meter, clock.time);
    failures = frame === undefined ? failures + 1 : 0;
    assert.ok(failures < 10, `seed ${seed}: blind for ${failures} s`);
    // Between a reset and its discovery nothing is measured.
    if (frame === undefined) continue;
    for (const [i, { powerW, energyWh }] of frame.channels.entries()) {
      assert.ok(Math.abs(powerW - powersW[i]!) <= 1, `seed ${seed}: ${powerW} W, not ${powersW[i]}`);
      const trueWh = Math.abs(wattSeconds[i]!) / 3600;
      assert.ok(Math.abs(energyWh) <= trueWh + 2, `seed ${seed}: ${energyWh} Wh of ${trueWh}`);
    }
  }
  assert.ok(Array.isArray(kept) && kept.length === chip.channels);
}

async function read(meter: SiteMeter, time: number): Promise<ClampFrame | undefined> {
  try {
    return await meter.frameAfter(UnixSeconds(time - 1), 1000);
  } catch (error) {
    assert.ok(error instanceof GridError, String(error));
    return undefined;
  }
}
