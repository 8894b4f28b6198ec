import type { RootName } from '#ieee2030_5/types.generated.ts';
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
    LogEventList: list('LogEvent'),
    LogEvent: item('LogEvent'),
    LoadShedAvailabilityList: list('LoadShedAvailability'),
    LoadShedAvailability: item('LoadShedAvailability'),
  } satisfies Readonly<Record<string, Source>>;
}
