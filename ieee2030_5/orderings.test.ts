import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  derCurveOrder,
  derOrder,
  derProgramOrder,
  endDeviceOrder,
  eventOrder,
  flowReservationRequestOrder,
  identifiedObjectOrder,
  logEventOrder,
  type Ordering,
  readingOrder,
  readingSetOrder,
  responseOrder,
} from './orderings.ts';
import type {
  DERCurve,
  DERProgram,
  EndDevice,
  Event,
  FlowReservationRequest,
  LogEvent,
  Response,
} from './types.generated.ts';

const id = (last: number): Uint8Array => Uint8Array.of(0, last);

/** The items are given in the order that must come out. */
const inOrder = <Item>(order: Ordering<Item>, items: readonly Item[]): void => {
  assert.deepEqual(items.toReversed().toSorted(order), items);
  assert.deepEqual(items.toSorted(order), items);
};

test('identified objects stand by mRID, descending', () => {
  inOrder(identifiedObjectOrder, [{ mRID: id(9) }, { mRID: id(2) }, { mRID: Uint8Array.of(0) }]);
});

test('events stand by start, then newest, then mRID descending', () => {
  const event = (start: bigint, creationTime: bigint, last: number): Event =>
    ({ interval: { start, duration: 1 }, creationTime, mRID: id(last) }) as Event;
  inOrder(eventOrder, [event(1n, 5n, 1), event(2n, 9n, 1), event(2n, 3n, 8), event(2n, 3n, 7)]);
});

test('flow reservation requests stand by the start that they ask for', () => {
  const request = (start: bigint, creationTime: bigint, last: number): FlowReservationRequest =>
    ({ intervalRequested: { start, duration: 1 }, creationTime, mRID: id(last) }) as FlowReservationRequest;
  inOrder(flowReservationRequestOrder, [
    request(1n, 5n, 1),
    request(2n, 9n, 1),
    request(2n, 3n, 8),
    request(2n, 3n, 7),
  ]);
});

test('end devices stand by last change, then SFDI, then path', () => {
  const device = (changedTime: bigint, sFDI: number, href: string): EndDevice => ({ changedTime, sFDI, href });
  inOrder(endDeviceOrder, [device(9n, 5, '/a'), device(3n, 1, '/a'), device(3n, 2, '/a'), device(3n, 2, '/b')]);
});

test('DER programs stand by primacy, curves by creation, DER by path', () => {
  inOrder(derProgramOrder, [
    { primacy: 1, mRID: id(1) },
    { primacy: 2, mRID: id(9) },
    { primacy: 2, mRID: id(1) },
  ] as DERProgram[]);
  inOrder(derCurveOrder, [
    { creationTime: 5n, mRID: id(1) },
    { creationTime: 4n, mRID: id(2) },
  ] as DERCurve[]);
  inOrder(derOrder, [{}, { href: '/der/1' }, { href: '/der/2' }]);
});

test('log events and responses stand newest first', () => {
  inOrder(logEventOrder, [
    { createdDateTime: 5n, logEventID: 1 },
    { createdDateTime: 4n, logEventID: 9 },
    { createdDateTime: 4n, logEventID: 1 },
  ] as LogEvent[]);
  inOrder(responseOrder, [
    { createdDateTime: 5n, endDeviceLFDI: id(9) },
    { createdDateTime: 4n, endDeviceLFDI: id(1) },
    { createdDateTime: 4n, endDeviceLFDI: id(2) },
  ] as Response[]);
});

test('reading sets stand newest first, readings as the meter made them', () => {
  const set = (start: bigint, last: number) => ({ timePeriod: { start, duration: 1 }, mRID: id(last) });
  inOrder(readingSetOrder, [set(5n, 1), set(4n, 2), set(4n, 1)]);
  inOrder(readingOrder, [
    { localID: id(1) },
    { localID: id(2) },
    { localID: id(2), consumptionBlock: 1 },
    { localID: id(2), consumptionBlock: 1, touTier: 1 },
  ]);
});
