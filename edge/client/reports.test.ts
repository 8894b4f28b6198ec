import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DERAvailability, DERCapability, DERSettings, DERStatus } from '#ieee2030_5/types.generated.ts';
import { isChanged } from './reports.ts';
import { list, startBench } from './test-utility.ts';

const watts = (value: number) => ({ multiplier: 0, value });
const capability: DERCapability = { modesSupported: Uint8Array.of(1), rtgMaxW: watts(5_000), type: 83 };
const settings: DERSettings = { setGradW: 27, setMaxW: watts(5_000), updatedTime: 5n };
const availability = (w: number): DERAvailability => ({ readingTime: 1n, statWAvail: watts(w) });
const status = (connected: number): DERStatus => ({
  readingTime: 1n,
  genConnectStatus: { dateTime: 1n, value: Uint8Array.of(connected) },
});

test('a device is told at the start, when it changes, and once a period', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.documents.set('/edev/1/der', utility.text('/edev/1/der').replace('pollRate="60"', ''));
  const made = await client();
  made.report({
    DERCapability: capability,
    DERSettings: settings,
    DERStatus: status(7),
    DERAvailability: availability(4_000),
  });
  const puts = () => utility.asked.filter((each) => each.startsWith('PUT ')).map((each) => each.split('/').at(-1));
  await runTo(0);
  assert.deepEqual(puts(), ['dercap', 'ders', 'derg', 'dera']);
  await runTo(290);
  assert.equal(puts().length, 4);
  await runTo(310);
  assert.deepEqual(puts().slice(4), ['ders', 'dera']);
  made.report({ DERStatus: status(3) });
  await runTo(311);
  assert.deepEqual(puts().slice(6), ['ders']);
  made.report({ DERStatus: { ...status(3), readingTime: 400n }, DERAvailability: availability(3_990) });
  await runTo(350);
  assert.equal(puts().length, 7);
  made.report({ DERAvailability: availability(3_000) });
  await runTo(362);
  assert.deepEqual(puts().slice(7), ['dera']);
  assert.match(utility.received.at(-1)?.body ?? '', /DERAvailability.*<value>3000</s);
});

test('status and settings are told as often as the server wants the DERs to be polled', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  made.report({
    DERCapability: capability,
    DERSettings: settings,
    DERStatus: status(7),
    DERAvailability: availability(1),
  });
  await runTo(250);
  const counts = ['dercap', 'ders', 'derg', 'dera'].map((name) => utility.count(`PUT /edev/1/der/1/${name}`));
  assert.deepEqual(counts, [1, 5, 5, 1]);
});

test('a report that the server does not take, or does not answer, keeps nothing else waiting', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  utility.answers.set('PUT /edev/1/der/1/dercap', 400);
  const made = await client();
  made.report({ DERCapability: capability, DERSettings: settings });
  await runTo(1);
  assert.deepEqual([utility.count('PUT /edev/1/der/1/dercap'), utility.count('PUT /edev/1/der/1/derg')], [1, 1]);
  utility.isDown = true;
  made.report({ DERSettings: { ...settings, setGradW: 100 } });
  await runTo(100);
  utility.isDown = false;
  await runTo(2_000);
  assert.match(
    utility.received.findLast(({ what }) => what === 'PUT /edev/1/der/1/derg')?.body ?? '',
    /<setGradW>100</,
  );
});

test('each DER of a list is told on its own, and one that the list has not is not told', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const one = /<DER .*<\/DER>/s.exec(utility.text('/edev/1/der'))?.[0] ?? '';
  utility.documents.set('/edev/1/der', list('DERList', 'pollRate="60"', [one, one.replaceAll('/der/1', '/der/2')]));
  const made = await client();
  await runTo(0);
  for (const [der, rating] of [5_000, 4_000, 3_000].entries()) {
    made.report({ DERCapability: { ...capability, rtgMaxW: watts(rating) }, DERStatus: status(der) }, board.lfdi, der);
  }
  await runTo(10);
  const puts = () => utility.received.filter(({ what }) => what.startsWith('PUT '));
  assert.deepEqual(
    puts().map(({ what }) => what.replace('PUT /edev/1/der/', '')),
    ['1/dercap', '1/ders', '2/dercap', '2/ders'],
  );
  assert.match(puts()[2]?.body ?? '', /<value>4000</);
  made.report({ DERStatus: status(7) }, board.lfdi, 1);
  await runTo(12);
  assert.deepEqual(
    puts()
      .slice(4)
      .map(({ what }) => what),
    ['PUT /edev/1/der/2/ders'],
  );
});

test('LogEvents reach the server in order, each with the server’s time and a number of its own', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi, { ahead: 50 });
  const made = await client();
  await runTo(0);
  const alarm = { functionSet: 11, logEventPEN: 0, profileID: 2 };
  for (const logEventCode of [0, 1]) made.logEvent({ ...alarm, logEventCode });
  utility.isDown = true;
  await runTo(1);
  for (let n = 0; n < 70; n++) made.logEvent({ ...alarm, logEventCode: n });
  utility.isDown = false;
  await runTo(100);
  const events = utility.received.filter(({ what }) => what === 'POST /edev/1/lel').map(({ body }) => body);
  assert.equal(events.length, 64);
  assert.match(events[0] ?? '', /<createdDateTime>18000000(50|51)</);
  const ids = events.map((body) => Number(/<logEventID>(\d+)/.exec(body)?.[1]));
  assert.deepEqual(
    ids,
    Array.from({ length: 64 }, (_, n) => n + 8),
  );
});

test('what is told anew is what differs by more than five per cent, and codes and flags by anything', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 1e6 }), fc.integer({ min: -3, max: 3 }), (value, multiplier) => {
      const scaled = { multiplier: multiplier - 1, value: value * 10 };
      assert.equal(isChanged({ w: { multiplier, value } }, { w: scaled }), false);
      assert.equal(isChanged(availability(value), availability(Math.floor(value * 1.03))), false);
      assert.equal(isChanged(availability(value), availability(Math.ceil(value * 1.08))), true);
    }),
  );
  assert.equal(isChanged({ code: 3 }, { code: 4 }), true);
  assert.equal(isChanged({ bits: Uint8Array.of(1) }, { bits: Uint8Array.of(1) }), false);
  assert.equal(isChanged(status(1), status(3)), true);
  assert.equal(isChanged({ a: 1 }, { a: 1, b: undefined }), false);
  assert.equal(isChanged({ a: 1 }, { a: 1, b: 0 }), true);
  assert.equal(isChanged({ on: true, readingTime: 1n }, { on: true, readingTime: 2n }), false);
});
