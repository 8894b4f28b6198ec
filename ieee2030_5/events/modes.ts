import { hasBit } from '../bitmap.ts';
import { formatMrid } from '../identity.ts';
import type {
  DefaultDERControl,
  DERControl,
  DERControlBase,
  DERProgram,
  DeviceCategoryType,
  EndDeviceControl,
  FlowReservationResponse,
  TextMessage,
  TimeTariffInterval,
} from '../types.generated.ts';
import type { EventProgram, ProgramEvent } from './program.ts';

type DefaultSettings = Omit<DefaultDERControl, keyof DERProgram | 'DERControlBase'>;

/**
 * What DERControls and DefaultDERControls set, CSIP-AUS limits included. `rampTms` tells how to reach a mode and is
 * none itself; `setGradW` and the other settings come with defaults only.
 */
export type DERModes = Omit<DERControlBase, 'rampTms'> &
  Pick<DefaultSettings, Extract<keyof DefaultSettings, `set${string}`>>;

/** Whether a device of these categories has to act on an event; an event without categories is for all. */
export const isForCategory = (event: DeviceCategoryType | undefined, own: DeviceCategoryType): boolean =>
  event === undefined ||
  Array.from({ length: 32 }, (_, bit) => bit).some((bit) => hasBit(event, bit) && hasBit(own, bit));

/** The modes that are present, without those that the parser left undefined. */
const present = <Modes extends object>(modes: Modes): Partial<Modes> =>
  Object.fromEntries(Object.entries(modes).filter(([, value]) => value !== undefined)) as Partial<Modes>;

/** A DERControl, mode by mode. */
export function derEvent(event: DERControl): ProgramEvent<DERModes> {
  const { rampTms, ...modes } = event.DERControlBase;
  return { event, modes: present(modes), rampTms };
}

interface ProgramIdentity {
  readonly mRID: Uint8Array;
  readonly primacy: number;
}

/**
 * A DERProgram with all its DERControls and its DefaultDERControl. `category` is the device's own: controls for other
 * devices are left out, and get no response (RespondableResource.responseRequired); a server gives none.
 */
export function derProgram(
  program: ProgramIdentity,
  controls: readonly DERControl[],
  fallback?: DefaultDERControl,
  category?: DeviceCategoryType,
): EventProgram<DERModes> {
  const own = category === undefined ? controls : controls.filter((c) => isForCategory(c.deviceCategory, category));
  return { ...identityOf(program), events: own.map(derEvent), default: fallback && derDefault(fallback) };
}

function derDefault(document: DefaultDERControl): NonNullable<EventProgram<DERModes>['default']> {
  const { rampTms, ...modes } = document.DERControlBase;
  const settings = Object.entries(document).filter(([name]) => name.startsWith('set'));
  return { mRID: formatMrid(document.mRID), modes: present({ ...modes, ...Object.fromEntries(settings) }), rampTms };
}

const identityOf = ({ mRID, primacy }: ProgramIdentity): { mRID: string; primacy: number } => ({
  mRID: formatMrid(mRID),
  primacy,
});

/** EndDeviceControls compete per device category. */
export type LoadControlModes = Readonly<Record<`category${number}`, EndDeviceControl>>;

/** A DemandResponseProgram; `category` as in `derProgram`. */
export function loadControlProgram(
  program: ProgramIdentity,
  controls: readonly EndDeviceControl[],
  category?: DeviceCategoryType,
): EventProgram<LoadControlModes> {
  const events = controls.flatMap((event): ProgramEvent<LoadControlModes>[] => {
    const bits = Array.from({ length: 32 }, (_, bit) => bit).filter(
      (bit) => hasBit(event.deviceCategory, bit) && (category === undefined || hasBit(category, bit)),
    );
    const modes = Object.fromEntries(bits.map((bit) => [`category${bit}`, event]));
    return bits.length === 0 ? [] : [{ event, modes }];
  });
  return { ...identityOf(program), events };
}

/** One price at a time. */
export interface PriceModes {
  readonly price: TimeTariffInterval;
}

/**
 * The TimeTariffIntervals of one RateComponent, with the primacy of its TariffProfile. Components price different
 * things and never supersede each other: each has a schedule of its own.
 */
export const priceProgram = (
  program: ProgramIdentity,
  intervals: readonly TimeTariffInterval[],
): EventProgram<PriceModes> => ({
  ...identityOf(program),
  events: intervals.map((event) => ({ event, modes: { price: event } })),
});

/** Messages stand beside each other: TextMessages are never superseded (EventStatus.currentStatus 4). */
export const messageProgram = (
  program: ProgramIdentity,
  messages: readonly TextMessage[],
): EventProgram<Readonly<Record<string, TextMessage>>> => ({
  ...identityOf(program),
  events: messages.map((event) => ({ event, modes: { [formatMrid(event.mRID)]: event } })),
});

/** A newer FlowReservationResponse to a request supersedes an older one to the same request, and no other. */
export const flowReservations = (
  responses: readonly FlowReservationResponse[],
): EventProgram<Readonly<Record<string, FlowReservationResponse>>> => ({
  mRID: '',
  primacy: 0,
  events: responses.map((event) => ({ event, modes: { [formatMrid(event.subject)]: event } })),
});
