import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { bitmap } from '../bitmap.ts';
import { DeviceCategory } from '../enumerations-der.ts';
import type { EndDeviceControl } from '../types.generated.ts';
import {
  derProgram,
  flowReservations,
  isForCategory,
  loadControlProgram,
  messageProgram,
  priceProgram,
} from './modes.ts';
import { schedule } from './schedule.ts';
import { control, drawNone, mRID, nameOf, watts } from './sample-events.ts';

const at = { now: UnixSeconds(0), draw: () => drawNone };
const photovoltaic = bitmap(4, [DeviceCategory.photovoltaic]);
const home = { mRID: mRID(201), primacy: 3 };

test('a DERControl sets its modes; rampTms is how, not what', () => {
  const base = { opModConnect: false, opModExpLimW: watts(0), opModGenLimW: undefined, rampTms: 500 };
  const [event] = derProgram(home, [control({ id: 1, base })]).events;
  assert.deepEqual(event?.modes, { opModConnect: false, opModExpLimW: watts(0) });
  assert.equal(event?.rampTms, 500);
});

test('a DefaultDERControl sets its modes and its settings, and tells its mRID', () => {
  const fallback = {
    mRID: mRID(9),
    DERControlBase: { opModMaxLimW: 5_000, rampTms: 7 },
    setGradW: 27,
    description: 'd',
  };
  const { default: own } = derProgram(home, [], fallback);
  assert.deepEqual(own, { mRID: nameOf(9), modes: { opModMaxLimW: 5_000, setGradW: 27 }, rampTms: 7 });
  assert.equal(derProgram(home, []).default, undefined);
});

test('controls for other device categories are not the device’s; without categories they are for all', () => {
  const controls = [
    { ...control({ id: 1 }), deviceCategory: bitmap(4, [DeviceCategory.photovoltaic, DeviceCategory.sauna]) },
    { ...control({ id: 2 }), deviceCategory: bitmap(4, [DeviceCategory.sauna]) },
    control({ id: 3 }),
  ];
  assert.deepEqual(
    derProgram(home, controls, undefined, photovoltaic).events.map(({ event }) => event.href),
    ['/derc/1', '/derc/3'],
  );
  assert.equal(derProgram(home, controls).events.length, 3);
  assert.ok(isForCategory(undefined, photovoltaic));
});

test('EndDeviceControls supersede each other per device category', () => {
  const load = (id: number, start: number, categories: number[]): EndDeviceControl => {
    const { DERControlBase: _, ...event } = control({ id, start, created: id });
    return { ...event, deviceCategory: bitmap(4, categories), drProgramMandatory: false, loadShiftForward: false };
  };
  const { waterHeater, poolPump } = DeviceCategory;
  const controls = [load(1, 10, [waterHeater, poolPump]), load(2, 15, [poolPump])];
  const { segments } = schedule([loadControlProgram(home, controls)], at);
  assert.deepEqual(
    segments[`category${waterHeater}`]?.map(({ until }) => until),
    [20],
  );
  assert.deepEqual(
    segments[`category${poolPump}`]?.map(({ until }) => until),
    [15, 25],
  );
  const own = loadControlProgram(home, controls, bitmap(4, [waterHeater])).events;
  assert.deepEqual(
    own.map(({ modes }) => Object.keys(modes)),
    [[`category${waterHeater}`]],
  );
});

test('one price holds at a time, messages stand beside each other, reservations compete per request', () => {
  const { DERControlBase: _, ...one } = control({ id: 1, start: 10 });
  const { DERControlBase: __, ...two } = control({ id: 2, start: 15, created: 5 });
  const prices = schedule(
    [
      priceProgram(
        home,
        [one, two].map((event) => ({ ...event, touTier: 0 })),
      ),
    ],
    at,
  );
  assert.deepEqual(
    prices.segments.price?.map(({ from, until }) => [from, until]),
    [
      [10, 15],
      [15, 25],
    ],
  );
  const texts = schedule(
    [
      messageProgram(
        home,
        [one, two].map((e) => ({ ...e, priority: 0, textMessage: '' })),
      ),
    ],
    at,
  );
  assert.deepEqual(
    [...texts.outcomes.values()].map(({ lost }) => lost.length),
    [0, 0],
  );
  const flows = (...subjects: number[]): number[] => {
    const amount = { energyAvailable: { multiplier: 0, value: 1 }, powerAvailable: watts(1) };
    const responses = [one, two].map((event, n) => ({ ...event, ...amount, subject: mRID(subjects[n] ?? 0) }));
    const { outcomes } = schedule([flowReservations(responses)], at);
    return [...outcomes.values()].map(({ lost }) => lost.length).toSorted((a, b) => a - b);
  };
  assert.deepEqual(
    [flows(7, 7), flows(7, 8)],
    [
      [0, 1],
      [0, 0],
    ],
  );
});
