import { type WadlMethod, wadlMethods, wadlRow, type WadlRow } from '#ieee2030_5/wadl-table.ts';
import { wadlTable } from '#ieee2030_5/wadl-table.generated.ts';

/**
 * Whose a resource is, which decides who sees it.
 * `anyone`: also a certificate that may register itself · `registered`: every device, each its own view ·
 * `end-device`: the EndDevice of the path · `assigned`: those that an assignment shows it to · `owned`: the device
 * that the operator gave it to · `mirror-point`: the device that posts to it · `addressed`: the device whose LFDI it
 * carries, or all.
 */
export type Whose = 'anyone' | 'registered' | 'end-device' | 'assigned' | 'owned' | 'mirror-point' | 'addressed';

export interface ResourceRule {
  readonly id: string;
  readonly path: string;
  /** The root element of its documents. */
  readonly root: string;
  readonly whose: Whose;
  readonly methods: readonly WadlMethod[];
}

/**
 * Resources that are not in the WADL: CSIP-AUS's, the lists that assignments link to, the newest reading of a meter,
 * and the contents of files.
 */
const ownTable = {
  ConnectionPoint: '/edev/{id1}/cp ConnectionPoint MMMD',
  AssignedDERProgramList: '/edev/{id1}/fsa/{id2}/derp DERProgramList MEEE sl',
  AssignedTariffProfileList: '/edev/{id1}/fsa/{id2}/tp TariffProfileList MEEE sl',
  AssignedMessagingProgramList: '/edev/{id1}/fsa/{id2}/msg MessagingProgramList MEEE sl',
  AssignedDemandResponseProgramList: '/edev/{id1}/fsa/{id2}/dr DemandResponseProgramList MEEE sl',
  CombinedTimeTariffIntervalList: '/tp/{id1}/ctti TimeTariffIntervalList MEEE sal',
  RateComponentReadingType: '/tp/{id1}/rc/{id2}/rt ReadingType MEEE',
  CurrentReading: '/upt/{id1}/mr/{id2}/r Reading MEEE',
  FileContent: '/file/{id1}/content File MEEE',
} as const;

const table = { ...wadlTable, ...ownTable };
export type ResourceId = keyof typeof table;

/** What is implemented beside what the WADL demands, and whose it is: `whose [METHOD…]`. The rest is not advertised. */
const rules = {
  DeviceCapability: 'anyone',
  Time: 'anyone',
  SelfDevice: 'registered',

  EndDeviceList: 'anyone POST',
  EndDevice: 'end-device PUT DELETE',
  Registration: 'end-device',
  DeviceInformation: 'end-device',
  SupportedLocaleList: 'end-device',
  SupportedLocale: 'end-device',
  DeviceStatus: 'end-device',
  PowerStatus: 'end-device',
  Configuration: 'end-device',
  PriceResponseCfgList: 'end-device',
  PriceResponseCfg: 'end-device',
  FileStatus: 'end-device',
  LogEventList: 'end-device',
  LogEvent: 'end-device',
  LoadShedAvailabilityList: 'end-device',
  LoadShedAvailability: 'end-device PUT',
  ConnectionPoint: 'end-device',
  FunctionSetAssignmentsList: 'end-device',
  FunctionSetAssignments: 'end-device',
  AssignedDERProgramList: 'end-device',
  AssignedTariffProfileList: 'end-device',
  AssignedMessagingProgramList: 'end-device',
  AssignedDemandResponseProgramList: 'end-device',
  SubscriptionList: 'end-device',
  Subscription: 'end-device',
  FlowReservationRequestList: 'end-device',
  FlowReservationRequest: 'end-device DELETE',
  FlowReservationResponseList: 'end-device',
  FlowReservationResponse: 'end-device',
  DERList: 'end-device',
  DER: 'end-device',
  DERCapability: 'end-device',
  DERSettings: 'end-device',
  DERStatus: 'end-device',
  DERAvailability: 'end-device',
  AssociatedUsagePoint: 'end-device',
  AssociatedDERProgramList: 'end-device',
  CurrentDERProgram: 'end-device',

  DERProgramList: 'registered',
  DERProgram: 'assigned',
  DERControlList: 'assigned',
  DERControl: 'assigned',
  ActiveDERControlList: 'assigned',
  DefaultDERControl: 'assigned',
  DERCurveList: 'assigned',
  DERCurve: 'assigned',

  DemandResponseProgramList: 'registered',
  DemandResponseProgram: 'assigned',
  EndDeviceControlList: 'assigned',
  EndDeviceControl: 'assigned',
  ActiveEndDeviceControlList: 'assigned',

  TariffProfileList: 'registered',
  TariffProfile: 'assigned',
  CombinedTimeTariffIntervalList: 'assigned',
  RateComponentList: 'assigned',
  RateComponent: 'assigned',
  RateComponentReadingType: 'assigned',
  TimeTariffIntervalList: 'assigned',
  TimeTariffInterval: 'assigned',
  ActiveTimeTariffIntervalList: 'assigned',
  ConsumptionTariffIntervalList: 'assigned',
  ConsumptionTariffInterval: 'assigned',

  MessagingProgramList: 'registered',
  MessagingProgram: 'assigned',
  TextMessageList: 'assigned',
  TextMessage: 'assigned',
  ActiveTextMessageList: 'assigned',

  CustomerAccountList: 'registered',
  CustomerAccount: 'owned',
  CustomerAgreementList: 'owned',
  CustomerAgreement: 'owned',
  ActiveBillingPeriodList: 'owned',
  BillingPeriodList: 'owned',
  BillingPeriod: 'owned',
  ProjectionReadingList: 'owned',
  ProjectionReading: 'owned',
  TargetReadingList: 'owned',
  TargetReading: 'owned',
  HistoricalReadingList: 'owned',
  HistoricalReading: 'owned',
  ServiceSupplier: 'owned',
  BillingReadingSetList: 'registered',
  BillingReadingSet: 'owned',
  BillingReadingList: 'owned',
  BillingReading: 'owned',

  FileList: 'registered',
  File: 'addressed',
  FileContent: 'addressed',

  UsagePointList: 'registered',
  UsagePoint: 'mirror-point',
  MeterReadingList: 'mirror-point',
  MeterReading: 'mirror-point',
  ReadingType: 'mirror-point',
  ReadingSetList: 'mirror-point',
  ReadingSet: 'mirror-point',
  ReadingList: 'mirror-point',
  Reading: 'mirror-point',
  CurrentReading: 'mirror-point',
  MirrorUsagePointList: 'anyone',
  MirrorUsagePoint: 'mirror-point GET',

  ResponseSetList: 'registered GET',
  ResponseSet: 'registered GET',
  ResponseList: 'registered GET',
  Response: 'owned GET',
} as const satisfies { readonly [Id in ResourceId]?: `${Whose}${string}` };
export type ServedId = keyof typeof rules;

const mandatory = ({ modes }: WadlRow): WadlMethod[] => wadlMethods.filter((method) => modes[method] === 'M');

/** Every resource that this server has. A method is there when the WADL demands it or a client has use for it. */
export const resourceRules: ReadonlyMap<ServedId, ResourceRule> = new Map(
  Object.entries(rules).map(([key, notation]) => {
    const id = key as ServedId;
    const [whose, ...also] = notation.split(' ') as [Whose, ...WadlMethod[]];
    const row = wadlRow(table[id]);
    const methods = wadlMethods.filter((method) => mandatory(row).includes(method) || also.includes(method));
    return [id, { id, path: row.path, root: row.root, whose, methods }];
  }),
);
