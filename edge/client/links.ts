import type { Link, RootName } from '#ieee2030_5/types.generated.ts';

/** A link that a client follows, and the document that it leads to. */
export interface Followed {
  readonly href: string;
  readonly name: RootName;
  /** Read once and never again: what it says cannot change. */
  readonly isFixed: boolean;
  /** A member whose links are not followed from there: the same is found by a shorter way. */
  readonly without: string | undefined;
}

/**
 * The links that lead from a resource to the next, by the kind of resource; those of a list's items stand under the
 * item's kind. What a device tells of itself (di, cp, der*, lel) is PUT or
 * POSTed, not read, and not here.
 */
const followed: Partial<Record<RootName, readonly (readonly [string, RootName])[]>> = {
  DeviceCapability: [
    ['TimeLink', 'Time'],
    ['MirrorUsagePointListLink', 'MirrorUsagePointList'],
    ['EndDeviceListLink', 'EndDeviceList'],
  ],
  EndDevice: [
    ['RegistrationLink', 'Registration'],
    ['DERListLink', 'DERList'],
    ['FunctionSetAssignmentsListLink', 'FunctionSetAssignmentsList'],
  ],
  FunctionSetAssignments: [
    ['TimeLink', 'Time'],
    ['DERProgramListLink', 'DERProgramList'],
    ['DemandResponseProgramListLink', 'DemandResponseProgramList'],
    ['MessagingProgramListLink', 'MessagingProgramList'],
    ['TariffProfileListLink', 'TariffProfileList'],
  ],
  DERProgram: [
    ['DefaultDERControlLink', 'DefaultDERControl'],
    ['DERControlListLink', 'DERControlList'],
    ['DERCurveListLink', 'DERCurveList'],
  ],
  DemandResponseProgram: [['EndDeviceControlListLink', 'EndDeviceControlList']],
  MessagingProgram: [['TextMessageListLink', 'TextMessageList']],
  // CSIP-AUS 1.3 gives the intervals of all components in one list; elsewhere they are with their components.
  TariffProfile: [
    ['RateComponentListLink', 'RateComponentList'],
    ['CombinedTimeTariffIntervalListLink', 'TimeTariffIntervalList'],
  ],
  RateComponent: [
    ['ReadingTypeLink', 'ReadingType'],
    ['TimeTariffIntervalListLink', 'TimeTariffIntervalList'],
  ],
  TimeTariffInterval: [['ConsumptionTariffIntervalListLink', 'ConsumptionTariffIntervalList']],
};

/** An event's price and a meter's kind of reading are never altered: the server makes new ones (§10.2.3.3). */
const fixed: readonly RootName[] = ['ReadingType', 'ConsumptionTariffIntervalList'];

/** Documents that a server may link to before they are made, answering 404 until then. */
const optional: readonly RootName[] = ['DefaultDERControl'];
export const isOptional = (name: RootName): boolean => optional.includes(name);

/** The kind of a list's items: `DERControlList` has DERControls. `undefined` for what is no list. */
export const itemNameOf = (name: RootName): RootName | undefined =>
  name.endsWith('List') ? (name.slice(0, -'List'.length) as RootName) : undefined;

type AnyDocument = Readonly<Record<string, unknown>>;
export type ListItem = AnyDocument & { readonly href?: string; readonly mRID?: Uint8Array };

/** The items of a list document; none for what is no list. */
export function itemsOf(name: RootName, document: object): readonly ListItem[] {
  const item = itemNameOf(name);
  return item === undefined ? [] : (((document as AnyDocument)[item] as readonly ListItem[] | undefined) ?? []);
}

/** The links of one resource (a document or a list's item) that a client follows, in the order of the walk. */
export function linksOf(name: RootName, resource: object, without?: string): Followed[] {
  const found: Followed[] = [];
  const members = resource as AnyDocument;
  for (const [member, target] of followed[name] ?? []) {
    const href = (members[member] as Link | undefined)?.href;
    if (href === undefined || member === without) continue;
    // CSIP-AUS 1.3 carries the prices within the interval: there is nothing left to be read.
    const isCarried = members['ConsumptionTariffIntervalListSummary'] !== undefined;
    if (isCarried && target === 'ConsumptionTariffIntervalList') continue;
    const hasShortCut = target === 'RateComponentList' && members['CombinedTimeTariffIntervalListLink'] !== undefined;
    found.push({
      href,
      name: target,
      isFixed: fixed.includes(target),
      without: hasShortCut ? 'TimeTariffIntervalListLink' : undefined,
    });
  }
  return found;
}

/** Kinds of documents with a pollRate; 900 s where they do not say (the attribute's default in the XSD). */
const polled: readonly RootName[] = [
  'DeviceCapability',
  'Time',
  'EndDeviceList',
  'MirrorUsagePointList',
  'Registration',
  'FunctionSetAssignmentsList',
  'DERList',
  'DERProgramList',
  'DemandResponseProgramList',
  'MessagingProgramList',
  'TariffProfileList',
];
export const defaultPollRate = 900;
/** A server that says less would have its clients ask without rest. */
const minPollRate = 1;

/** Seconds between polls of a document, or `undefined` where it is read whenever its parent is. */
export function pollRateOf(name: RootName, document: object | undefined): number | undefined {
  const { pollRate: told }: { readonly pollRate?: number } = document ?? {};
  if (told !== undefined) return Math.max(minPollRate, told);
  return polled.includes(name) ? defaultPollRate : undefined;
}
