import type {
  DER,
  DERCurve,
  DERProgram,
  EndDevice,
  Event,
  FlowReservationRequest,
  IdentifiedObject,
  LogEvent,
  Reading,
  ReadingSetBase,
  Response,
} from './types.generated.ts';

/** As `Array.prototype.sort` takes it. */
export type Ordering<Item> = (a: Item, b: Item) => number;

type Key = bigint | number | string | Uint8Array;

const compareKeys = (a: Key | undefined, b: Key | undefined): number => {
  // What is absent comes first, in both directions of the standard's keys.
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return a < b ? -1 : Number(a > b);
};

const ascending =
  <Item>(key: (item: Item) => Key | undefined): Ordering<Item> =>
  (a, b) =>
    compareKeys(key(a), key(b));
const descending =
  <Item>(key: (item: Item) => Key | undefined): Ordering<Item> =>
  (a, b) =>
    compareKeys(key(b), key(a));
const by =
  <Item>(...keys: readonly Ordering<Item>[]): Ordering<Item> =>
  (a, b) => {
    for (const key of keys) {
      const order = key(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };

/**
 * MirrorUsagePoint, UsagePoint, MeterReading, ResponseSet, FunctionSetAssignments, TariffProfile, RateComponent,
 * MessagingProgram and other lists of identified objects without an order of their own: mRID descending
 * (IEEE 2030.5-2018, each function set's list ordering).
 */
export const identifiedObjectOrder: Ordering<IdentifiedObject> = by(descending((item) => item.mRID));

/** DERControl, EndDeviceControl, TimeTariffInterval, TextMessage, FlowReservationResponse: soonest first. */
export const eventOrder: Ordering<Event> = by(
  ascending((item) => item.interval.start),
  descending((item) => item.creationTime),
  descending((item) => item.mRID),
);

/** FlowReservationRequest: as events, by the interval that is asked for. */
export const flowReservationRequestOrder: Ordering<FlowReservationRequest> = by(
  ascending((item) => item.intervalRequested.start),
  descending((item) => item.creationTime),
  descending((item) => item.mRID),
);

/** EndDevice: last changed first. */
export const endDeviceOrder: Ordering<EndDevice> = by(
  descending((item) => item.changedTime),
  ascending((item) => item.sFDI),
  ascending((item) => item.href),
);

/** DERProgram: the one that wins first. */
export const derProgramOrder: Ordering<DERProgram> = by(
  ascending((item) => item.primacy),
  descending((item) => item.mRID),
);

/** DERCurve: newest first. */
export const derCurveOrder: Ordering<DERCurve> = by(
  descending((item) => item.creationTime),
  descending((item) => item.mRID),
);

/** DER: by its path. */
export const derOrder: Ordering<DER> = by(ascending((item) => item.href));

/** LogEvent: newest first. */
export const logEventOrder: Ordering<LogEvent> = by(
  descending((item) => item.createdDateTime),
  descending((item) => item.logEventID),
);

/** Response: newest first. */
export const responseOrder: Ordering<Response> = by(
  descending((item) => item.createdDateTime),
  ascending((item) => item.endDeviceLFDI),
);

/** ReadingSet and MirrorReadingSet: newest first. */
export const readingSetOrder: Ordering<ReadingSetBase> = by(
  descending((item) => item.timePeriod.start),
  descending((item) => item.mRID),
);

/** Reading: in the order in which the meter made them. */
export const readingOrder: Ordering<Reading> = by(
  ascending((item) => item.localID),
  ascending((item) => item.consumptionBlock),
  ascending((item) => item.touTier),
);
