import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { BytePort } from '#hal/ports.ts';
import { UnixSeconds, W, Wh } from '#hal/units.ts';
import { EmonMeter, type EmonOptions } from './emon-meter.ts';
import { formatOkFrame, okLayouts, type OkLayoutName, parseOkFrame } from './emon-ok-frame.ts';

const zeros = (count: number): string => Array.from({ length: count }, () => '0').join(' ');
/** 512 W, -20 W, their sum 492 W, 230.11 V, six temperatures, pulses: each 16 bits, low byte first, and one of 32. */
const emonPi = `0 2 236 255 236 1 227 89 ${zeros(12)} ${zeros(4)}`;

test('an emonPi tells two powers, their sum and the voltage', () => {
  const expected = {
    message: undefined,
    voltsRms: 230.11,
    channels: [
      { powerW: 512, energyWh: undefined },
      { powerW: -20, energyWh: undefined },
    ],
  };
  assert.deepEqual(parseOkFrame(`OK 5 ${emonPi} (-60)`, 'emonpi'), expected);
  assert.deepEqual(parseOkFrame(`OK 5 ${emonPi}`, 'emonpi'), expected, 'without signal strength');
  assert.deepEqual(parseOkFrame(`OK 6 ${emonPi} (-60)`, 'emonpi', 6), expected, 'of another node that is named');
});

test('an emonTx V3 with continuous monitoring tells its messages and energies', () => {
  // Message 70,000 = 0x00011170; 240.00 V = 0x5DC0; 1,000 W = 0x03E8; 123,456 Wh = 0x0001E240; -1 Wh.
  const powers = '232 3 0 0 0 0 0 0';
  const energies = `64 226 1 0 255 255 255 255 ${zeros(8)}`;
  const frame = `OK 15 112 17 1 0 192 93 ${powers} ${energies} ${zeros(6)} ${zeros(4)} (-42)`;
  assert.deepEqual(parseOkFrame(frame, 'emontx3cm'), {
    message: 70_000,
    voltsRms: 240,
    channels: [
      { powerW: 1000, energyWh: 123_456 },
      { powerW: 0, energyWh: -1 },
      { powerW: 0, energyWh: 0 },
      { powerW: 0, energyWh: 0 },
    ],
  });
});

test('a frame of another node, of another length, or whose numbers contradict each other says why it is refused', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['MSG:1,V1:230,P1:1,E1:1', /not an OK frame/],
    [`OK 10 ${emonPi}`, /of node 10, not of 5/],
    [`OK 5 ${emonPi} 0`, /25 bytes, not the 24 of emonpi/],
    [`OK 5 ${emonPi.slice(2)}`, /23 bytes/],
    [`OK 5 ${emonPi.replace('236 1', '256 1')}`, /not a list of bytes/],
    [`OK 5 ${emonPi.replace('236 1', '2x6 1')}`, /not a list of bytes/],
    [`OK 5 ${emonPi.replace('0 2', '0 3')}`, /do not add up/],
    [`OK 5 ${emonPi.replace('227 89', '227 189')}`, /V1 is out of range/],
    ['OK ', /not a list of bytes/],
  ];
  for (const [line, expected] of refused) {
    const reason = parseOkFrame(line, 'emonpi');
    assert.ok(typeof reason === 'string' && expected.test(reason), `${line} → ${JSON.stringify(reason)}`);
  }
});

test('what is written is read again, by every layout', () => {
  const word = fc.integer({ min: -8_000, max: 8_000 });
  fc.assert(
    fc.property(
      fc.constantFrom<OkLayoutName>('emonpi', 'emontx3', 'emontx3cm'),
      fc.array(word, { minLength: 4, maxLength: 4 }),
      fc.nat(30_000),
      (name, powers, centivolts) => {
        const count = okLayouts[name].fields.filter((field) => field.startsWith('P')).length;
        const channels = powers.slice(0, count).map((powerW) => ({ powerW: W(powerW), energyWh: Wh(powerW * 1000) }));
        const line = formatOkFrame({ message: 7, voltsRms: centivolts / 100, channels }, name);
        const readout = parseOkFrame(line, name);
        assert.ok(typeof readout === 'object', JSON.stringify(readout));
        assert.deepEqual(
          readout.channels.map(({ powerW }) => powerW),
          powers.slice(0, count),
        );
        assert.equal(readout.voltsRms, centivolts / 100);
      },
    ),
  );
});

/** A meter on a line that is written to, and a clock that is set. */
async function meterOf(options: EmonOptions) {
  const clock = { time: 1000, now: () => UnixSeconds(clock.time) };
  let far: Duplex | undefined;
  const port: BytePort = {
    name: 'test line',
    open: () => {
      const [near, other] = duplexPair();
      far = other;
      return Promise.resolve(near);
    },
  };
  const meter = new EmonMeter(port, clock, options);
  await meter.start();
  const send = (line: string): void => void far?.write(`${line}\r\n`);
  return { clock, meter, send };
}

test('powers alone are summed up to energy, but not over a gap', async () => {
  const { clock, meter, send } = await meterOf({ okFrames: { layout: 'emonpi' } });
  await using _ = meter;
  const step = async (seconds: number): Promise<readonly number[]> => {
    clock.time += seconds;
    send(`OK 5 ${emonPi} (-60)`);
    const frame = await meter.frameAfter(UnixSeconds(clock.time - 1), 5000);
    return frame.channels.map(({ energyWh }) => energyWh);
  };
  await step(10);
  for (let i = 0; i < 359; i++) await step(10);
  assert.deepEqual(await step(10), [512, -20]);
  assert.deepEqual(await step(3600), [512, -20], 'nobody knows what flowed in an hour of silence');
});

test('a clamp that hangs the wrong way round, and one of another ratio, are put right', async () => {
  const { meter, send } = await meterOf({ clamps: [{ isReversed: true }, { ratio: 2.5 }] });
  await using _ = meter;
  send('MSG:12,V1:230.11,P1:512,P2:-20,P3:7,E1:10,E2:-4,E3:1,pulse:0');
  const { channels } = await meter.frameAfter(UnixSeconds(0), 5000);
  assert.deepEqual(channels, [
    { powerW: -512, energyWh: -10 },
    { powerW: -50, energyWh: -10 },
    { powerW: 7, energyWh: 1 },
  ]);
});

test('a clock that was set back does not silence the meter', async () => {
  const { clock, meter, send } = await meterOf({});
  await using _ = meter;
  send('MSG:1,V1:230,P1:1,E1:1');
  const before = await meter.frameAfter(UnixSeconds(0), 5000);
  clock.time = 500;
  const next = meter.frameAfter(before.receivedAt, 5000);
  send('MSG:2,V1:230,P1:2,E1:1');
  assert.deepEqual([(await next).receivedAt, (await next).message], [500, 2]);
});

test('on a line without checksum the first message waits for a second that agrees', async () => {
  const { clock, meter, send } = await meterOf({ isUnchecked: true });
  await using _ = meter;
  const next = meter.frameAfter(UnixSeconds(0), 5000);
  for (const [i, line] of [
    'MSG:1,V1:230,P1:3600,E1:100',
    'MSG:2,V1:230,P1:3600,E1:910',
    'MSG:3,V1:230,P1:3600,E1:120',
    'MSG:4,V1:230,P1:3600,E1:130',
  ].entries()) {
    clock.time = 1000 + 10 * i;
    send(line);
    await new Promise(setImmediate);
  }
  assert.equal((await next).message, 4, 'the second leaps, the third does not agree with it');
  assert.equal(meter.refusedLines, 3);
});
