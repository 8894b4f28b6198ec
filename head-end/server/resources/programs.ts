import { eventOrder } from '#ieee2030_5/orderings.ts';
import type { RootName, TimeTariffInterval } from '#ieee2030_5/types.generated.ts';
import { AccumulationBehaviourType, FlowDirectionType, UomType } from '#ieee2030_5/enumerations.ts';
import type { SepServices } from '../services.ts';
import type { StoredResource } from '../resource-store.ts';
import type { Entry, Source } from '../source.ts';
import { activeEventList, eventList, storedDocument, storedList } from '../stored-source.ts';
import { assignedList } from './assignments.ts';

/** What a price is for, unless the operator says otherwise: energy delivered. */
const energyDelivered = {
  accumulationBehaviour: AccumulationBehaviourType.deltaData,
  flowDirection: FlowDirectionType.forward,
  powerOfTenMultiplier: 0,
  uom: UomType.wattHours,
};

/**
 * What operators put here for devices: DERPrograms (IEEE 2030.5-2018 §10.10), demand response (§10.7), prices (§10.8)
 * and messages (§10.12), each shown to those it is assigned to.
 */
export function programSources(services: SepServices) {
  const { store, events } = services;
  const item = (name: RootName): Source => storedDocument(store, name);
  const list = (name: RootName): Source => storedList(store, name);

  /** CSIP-AUS 1.3: the intervals of all components of a tariff, each with its component and its blocks. */
  const combined = (tariff: string): Entry[] =>
    store
      .items(`${tariff}/rc`)
      .flatMap((component) => events.present(`${component.href}/tti`).map((entry) => summarised(entry, component.href)))
      .toSorted((a, b) => eventOrder(a.document as TimeTariffInterval, b.document as TimeTariffInterval));
  const summarised = (interval: StoredResource, component: string): Entry => {
    const blocks = store.items(`${interval.href}/cti`);
    const summary = {
      href: `${interval.href}/cti`,
      all: blocks.length,
      results: blocks.length,
      ConsumptionTariffInterval: blocks.map(({ href, document }) => ({ ...(document as object), href })),
    };
    const document = {
      ...(interval.document as TimeTariffInterval),
      RateComponentLink: { href: component },
      ConsumptionTariffIntervalListSummary: summary,
    };
    return { ...interval, document };
  };
  const combinedOf = (href: string): Entry[] => combined(href.slice(0, href.lastIndexOf('/')));

  return {
    DERProgramList: assignedList(services, '/derp'),
    DERProgram: item('DERProgram'),
    DERControlList: eventList(events),
    DERControl: item('DERControl'),
    ActiveDERControlList: activeEventList(events, 'derc'),
    DefaultDERControl: { ...item('DefaultDERControl'), isLinked: ({ href }) => store.get(href) !== undefined },
    DERCurveList: list('DERCurve'),
    DERCurve: item('DERCurve'),

    DemandResponseProgramList: assignedList(services, '/dr'),
    DemandResponseProgram: item('DemandResponseProgram'),
    EndDeviceControlList: eventList(events),
    EndDeviceControl: item('EndDeviceControl'),
    ActiveEndDeviceControlList: activeEventList(events, 'edc'),

    TariffProfileList: assignedList(services, '/tp'),
    TariffProfile: item('TariffProfile'),
    CombinedTimeTariffIntervalList: {
      entries: ({ href }) => combinedOf(href),
      isLinked: ({ href }) => combinedOf(href).length > 0,
    },
    RateComponentList: list('RateComponent'),
    RateComponent: item('RateComponent'),
    RateComponentReadingType: {
      read: ({ href }) => store.get(href) ?? { href, name: 'ReadingType', document: energyDelivered },
    },
    TimeTariffIntervalList: eventList(events),
    TimeTariffInterval: item('TimeTariffInterval'),
    ActiveTimeTariffIntervalList: activeEventList(events, 'tti'),
    ConsumptionTariffIntervalList: list('ConsumptionTariffInterval'),
    ConsumptionTariffInterval: item('ConsumptionTariffInterval'),

    MessagingProgramList: assignedList(services, '/msg'),
    MessagingProgram: item('MessagingProgram'),
    TextMessageList: eventList(events),
    TextMessage: item('TextMessage'),
    ActiveTextMessageList: activeEventList(events, 'txt'),
  } satisfies Readonly<Record<string, Source>>;
}
