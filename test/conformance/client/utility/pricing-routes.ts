import { blockOf, intervalOf, rateComponentOf, readingTypeOf, tariffOf } from './pricing-documents.ts';
import { deviceHandlers, itemHandlers, listDocument, notFound, rooted, type Route, xml } from './routing.ts';
import type { Utility } from './utility.ts';

const byStart = (a: { start: number; mrid: string }, b: { start: number; mrid: string }): number =>
  a.start - b.start || (a.mrid > b.mrid ? -1 : 1);

/** TariffProfiles, RateComponents and TimeTariffIntervals. */
export function pricingRoutes(utility: Utility): Route[] {
  const forDevice = deviceHandlers(utility);
  const { rates } = utility;
  const ofTariff = itemHandlers(utility, (_device, id) => utility.tariffs.find((tariff) => tariff.id === id));
  return [
    [
      'GET',
      /^\/edev\/(\d+)\/fsa\/(\d+)\/tp$/,
      forDevice(({ id }, { path, query }, [, fsa]) =>
        xml(
          listDocument(
            'TariffProfileList',
            path,
            utility.tariffs.filter(({ fsaId }) => fsaId === Number(fsa)).map((tariff) => tariffOf(id, tariff)),
            query,
            { pollRate: rates.tp, isSubscribable: utility.isSubscribable },
          ),
        ),
      ),
    ],
    ['GET', /^\/edev\/(\d+)\/tp\/(\d+)$/, ofTariff((device, tariff) => rooted(tariffOf(device, tariff)))],
    [
      'GET',
      /^\/edev\/(\d+)\/tp\/(\d+)\/rc$/,
      ofTariff((device, tariff, { path, query }) =>
        xml(
          listDocument(
            'RateComponentList',
            path,
            tariff.rateComponents.toReversed().map((rate) => rateComponentOf(device, tariff, rate)),
            query,
          ),
        ),
      ),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/tp\/(\d+)\/rc\/(\d+)$/,
      ofTariff((device, tariff, _request, [, , id]) => {
        const rate = tariff.rateComponents.find((other) => other.id === Number(id));
        return rooted(rate && rateComponentOf(device, tariff, rate));
      }),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/tp\/(\d+)\/rc\/(\d+)\/rt$/,
      ofTariff((_device, tariff, { path }, [, , id]) => {
        const rate = tariff.rateComponents.find((other) => other.id === Number(id));
        return rooted(rate && readingTypeOf(path, rate));
      }),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/tp\/(\d+)\/(ctti|rc\/(\d+)\/tti)$/,
      ofTariff((device, tariff, { path, query }, [, , , rate]) => {
        const items = tariff.intervals
          .filter(({ start, duration }) => start + duration > utility.now())
          .filter(({ rateComponent }) => rate === undefined || rateComponent === Number(rate))
          .toSorted(byStart)
          .map((interval) => intervalOf(utility, device, tariff, interval));
        // The combined list is a TimeTariffIntervalList on the wire (TS 5573, v1.3).
        return xml(
          listDocument('TimeTariffIntervalList', path, items, query, {
            pollRate: rates.tti,
            isSubscribable: utility.isSubscribable,
          }),
        );
      }),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/tp\/(\d+)\/rc\/(\d+)\/tti\/(\d+)$/,
      ofTariff((device, tariff, _request, [, , , id]) => {
        const interval = tariff.intervals.find((other) => other.id === Number(id));
        return rooted(interval && intervalOf(utility, device, tariff, interval));
      }),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/tp\/(\d+)\/rc\/(\d+)\/tti\/(\d+)\/cti$/,
      ofTariff((_device, tariff, { path, query }, [, , , id]) => {
        const interval = tariff.intervals.find((other) => other.id === Number(id));
        if (interval === undefined) return notFound;
        const blocks = interval.blocks.map((_, index) => blockOf(path.replace(/\/cti$/, ''), interval, index));
        return xml(listDocument('ConsumptionTariffIntervalList', path, blocks, query));
      }),
    ],
  ];
}
