import type { BillingPeriod, RootName } from '#ieee2030_5/types.generated.ts';
import type { SepServices } from '../services.ts';
import type { Context } from '../exchange.ts';
import type { Source } from '../source.ts';
import { storedDocument, storedList } from '../stored-source.ts';

/** The bill of a customer, read by the customer's device (IEEE 2030.5-2018 §10.13): what the operator gave to it. */
export function billingSources({ clock, store }: SepServices) {
  const item = (name: RootName): Source => storedDocument(store, name);
  const list = (name: RootName): Source => storedList(store, name);
  /** Accounts and sets that belong to the principal's devices; what belongs to nobody is shown to nobody. */
  const ownedEntries = ({ href, principal }: Context) =>
    store.items(href).filter(({ owner }) => principal.devices.some(({ id }) => id === owner));
  const owned: Source = { entries: ownedEntries, isLinked: (context) => ownedEntries(context).length > 0 };

  return {
    CustomerAccountList: owned,
    CustomerAccount: item('CustomerAccount'),
    CustomerAgreementList: list('CustomerAgreement'),
    CustomerAgreement: item('CustomerAgreement'),
    ActiveBillingPeriodList: {
      entries: ({ href }) => {
        const now = BigInt(clock.now());
        return store.items(`${href.slice(0, href.lastIndexOf('/'))}/bp`).filter(({ document }) => {
          const { start, duration } = (document as BillingPeriod).interval;
          return start <= now && now < start + BigInt(duration);
        });
      },
    },
    BillingPeriodList: list('BillingPeriod'),
    BillingPeriod: item('BillingPeriod'),
    ProjectionReadingList: list('ProjectionReading'),
    ProjectionReading: item('ProjectionReading'),
    TargetReadingList: list('TargetReading'),
    TargetReading: item('TargetReading'),
    HistoricalReadingList: list('HistoricalReading'),
    HistoricalReading: item('HistoricalReading'),
    ServiceSupplier: { ...item('ServiceSupplier'), isLinked: ({ href }) => store.get(href) !== undefined },
    BillingReadingSetList: owned,
    BillingReadingSet: item('BillingReadingSet'),
    BillingReadingList: list('BillingReading'),
    BillingReading: item('BillingReading'),
  } satisfies Readonly<Record<string, Source>>;
}
