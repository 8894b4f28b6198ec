/** Where a resource is found: behind a link of its parent, or as an item of its list. */
type Place = { readonly parent: ResourceName; readonly link: string } | { readonly list: ResourceName };

/** The resources of CSIP-AUS, parents first. */
const places = {
  Time: { parent: 'DeviceCapability', link: 'TimeLink' },
  MirrorUsagePointList: { parent: 'DeviceCapability', link: 'MirrorUsagePointListLink' },
  MirrorUsagePoint: { list: 'MirrorUsagePointList' },
  EndDeviceList: { parent: 'DeviceCapability', link: 'EndDeviceListLink' },
  EndDevice: { list: 'EndDeviceList' },
  ConnectionPoint: { parent: 'EndDevice', link: 'ConnectionPointLink' },
  Registration: { parent: 'EndDevice', link: 'RegistrationLink' },
  DeviceInformation: { parent: 'EndDevice', link: 'DeviceInformationLink' },
  FunctionSetAssignmentsList: { parent: 'EndDevice', link: 'FunctionSetAssignmentsListLink' },
  FunctionSetAssignments: { list: 'FunctionSetAssignmentsList' },
  DERProgramList: { parent: 'FunctionSetAssignments', link: 'DERProgramListLink' },
  DERProgram: { list: 'DERProgramList' },
  DefaultDERControl: { parent: 'DERProgram', link: 'DefaultDERControlLink' },
  DERControlList: { parent: 'DERProgram', link: 'DERControlListLink' },
  DERControl: { list: 'DERControlList' },
  DERCurveList: { parent: 'DERProgram', link: 'DERCurveListLink' },
  DERCurve: { list: 'DERCurveList' },
  DERList: { parent: 'EndDevice', link: 'DERListLink' },
  DER: { list: 'DERList' },
  DERCapability: { parent: 'DER', link: 'DERCapabilityLink' },
  DERSettings: { parent: 'DER', link: 'DERSettingsLink' },
  DERStatus: { parent: 'DER', link: 'DERStatusLink' },
  DERAvailability: { parent: 'DER', link: 'DERAvailabilityLink' },
  SubscriptionList: { parent: 'EndDevice', link: 'SubscriptionListLink' },
  Subscription: { list: 'SubscriptionList' },
  LogEventList: { parent: 'EndDevice', link: 'LogEventListLink' },
  LogEvent: { list: 'LogEventList' },
} as const satisfies Readonly<
  Record<string, { readonly parent: string; readonly link: string } | { readonly list: string }>
>;

export type ResourceName = 'DeviceCapability' | keyof typeof places;

export const resourceNames: readonly ResourceName[] = ['DeviceCapability', ...(Object.keys(places) as ResourceName[])];

/** The resource that a parameter names. Throws where it names none. */
export function resourceOf(parameter: unknown): ResourceName {
  const found = resourceNames.find((name) => name === parameter);
  if (found === undefined) throw new Error(`unknown resource ${JSON.stringify(parameter)}`);
  return found;
}

/** Undefined for the root, which a client knows. */
export const placeOf = (name: ResourceName): Place | undefined =>
  name === 'DeviceCapability' ? undefined : places[name];

export const parentOf = (name: ResourceName): ResourceName | undefined => {
  const place = placeOf(name);
  return place === undefined ? undefined : 'list' in place ? place.list : place.parent;
};

/** The resources that lead to those that are asked for, and they themselves, parents first. */
export function pathTo(wanted: readonly ResourceName[]): ResourceName[] {
  const needed = new Set<ResourceName>();
  for (const name of wanted) {
    for (let at: ResourceName | undefined = name; at !== undefined; at = parentOf(at)) needed.add(at);
  }
  return resourceNames.filter((name) => needed.has(name));
}

/** What a list holds. */
export const itemsOf = (list: ResourceName): ResourceName | undefined =>
  resourceNames.find((name) => {
    const place = placeOf(name);
    return place !== undefined && 'list' in place && place.list === list;
  });
