import {
  derCurveOrder,
  derProgramOrder,
  eventOrder,
  flowReservationRequestOrder,
  identifiedObjectOrder,
  logEventOrder,
  type Ordering,
  readingSetOrder,
  responseOrder,
} from '#ieee2030_5/orderings.ts';
import type { BillingPeriod, ConsumptionTariffInterval, RootName, Roots } from '#ieee2030_5/types.generated.ts';

/** How the items of a list stand in it, and how many there may be. */
export interface ListRule {
  /** The standard's order; without one, as they came. */
  readonly order?: Ordering<never>;
  /** The time that the list parameter `a` goes by. */
  readonly timeOf?: (document: never) => bigint;
  /** The most items of one list. */
  readonly limit: number;
  /** What happens to one more: `refuse` it, or drop the `oldest`. */
  readonly beyond: 'refuse' | 'oldest';
}

const few: Pick<ListRule, 'limit' | 'beyond'> = { limit: 64, beyond: 'refuse' };
const many: Pick<ListRule, 'limit' | 'beyond'> = { limit: 1_000, beyond: 'refuse' };

const events: ListRule = {
  ...many,
  order: eventOrder,
  timeOf: ({ interval }: Roots['DERControl']) => interval.start,
};
const identified = { ...many, order: identifiedObjectOrder };

const billingPeriodOrder: Ordering<BillingPeriod> = (a, b) => Number(b.interval.start - a.interval.start);
const consumptionOrder: Ordering<ConsumptionTariffInterval> = (a, b) =>
  a.startValue - b.startValue || a.consumptionBlock - b.consumptionBlock;

/** By the name of the item. What is not here is kept as it came, 64 of it. */
const rules: Partial<Record<RootName, ListRule>> = {
  DERControl: events,
  EndDeviceControl: events,
  TimeTariffInterval: events,
  TextMessage: events,
  FlowReservationRequest: { ...few, order: flowReservationRequestOrder },
  DERProgram: { ...many, order: derProgramOrder },
  DERCurve: { ...few, order: derCurveOrder },
  TariffProfile: identified,
  RateComponent: { ...few, order: identifiedObjectOrder },
  ConsumptionTariffInterval: { ...few, order: consumptionOrder },
  MessagingProgram: identified,
  DemandResponseProgram: identified,
  CustomerAccount: identified,
  CustomerAgreement: { ...few, order: identifiedObjectOrder },
  BillingPeriod: {
    ...many,
    order: billingPeriodOrder,
    timeOf: ({ interval }: BillingPeriod) => interval.start,
  },
  BillingReadingSet: {
    limit: 10_000,
    beyond: 'refuse',
    order: readingSetOrder,
    timeOf: ({ timePeriod }: Roots['BillingReadingSet']) => timePeriod.start,
  },
  BillingReading: many,
  HistoricalReading: identified,
  ProjectionReading: identified,
  TargetReading: identified,
  ResponseSet: { ...few, order: identifiedObjectOrder },
  /** Of all devices together; each has a share of its own, see resources/responses.ts. */
  Response: {
    limit: 100_000,
    beyond: 'oldest',
    order: responseOrder,
  },
  LogEvent: {
    limit: 256,
    beyond: 'oldest',
    order: logEventOrder,
    timeOf: ({ createdDateTime }: Roots['LogEvent']) => createdDateTime,
  },
  File: many,
  /** An aggregator subscribes for all of its devices. */
  Subscription: many,
};

/** Responses of all kinds stand in one list. */
const kinOf: Partial<Record<RootName, RootName>> = {
  DERControlResponse: 'Response',
  DrResponse: 'Response',
  FlowReservationResponseResponse: 'Response',
  PriceResponse: 'Response',
  TextResponse: 'Response',
};

export const listRule = (name: RootName): ListRule => rules[kinOf[name] ?? name] ?? few;
