/** How the resources of a utility look on the wire (IEEE 2030.5-2018 and CSIP-AUS v1.3), in the schema's order. */
import {
  eventStatus,
  type Modes,
  type ModeValue,
  type UtilityControl,
  type UtilityDevice,
  type UtilityInterval,
  type UtilityMirror,
  type UtilityProgram,
  type UtilitySubscription,
} from './state.ts';
import type { Utility } from './utility.ts';
import { type Attributes, element, field, link } from '../xml.ts';

/** Elements of DERControlBase before rampTms, and those of CSIP-AUS after it, in the schema's order. */
const baseModes = [
  'opModConnect',
  'opModEnergize',
  'opModFixedPFAbsorbW',
  'opModFixedPFInjectW',
  'opModFixedVar',
  'opModFixedW',
  'opModFreqDroop',
  'opModFreqWatt',
  'opModHFRTMayTrip',
  'opModHFRTMustTrip',
  'opModHVRTMayTrip',
  'opModHVRTMomentaryCessation',
  'opModHVRTMustTrip',
  'opModLFRTMayTrip',
  'opModLFRTMustTrip',
  'opModLVRTMayTrip',
  'opModLVRTMomentaryCessation',
  'opModLVRTMustTrip',
  'opModMaxLimW',
  'opModTargetVar',
  'opModTargetW',
  'opModVoltVar',
  'opModVoltWatt',
  'opModWattPF',
  'opModWattVar',
] as const;
export const limitModes = [
  'opModImpLimW',
  'opModExpLimW',
  'opModGenLimW',
  'opModLoadLimW',
  'opModStorageTargetW',
] as const;
const percentModes: readonly string[] = ['opModFixedW', 'opModMaxLimW'];

/** As upstream's server does it: a fraction that the multiplier cannot hold is cut off. */
const scaled = (watts: number, multiplier: number): number => Math.trunc(Number((watts / 10 ** multiplier).toFixed(6)));

function mode(name: string, value: ModeValue | undefined, multiplier: number, prefix = ''): string {
  if (value === undefined) return '';
  if (typeof value === 'object') return element(name, { href: value.href }, value.xml);
  if (typeof value === 'boolean') return field(name, value);
  if (percentModes.includes(name)) return field(name, Math.round(value * 100));
  // An Int16 has to hold it.
  const fitting = [0, 1, 2, 3].map((more) => multiplier + more).find((one) => Math.abs(scaled(value, one)) <= 0x7fff);
  if (fitting === undefined) throw new RangeError(`${name} of ${value} W`);
  return element(`${prefix}${name}`, {}, field('multiplier', fitting), field('value', scaled(value, fitting)));
}

const controlBase = (modes: Modes, multiplier: number, rampSeconds?: number): string =>
  field('DERControlBase', [
    ...baseModes.map((name) => mode(name, modes[name], multiplier)),
    field('rampTms', rampSeconds === undefined ? undefined : Math.round(rampSeconds * 100)),
    ...limitModes.map((name) => mode(name, modes[name], multiplier, 'csipaus:')),
  ]);

/** Both of a DERControl and of a TimeTariffInterval: IdentifiedObject and Event. */
export function eventParts(utility: Utility, event: UtilityControl | UtilityInterval, description: string): string[] {
  const { status, at } = utility.statusOf(event);
  return [
    field('mRID', event.mrid),
    field('description', description),
    field('version', 0),
    field('creationTime', event.creationTime),
    field('EventStatus', [
      field('currentStatus', status),
      field('dateTime', at),
      field('potentiallySuperseded', status === eventStatus.superseded),
    ]),
    field('interval', [field('duration', event.duration), field('start', event.start)]),
    field('randomizeDuration', event.randomizeDuration),
    field('randomizeStart', event.randomizeStart),
  ];
}

export const responseSets = { controls: 'site_control', prices: 'tariff_generated_rates' } as const;

/** A resource as an element: its own href, and the attributes that only its root bears in a document. */
export type Rendered = (extra?: Attributes) => string;

export const resource =
  (name: string, href: string, attributes: Attributes, ...content: readonly (string | readonly string[])[]): Rendered =>
  (extra = {}) =>
    element(name, { href, ...attributes, ...extra }, ...content);

/** Resources that may be subscribed to, where the utility takes subscriptions at all. */
export const subscribableOf = ({ isSubscribable }: Utility): Attributes => ({ subscribable: isSubscribable ? 1 : 0 });

export const controlOf = (
  utility: Utility,
  device: number,
  program: UtilityProgram,
  control: UtilityControl,
): Rendered =>
  resource(
    'DERControl',
    `/edev/${device}/derp/${program.id}/derc/${control.id}`,
    {
      replyTo: `/edev/${device}/rsps/${responseSets.controls}/rsp`,
      responseRequired: control.responseRequired,
      subscribable: 0,
    },
    eventParts(utility, control, control.tag ?? `control ${control.id}`),
    controlBase(control.modes, utility.controlMultiplier, control.rampSeconds),
  );

export function defaultOf(utility: Utility, device: number, program: UtilityProgram): Rendered | undefined {
  const { default: control } = program;
  if (control === undefined) return undefined;
  return resource(
    'DefaultDERControl',
    `/edev/${device}/derp/${program.id}/dderc`,
    subscribableOf(utility),
    field('mRID', control.mrid),
    field('description', 'default'),
    controlBase(control.modes, utility.controlMultiplier),
    control.settings ?? '',
    field('setGradW', control.setGradW),
  );
}

export const curveOf = (device: number, program: UtilityProgram, id: number): Rendered | undefined => {
  const curve = program.curves.find((other) => other.id === id);
  return curve && resource('DERCurve', `/edev/${device}/derp/${program.id}/dc/${id}`, {}, curve.xml);
};

export const programOf = (utility: Utility, device: number, program: UtilityProgram): Rendered => {
  const href = `/edev/${device}/derp/${program.id}`;
  const isActive = (control: UtilityControl): boolean => utility.statusOf(control).status === eventStatus.active;
  return resource(
    'DERProgram',
    href,
    { subscribable: 0 },
    field('mRID', program.mrid),
    field('description', `program ${program.id}`),
    link('ActiveDERControlListLink', `${href}/actderc`, listed(utility, program).filter(isActive).length),
    link('DefaultDERControlLink', program.default && `${href}/dderc`),
    link('DERControlListLink', `${href}/derc`, listed(utility, program).length),
    link('DERCurveListLink', program.curves.length === 0 ? undefined : `${href}/dc`, program.curves.length),
    field('primacy', program.primacy),
  );
};

/** The controls that are not over, in the order of DERControlList: start, then the newer, then the greater mRID. */
export const listed = (utility: Utility, program: UtilityProgram): UtilityControl[] =>
  program.controls
    .filter(
      ({ start, duration, randomizeStart = 0, randomizeDuration = 0 }) =>
        start + duration + Math.abs(randomizeStart) + Math.abs(randomizeDuration) > utility.now(),
    )
    .toSorted((a, b) => a.start - b.start || b.creationTime - a.creationTime || (a.mrid > b.mrid ? -1 : 1));

export const deviceOf = (utility: Utility, device: UtilityDevice): Rendered => {
  const href = `/edev/${device.id}`;
  const isOwn = device.id === 0;
  return resource(
    'EndDevice',
    href,
    { subscribable: 0 },
    isOwn ? '' : link('DERListLink', `${href}/der`, 1),
    field('deviceCategory', device.deviceCategory ?? '00'),
    isOwn ? '' : link('DeviceInformationLink', `${href}/di`),
    isOwn ? '' : link('DeviceStatusLink', `${href}/dstat`),
    field('lFDI', device.lfdi),
    isOwn ? '' : link('LogEventListLink', `${href}/lel`, device.posted.get('lel')?.length ?? 0),
    field('sFDI', device.sfdi),
    field('changedTime', utility.now()),
    field('enabled', true),
    isOwn ? '' : link('FunctionSetAssignmentsListLink', `${href}/fsa`, utility.fsasOf(device.id).length),
    field('postRate', utility.rates.edevPost),
    isOwn || !utility.hasRegistrationLinks ? '' : link('RegistrationLink', `${href}/rg`),
    utility.isSubscribable ? link('SubscriptionListLink', `${subscriberOf(utility, device)}/sub`, 0) : '',
    isOwn ? '' : link('csipaus:ConnectionPointLink', `${href}/cp`),
  );
};

/** Subscriptions are the client's: with an aggregator its own EndDevice has them, else the device's. */
const subscriberOf = (utility: Utility, device: UtilityDevice): string =>
  utility.hasSubscriptionsAtZero || utility.devices.some(({ id }) => id === 0) ? '/edev/0' : `/edev/${device.id}`;

export const fsaOf = (utility: Utility, device: number, id: number): Rendered => {
  const href = `/edev/${device}/fsa/${id}`;
  const programs = utility.programsOf(device, id).length;
  const tariffs = utility.tariffs.filter(({ fsaId }) => fsaId === id).length;
  return resource(
    'FunctionSetAssignments',
    href,
    { subscribable: 0 },
    link('DERProgramListLink', utility.programListHref ?? `${href}/derp`, programs),
    link('ResponseSetListLink', `/edev/${device}/rsps`, 2),
    utility.hasPricing ? link('TariffProfileListLink', `${href}/tp`, tariffs || undefined) : '',
    link('TimeLink', '/tm'),
    field('mRID', `${'0'.repeat(8)}${id.toString(16).padStart(16, '0')}0000D2C0`.toUpperCase()),
    field('description', `assignments ${id}`),
  );
};

export const derOf = (device: number): Rendered => {
  const href = `/edev/${device}/der/1`;
  return resource(
    'DER',
    href,
    {},
    link('DERAvailabilityLink', `${href}/dera`),
    link('DERCapabilityLink', `${href}/dercap`),
    link('DERSettingsLink', `${href}/derg`),
    link('DERStatusLink', `${href}/ders`),
  );
};

export const mirrorOf = (utility: Utility, mirror: UtilityMirror): Rendered => {
  const text = (name: string): string => field(name, mirror.node.value(name));
  return resource(
    'MirrorUsagePoint',
    `/mup/${mirror.id}`,
    {},
    text('mRID'),
    text('description'),
    text('roleFlags'),
    text('serviceCategoryKind'),
    text('status'),
    text('deviceLFDI'),
    field('postRate', utility.rates.mup),
  );
};

export const subscriptionOf = ({
  device,
  id,
  resource: subscribed,
  notificationUri,
  limit,
}: UtilitySubscription): Rendered =>
  resource(
    'Subscription',
    `/edev/${device}/sub/${id}`,
    {},
    field('subscribedResource', subscribed),
    field('encoding', 0),
    field('level', '+S1'),
    field('limit', limit),
    field('notificationURI', notificationUri),
  );

export const timeOf = (now: number, quality: number, pollRate: number): Rendered =>
  resource(
    'Time',
    '/tm',
    { pollRate },
    field('currentTime', now),
    field('dstEndTime', 0),
    field('dstOffset', 0),
    field('dstStartTime', 0),
    field('quality', quality),
    field('tzOffset', 36_000),
  );
