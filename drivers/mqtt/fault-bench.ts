/** For tests: a Shelly meter at a broker, and what befalls it. */
import assert from 'node:assert/strict';
import { EmulatedBroker } from '#hal/emulated/mqtt.ts';
import { GridError } from '#hal/errors.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { ClampFrame } from '../capabilities.ts';
import { Chance } from '../chance.ts';
import { formatShelly, type ShellyFlow, type ShellyForm } from './shelly-messages.ts';
import { ShellyMeter } from './shelly-meter.ts';

const messages = 90;
const periodSeconds = 10;
const clean = 4;
/** Rounds of messages that may be lost, late or doubted in a row. */
const mostBehind = 12;
const prefix = 'shelly';

const turn = (): Promise<unknown> => new Promise(setImmediate);

interface Round {
  readonly time: number;
  readonly flows: readonly ShellyFlow[];
}

type Published = readonly [topic: string, payload: string];

/** What becomes of one message on its way, each fault once in fifteen or so. */
function damaged([topic, payload]: Published, before: string | undefined, chance: Chance): readonly Published[] {
  switch (chance.below(20)) {
    case 0:
      return [];
    case 1:
      // Delivered twice.
      return [
        [topic, payload],
        [topic, payload],
      ];
    case 2:
      // Stuck, or late: what was said before once more, after what is said now or in its place.
      return [...(chance.below(2) === 0 ? [[topic, payload] as const] : []), [topic, before ?? payload]];
    case 3:
      // MQTT counts a message's bytes: what is cut is cut by the device itself, and of a number alone nobody could tell.
      return [[topic, payload.startsWith('{') ? payload.slice(0, chance.below(payload.length)) : `${payload} W`]];
    case 4:
      return [
        [
          topic,
          Array.from({ length: 1 + chance.below(40) }, () => String.fromCodePoint(128 + chance.below(128))).join(''),
        ],
      ];
    case 5:
      return [[topic, payload.replaceAll(/-?\d+\.?\d*/g, 'null')]];
    default:
      return [[topic, payload]];
  }
}

/**
 * A meter of one to three clamps for a quarter of an hour: loads that are noisy, a clock that drifts by up to 2 %, a
 * clamp that is reversed, messages that are lost, doubled, late, cut and senseless, kept ones that are old, a broker
 * that goes away, and a device that restarts or is exchanged. A power that is believed was true a moment ago, energy never
 * steps against its direction but for an exchange, and four clean rounds bring it back.
 */
export async function shellyUnderFaults(seed: number, form: ShellyForm): Promise<void> {
  const chance = new Chance(seed);
  const clock = { time: 10_000, now: () => UnixSeconds(Math.floor(clock.time)) };
  const broker = new EmulatedBroker();
  const channels = form === 'em' ? 3 : 1 + chance.below(3);
  const isReversed = Array.from({ length: channels }, () => chance.below(3) === 0);
  const clamps = isReversed.map((each) => (each ? { isReversed: true } : {}));
  await using meter = new ShellyMeter(broker.link('test'), clock, { form, prefix, channels, clamps });
  await meter.start();
  const believed: ClampFrame[] = [];
  const ask = async (): Promise<void> => {
    for (let last = 0; ; last = believed.at(-1)!.receivedAt) {
      believed.push(await meter.frameAfter(UnixSeconds(last), 60_000));
    }
  };
  // It ends when the meter is closed.
  const asked = ask().catch((error: unknown) => assert.ok(error instanceof GridError, String(error)));
  const drift = 0.98 + 0.04 * chance.draw();
  const meansW = isReversed.map(() => Math.round((chance.below(2) === 0 ? 1 : -1) * (1_000 + chance.draw() * 8_000)));
  let wattSeconds = meansW.map(() => 0);
  const rounds: Round[] = [];
  const before = new Map<string, string>();
  let [silent, exchanges] = [0, 0];
  for (let round = 0; round < messages; round++) {
    const isClean = round >= messages - clean;
    clock.time += periodSeconds * drift;
    const powersW = meansW.map((mean) => Math.round(mean + (chance.draw() - 0.5) * 1_000));
    wattSeconds = wattSeconds.map((sum, i) => sum + powersW[i]! * periodSeconds * drift);
    const isExchanged = !isClean && chance.below(60) === 0;
    if (isExchanged) {
      wattSeconds = wattSeconds.map(() => 0);
      exchanges++;
      silent = Math.max(silent, 2);
    }
    const flows = powersW.map((powerW, i) => {
      const netWh = wattSeconds[i]! / 3600;
      return { volts: 230 + chance.draw() * 4, powerW, importWh: Math.max(0, netWh), exportWh: Math.max(0, -netWh) };
    });
    rounds.push({ time: clock.time, flows });
    if (!isClean && chance.below(20) === 0) silent = 1 + chance.below(5);
    if (!isClean && chance.below(25) === 0) broker.isUp = !broker.isUp;
    if (isClean) broker.isUp = true;
    silent = isClean ? 0 : Math.max(0, silent - 1);
    if (silent > 0 || !broker.isUp) {
      // What a device had to say before it went away it does not say any more.
      before.clear();
      continue;
    }
    for (const message of formatShelly(form, prefix, flows)) {
      const [topic, payload] = message;
      const isKept = chance.below(10) === 0;
      for (const [where, what] of isClean ? [message] : damaged(message, before.get(topic), chance)) {
        broker.publish(where, what, isKept);
      }
      before.set(topic, payload);
    }
    await turn();
  }
  await meter[Symbol.asyncDispose]();
  await asked;
  const backwards = meansW.map(() => 0);
  let last: ClampFrame | undefined;
  for (const frame of believed) {
    const round = rounds.findIndex(({ time }) => Math.floor(time) === frame.receivedAt);
    const told = rounds.slice(Math.max(0, round - mostBehind), round + 1);
    for (const [i, { powerW, energyWh }] of frame.channels.entries()) {
      const sign = isReversed[i]! ? -1 : 1;
      const where = `seed ${seed}, clamp ${i + 1}, round ${round}`;
      assert.ok(
        told.some(({ flows }) => flows[i]!.powerW === sign * powerW),
        `${where}: ${powerW} W`,
      );
      // A register that was not heard for a while is old, and makes up for it when it is.
      const isTold = ({ importWh, exportWh }: ShellyFlow): boolean =>
        Math.abs(importWh - exportWh - sign * energyWh) <= 1;
      assert.ok(
        rounds.slice(0, round + 1).some(({ flows }) => isTold(flows[i]!)),
        `${where}: ${energyWh} Wh`,
      );
      // A frame is made when the first clamp has told its power: the others' energies may be those of the round before.
      const isNew = rounds.slice(-2).some(({ flows }) => isTold(flows[i]!));
      assert.ok(isNew || frame !== believed.at(-1), `${where}: ${energyWh} Wh at the end`);
      const moved = energyWh - (last?.channels[i]?.energyWh ?? energyWh);
      if (moved * sign * meansW[i]! >= 0) continue;
      backwards[i]!++;
      assert.ok(backwards[i]! <= exchanges, `${where}: ${moved} Wh against its direction`);
    }
    last = frame;
  }
  assert.equal(last?.receivedAt, clock.now(), `seed ${seed}: ${clean} clean rounds and still blind`);
}
