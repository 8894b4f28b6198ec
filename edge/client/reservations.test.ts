import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowReservationResponse } from '#ieee2030_5/types.generated.ts';
import { after, start, startBench } from './test-utility.ts';

const granted = (id: number, from: number, more: Partial<FlowReservationResponse> = {}): FlowReservationResponse => ({
  mRID: Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? id : 0)),
  creationTime: BigInt(start),
  EventStatus: { currentStatus: 0, dateTime: BigInt(start), potentiallySuperseded: false },
  interval: { duration: 100, start: BigInt(after(from)) },
  energyAvailable: { multiplier: 0, value: 500 },
  powerAvailable: { multiplier: 0, value: 6_000 },
  subject: Uint8Array.of(id),
  replyTo: '/rsp',
  responseRequired: Uint8Array.of(3),
  ...more,
});
const listOf = (...items: FlowReservationResponse[]) => ({
  all: items.length,
  results: items.length,
  FlowReservationResponse: items,
});

test('a reservation is answered when it is received, begins and ends, where the server asks for it', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  await runTo(0);
  const silent = granted(2, 50, { responseRequired: Uint8Array.of(0) });
  made.reserved(listOf(granted(1, 50), silent, granted(3, 60, { responseRequired: Uint8Array.of(1) })));
  await runTo(5);
  assert.deepEqual(utility.responses(), ['1 of 1', '1 of 3']);
  assert.match(utility.received.at(-1)?.body ?? '', /<FlowReservationResponseResponse /);
  await runTo(155);
  assert.deepEqual(utility.responses().slice(2), ['2 of 1', '3 of 1']);
});

test('a reservation that its server withdraws is cancelled, and one beyond what was read stays', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const made = await client();
  await runTo(0);
  made.reserved(listOf(granted(1, 200), granted(2, 200)));
  await runTo(5);
  made.reserved({ ...listOf(granted(2, 200)), all: 2 });
  await runTo(10);
  assert.deepEqual(utility.responses(), ['1 of 1', '1 of 2']);
  made.reserved(listOf(granted(2, 200)));
  await runTo(15);
  assert.deepEqual(utility.responses().slice(2), ['6 of 1']);
});

test('after a restart a reservation goes on when it is read again, and is not answered twice', async (t) => {
  const { utility, client, runTo, board } = await startBench(t);
  utility.fill(board.lfdi);
  const first = await client();
  await runTo(0);
  first.reserved(listOf(granted(1, 50)));
  await runTo(5);
  await first[Symbol.asyncDispose]();
  const second = await client();
  await runTo(60);
  assert.deepEqual(utility.responses(), ['1 of 1']);
  second.reserved(listOf(granted(1, 50)));
  await runTo(160);
  assert.deepEqual(utility.responses(), ['1 of 1', '2 of 1', '3 of 1']);
});
