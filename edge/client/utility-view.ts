import {
  type DERModes,
  derProgram,
  flowReservations,
  type LoadControlModes,
  loadControlProgram,
  messageProgram,
  type PriceModes,
  priceProgram,
} from '#ieee2030_5/events/modes.ts';
import type { EventProgram } from '#ieee2030_5/events/program.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import type {
  ConsumptionTariffInterval,
  DefaultDERControl,
  DemandResponseProgram,
  DER,
  DERControl,
  DERCurve,
  DERProgram,
  DeviceCategoryType,
  EndDevice,
  EndDeviceControl,
  FlowReservationResponse,
  MessagingProgram,
  RateComponent,
  ReadingType,
  TariffProfile,
  TextMessage,
  TimeTariffInterval,
} from '#ieee2030_5/types.generated.ts';

/** A DERProgram with everything below it. Modes link to their curves by absolute href: the keys of `curves`. */
export interface DerProgramView {
  readonly program: DERProgram;
  readonly controls: readonly DERControl[];
  readonly defaultControl: DefaultDERControl | undefined;
  readonly curves: ReadonlyMap<string, DERCurve>;
}

export interface TimeTariffIntervalView {
  readonly interval: TimeTariffInterval;
  /** By startValue: the prices of the consumption blocks. */
  readonly prices: readonly ConsumptionTariffInterval[];
}

export interface RateComponentView {
  readonly component: RateComponent;
  readonly readingType: ReadingType | undefined;
  readonly intervals: readonly TimeTariffIntervalView[];
}

export interface TariffView {
  readonly profile: TariffProfile;
  readonly components: readonly RateComponentView[];
}

/** Kinds of programs whose events compete among themselves only; the first part of an `EventFamily`'s key. */
export type ProgramKind = 'der' | 'drlc' | 'message' | 'price' | 'reservation';

/**
 * What the server has for one EndDevice, as it was read last. Events' replyTo are absolute, as are the links of the
 * EndDevice and of its DERs.
 */
export interface UtilityView {
  readonly lfdi: Lfdi;
  readonly endDevice: EndDevice;
  readonly ders: readonly DER[];
  /** Of the DERList, seconds: the server wants to know as often of the DERs. */
  readonly derPollRate?: number | undefined;
  readonly derPrograms: readonly DerProgramView[];
  readonly demandResponse: readonly {
    readonly program: DemandResponseProgram;
    readonly controls: readonly EndDeviceControl[];
  }[];
  readonly messaging: readonly { readonly program: MessagingProgram; readonly messages: readonly TextMessage[] }[];
  readonly tariffs: readonly TariffView[];
  /** Kinds of which a list could not be read yet: there may be more programs than are shown. */
  readonly unread: ReadonlySet<ProgramKind>;
}

/** The response that a kind of event is answered with (IEEE 2030.5-2018 §10.2.4). */
export type ResponseRoot =
  | 'DERControlResponse'
  | 'DrResponse'
  | 'FlowReservationResponseResponse'
  | 'PriceResponse'
  | 'TextResponse';

/** Programs whose events compete with each other, and how their events are answered. */
export interface EventFamily {
  /** Stays the same over restarts: the memory of its events is kept under it. */
  readonly key: ProgramKind | `price/${string}`;
  readonly response: ResponseRoot;
  readonly programs: readonly EventProgram<object>[];
}

export const derPrograms = (view: UtilityView, category?: DeviceCategoryType): readonly EventProgram<DERModes>[] =>
  view.derPrograms.map(({ program, controls, defaultControl }) =>
    derProgram(program, controls, defaultControl, category),
  );

export const loadControlPrograms = (
  view: UtilityView,
  category?: DeviceCategoryType,
): readonly EventProgram<LoadControlModes>[] =>
  view.demandResponse.map(({ program, controls }) => loadControlProgram(program, controls, category));

export const pricePrograms = ({ profile, components }: TariffView): readonly EventProgram<PriceModes>[] =>
  components.map(({ component, intervals }) =>
    priceProgram(
      { mRID: component.mRID, primacy: profile.primacy },
      intervals.map(({ interval }) => interval),
    ),
  );

/** All families of a view; each RateComponent is one of its own. */
export const familiesOf = (view: UtilityView, category?: DeviceCategoryType): EventFamily[] => [
  { key: 'der', response: 'DERControlResponse', programs: derPrograms(view, category) },
  { key: 'drlc', response: 'DrResponse', programs: loadControlPrograms(view, category) },
  {
    key: 'message',
    response: 'TextResponse',
    programs: view.messaging.map(({ program, messages }) => messageProgram(program, messages)),
  },
  ...view.tariffs
    .flatMap(pricePrograms)
    .map((program): EventFamily => ({ key: `price/${program.mRID}`, response: 'PriceResponse', programs: [program] })),
];

/** The reservations that a device was granted; they are read with the market's answers and not with the view. */
export const reservationFamily = (granted: readonly FlowReservationResponse[]): EventFamily => ({
  key: 'reservation',
  response: 'FlowReservationResponseResponse',
  programs: [flowReservations(granted)],
});
