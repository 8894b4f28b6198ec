import type { Log } from '#hal/log.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { EndDevice } from '#ieee2030_5/types.generated.ts';
import type { Connection } from './connection.ts';
import { type EventLife, fullParticipation, type Participation } from './event-life.ts';
import { type LoggedEvent, LogEvents } from './log-events.ts';
import {
  checkRegistration,
  type ManagedDevice,
  registrationOf,
  type RegistrationState,
  wrongPin,
} from './registration.ts';
import { Reports } from './reports.ts';
import { familiesOf, type ProgramKind, type UtilityView } from './utility-view.ts';
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

/** One device that a client stands for, and everything that is its own. */
export class Managed {
  readonly device: ManagedDevice;
  readonly life: EventLife;
  readonly reports = new Reports();
  readonly logEvents = new LogEvents();
  participation: Participation = fullParticipation;
  state: RegistrationState = 'unknown';
  view: UtilityView | undefined;
  /** When its events are to be stepped next; server time. */
  nextStep: number | undefined;
  #isWrongPinTold = false;

  constructor(device: ManagedDevice, life: EventLife) {
    this.device = device;
    this.life = life;
    const { connectionPointId } = device;
    if (connectionPointId !== undefined) this.reports.set({ ConnectionPoint: { connectionPointId } });
  }

  /** Takes over what a walk found. */
  look(reader: ViewReader, walker: Walker): void {
    this.state = this.#stateIn(reader, walker);
    const isKnown = this.state === 'registered' || this.state === 'refused';
    this.view = isKnown ? reader.view(this.device.lfdi, this.view) : undefined;
  }

  /** Whether an event has begun, ended or changed. Before it is known what the server has, nothing has vanished. */
  async step(serverNow: UnixSeconds): Promise<boolean> {
    if (this.state === 'unknown' || this.state === 'unchecked') return false;
    const families = this.view === undefined ? [] : familiesOf(this.view, this.device.deviceCategory);
    const seen = { families, unread: this.view?.unread ?? new Set<ProgramKind>() };
    const { next, isMoved } = await this.life.step(seen, this.participation, serverNow);
    this.nextStep = next;
    return isMoved;
  }

  /** Reports and LogEvents. Rejects with `GTX-SEP-001` when the server is not reached. */
  async tell(connection: Connection, now: UnixSeconds, log: Log): Promise<void> {
    if (this.view === undefined) return;
    await this.reports.send(connection, this.view, now, log);
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
