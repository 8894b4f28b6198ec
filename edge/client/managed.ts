import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import { formatMrid, type Lfdi } from '#ieee2030_5/identity.ts';
import type { EndDevice, FlowReservationResponse, FlowReservationResponseList } from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';
import { type EventLife, type FamiliesSeen, fullParticipation, type Participation } from './event-life.ts';
import { type LoggedEvent, LogEvents } from './log-events.ts';
import {
  checkRegistration,
  type ManagedDevice,
  registrationOf,
  type RegistrationState,
  wrongPin,
} from './registration.ts';
import { type DeviceReports, Reports } from './reports.ts';
import { familiesOf, reservationFamily, type UtilityView } from './utility-view.ts';
import { findDevice, type ViewReader } from './view-reader.ts';
import type { Walker } from './walker.ts';

/** LogEvent.functionSet 2 is the End Device function set; the standard has no code for a wrong PIN. */
const wrongPinEvent: LoggedEvent = {
  functionSet: 2,
  logEventCode: 0,
  logEventPEN: 0,
  profileID: 2,
  details: 'Registration PIN mismatch',
};

/** A market answers a few windows ahead; a server that grants more is answered to these. */
const maxReservations = 255;

/** A view in which one DER of the list is the first. */
const viewOfDer = (view: UtilityView, der: number): UtilityView =>
  der === 0 ? view : { ...view, ders: view.ders.slice(der, der + 1) };

/** One device that a client stands for, and everything that is its own. */
export class Managed {
  #device: ManagedDevice;
  readonly life: EventLife;
  /** By place in the DERList; what is the EndDevice's own goes with the first. */
  readonly #reports: Reports[] = [new Reports()];
  readonly logEvents: LogEvents;
  participation: Participation = fullParticipation;
  state: RegistrationState = 'unknown';
  view: UtilityView | undefined;
  /** When its events are to be stepped next; server time. */
  nextStep: number | undefined;
  #reservations: readonly FlowReservationResponse[] | undefined;
  /** What the last step went by, where it moved nothing. */
  #stepped: (Pick<Managed, 'view' | 'participation'> & { readonly granted: unknown; readonly at: number }) | undefined;
  #isWrongPinTold = false;

  constructor(device: ManagedDevice, life: EventLife, logEvents: LogEvents) {
    this.#device = device;
    this.life = life;
    this.logEvents = logEvents;
    const { connectionPointId } = device;
    if (connectionPointId !== undefined) this.report({ ConnectionPoint: { connectionPointId } }, 0);
  }

  get device(): ManagedDevice {
    return this.#device;
  }

  /** It has another certificate, and what is kept of it in the file is under the new LFDI. */
  rename(lfdi: Lfdi): void {
    this.#device = { ...this.#device, lfdi };
    this.life.rename(lfdi);
    this.logEvents.rename(lfdi);
  }

  /** What is to be told of the DER at a place of the DERList, and with the first of the device. */
  report(reports: DeviceReports, der: number): void {
    const own = (this.#reports[der] ??= new Reports());
    own.set(reports);
  }

  /** When the next report is due; seconds, never while the server does not show the device. */
  nextReport(): number {
    const { view } = this;
    if (view === undefined) return Number.POSITIVE_INFINITY;
    let due = Number.POSITIVE_INFINITY;
    for (const [der, reports] of this.#reports.entries()) due = Math.min(due, reports.nextDue(viewOfDer(view, der)));
    return due;
  }

  /**
   * The reservations that its server grants it, as they were read last; of a list that was not read whole, what was
   * seen before stays. Answers whether a response is asked for to any.
   */
  reserve({ FlowReservationResponse: read = [], all }: FlowReservationResponseList, origin: string): boolean {
    const asking = read.filter(({ responseRequired }) => (responseRequired?.at(-1) ?? 0) !== 0);
    const listed = new Set(read.map(({ mRID }) => formatMrid(mRID)));
    const before = all > read.length ? (this.#reservations ?? []) : [];
    this.#reservations = [
      ...asking.map((each) => ({ ...each, replyTo: each.replyTo && new URL(each.replyTo, origin).href })),
      ...before.filter(({ mRID }) => !listed.has(formatMrid(mRID))),
    ].slice(0, maxReservations);
    return this.#reservations.length > 0;
  }

  /** Takes over what a walk found. */
  look(reader: ViewReader, walker: Walker): void {
    this.state = this.#stateIn(reader, walker);
    const isKnown = this.state === 'registered' || this.state === 'refused';
    this.view = isKnown ? reader.view(this.device.lfdi, this.view) : undefined;
  }

  /**
   * Moves events on and makes LogEvents safe; rejects with `GTX-OUT-002`. Whether an event has begun, ended or changed.
   * Before it is known what the server has, nothing has vanished.
   */
  async step(serverNow: UnixSeconds): Promise<boolean> {
    await this.logEvents.save();
    if (this.state === 'unknown' || this.state === 'unchecked') return false;
    if (!this.#isStepDue(serverNow)) return false;
    const { view, participation } = this;
    const granted = this.#reservations;
    const { next, isMoved } = await this.life.step(this.#seen(), participation, serverNow);
    this.nextStep = next;
    this.#stepped = isMoved ? undefined : { view, participation, granted, at: serverNow };
    return isMoved;
  }

  /** A step does nothing before the next is due, as long as nothing new is seen and time is not set back. */
  #isStepDue(serverNow: UnixSeconds): boolean {
    const last = this.#stepped;
    if (last === undefined || serverNow < last.at || serverNow >= (this.nextStep ?? Infinity)) return true;
    return last.view !== this.view || last.participation !== this.participation || last.granted !== this.#reservations;
  }

  /** Reports and LogEvents. Rejects with `GTX-SEP-001` when the server is not reached. */
  async tell(connection: Connection, now: UnixSeconds, log: Log): Promise<void> {
    if (this.view === undefined) return;
    for (const [der, reports] of this.#reports.entries()) {
      await reports.send(connection, viewOfDer(this.view, der), now, log);
    }
    const list = this.view.endDevice.LogEventListLink;
    if (list !== undefined) await this.logEvents.send(connection, list.href, log);
  }

  /** A server with another PIN is told so once. As `tell` otherwise. */
  async tellWrongPin(
    connection: Connection,
    endDevice: EndDevice | undefined,
    at: UnixSeconds,
    log: Log,
  ): Promise<void> {
    if (this.#isWrongPinTold) return;
    this.#isWrongPinTold = true;
    const { lfdi } = this.device;
    log.error({ lfdi, reason: wrongPin(lfdi).describe() }, 'device not operated');
    this.logEvents.add(wrongPinEvent, at);
    const list = endDevice?.LogEventListLink;
    if (list !== undefined) await this.logEvents.send(connection, list.href, log);
  }

  #seen(): FamiliesSeen {
    if (this.view === undefined) return { families: [], unread: new Set() };
    const families = familiesOf(this.view, this.device.deviceCategory);
    const unread = new Set(this.view.unread);
    if (this.#reservations === undefined) unread.add('reservation');
    else families.push(reservationFamily(this.#reservations));
    return { families, unread };
  }

  #stateIn(reader: ViewReader, walker: Walker): RegistrationState {
    const { list, devices } = reader.endDevices();
    if (walker.root?.document === undefined) return walker.root?.isRefused === true ? 'refused' : 'unknown';
    if (list?.document === undefined) return list?.isRefused === true ? 'refused' : 'unknown';
    const endDevice = findDevice(devices, this.device.lfdi);
    if (endDevice === undefined) return 'absent';
    const check = checkRegistration(
      this.device,
      endDevice,
      registrationOf(walker, list, endDevice.RegistrationLink?.href),
    );
    const assignments = walker.linked(list, endDevice.FunctionSetAssignmentsListLink?.href);
    const isRefused = list.isRefused || walker.root.isRefused || assignments?.isRefused === true;
    return check === 'registered' && isRefused ? 'refused' : check;
  }
}
