/** How prices look on the wire (IEEE 2030.5-2018 §10.5, with the lists of CSIP-AUS v1.3). */
import { element, field, link } from '../xml.ts';
import { eventParts, type Rendered, resource, responseSets } from './documents.ts';
import type { UtilityInterval, UtilityRateComponent, UtilityTariff } from './state.ts';
import type { Utility } from './utility.ts';

export const tariffOf = (device: number, tariff: UtilityTariff): Rendered => {
  const href = `/edev/${device}/tp/${tariff.id}`;
  return resource(
    'TariffProfile',
    href,
    {},
    field('mRID', tariff.mrid),
    field('description', `tariff ${tariff.id}`),
    field('currency', 36),
    field('pricePowerOfTenMultiplier', tariff.priceMultiplier),
    field('primacy', tariff.primacy),
    field('rateCode', 'test'),
    link('RateComponentListLink', `${href}/rc`, tariff.rateComponents.length),
    field('serviceCategoryKind', 0),
    link('csipaus:CombinedTimeTariffIntervalListLink', `${href}/ctti`, tariff.intervals.length),
  );
};

export const rateComponentOf = (device: number, tariff: UtilityTariff, rate: UtilityRateComponent): Rendered => {
  const href = `/edev/${device}/tp/${tariff.id}/rc/${rate.id}`;
  const intervals = tariff.intervals.filter(({ rateComponent }) => rateComponent === rate.id);
  return resource(
    'RateComponent',
    href,
    {},
    field('mRID', rate.mrid),
    field('description', rate.tag ?? `rate ${rate.id}`),
    link('ReadingTypeLink', `${href}/rt`),
    field('roleFlags', '00'),
    link('TimeTariffIntervalListLink', `${href}/tti`, intervals.length),
  );
};

export const readingTypeOf = (href: string, rate: UtilityRateComponent): Rendered =>
  resource(
    'ReadingType',
    href,
    {},
    Object.entries(rate.readingType).map(([name, value]) => field(name, value)),
  );

export const intervalOf = (
  utility: Utility,
  device: number,
  tariff: UtilityTariff,
  interval: UtilityInterval,
): Rendered => {
  const href = `/edev/${device}/tp/${tariff.id}/rc/${interval.rateComponent}/tti/${interval.id}`;
  const blocks = interval.blocks.map((_, index) => blockOf(href, interval, index)());
  return resource(
    'TimeTariffInterval',
    href,
    { replyTo: `/edev/${device}/rsps/${responseSets.prices}/rsp`, responseRequired: '03', subscribable: 0 },
    eventParts(utility, interval, interval.tag ?? `interval ${interval.id}`),
    link('ConsumptionTariffIntervalListLink', `${href}/cti`, blocks.length),
    field('touTier', 0),
    element(
      'csipaus:ConsumptionTariffIntervalListSummary',
      { all: blocks.length, href: `${href}/cti`, results: blocks.length },
      blocks,
    ),
    link('RateComponentLink', `/edev/${device}/tp/${tariff.id}/rc/${interval.rateComponent}`),
  );
};

export const blockOf = (href: string, { blocks }: UtilityInterval, index: number): Rendered =>
  resource(
    'ConsumptionTariffInterval',
    `${href}/cti/${index + 1}`,
    {},
    field('consumptionBlock', blocks.length === 1 ? 0 : index + 1),
    field('price', blocks[index]?.price),
    field('startValue', blocks[index]?.startValue),
  );
