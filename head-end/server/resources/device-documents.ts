import type { LogEvent, RootName } from '#ieee2030_5/types.generated.ts';
import { created, documentOf, type SepRequest, type SepResponse } from '../exchange.ts';
import type { ResourceStore } from '../resource-store.ts';
import type { SepServices } from '../services.ts';
import type { Source } from '../source.ts';
import { storedDocument, storedList } from '../stored-source.ts';

/**
 * What a device tells of itself beside its DER: information (IEEE 2030.5-2018 §10.3), status, power status,
 * configuration, file status, log events, and the load that it can shed.
 */
export function deviceDocumentSources({ store }: SepServices) {
  const item = (name: RootName): Source => storedDocument(store, name);
  const list = (name: RootName): Source => storedList(store, name);
  return {
    DeviceInformation: item('DeviceInformation'),
    SupportedLocaleList: list('SupportedLocale'),
    SupportedLocale: item('SupportedLocale'),
    DeviceStatus: item('DeviceStatus'),
    PowerStatus: item('PowerStatus'),
    Configuration: item('Configuration'),
    PriceResponseCfgList: list('PriceResponseCfg'),
    PriceResponseCfg: item('PriceResponseCfg'),
    FileStatus: item('FileStatus'),
    LogEventList: { ...list('LogEvent'), post: (request) => logged(store, request) },
    LogEvent: item('LogEvent'),
    LoadShedAvailabilityList: list('LoadShedAvailability'),
    LoadShedAvailability: item('LoadShedAvailability'),
  } satisfies Readonly<Record<string, Source>>;
}

/** What tells LogEvents of one device apart (IEEE 2030.5-2018, LogEvent.logEventID). */
const identity = ['createdDateTime', 'logEventID', 'functionSet', 'logEventCode', 'logEventPEN', 'profileID'] as const;

/** A LogEvent whose answer its device did not see, and that it sends again, is not stored again. */
async function logged(store: ResourceStore, request: SepRequest): Promise<SepResponse> {
  const { value } = documentOf(request, 'LogEvent');
  const known = store
    .items(request.href)
    .find(({ document }) => identity.every((member) => (document as LogEvent)[member] === value[member]));
  return created((known ?? (await store.add(request.href, 'LogEvent', value))).href);
}
