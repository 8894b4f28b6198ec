import { pinOf, serverMrid, sfdiOf } from '../identifiers.ts';
import {
  eventStatus,
  type UtilityEvent,
  type UtilityControl,
  type UtilityDefault,
  type UtilityProgram,
  type UtilityInterval,
  type UtilityRateComponent,
  type UtilityTariff,
  type UtilityDevice,
  type UtilityMirror,
  type UtilityResponse,
  type UtilitySubscription,
  type Rates,
} from './state.ts';

/**
 * What a utility knows: the devices that registered, what it asks of them and what they told. Nothing here speaks
 * to anyone; `changed` tells what was changed, by the href of a resource of one EndDevice.
 */
export class Utility {
  readonly now: () => number;
  readonly devices: UtilityDevice[] = [];
  readonly programs: UtilityProgram[] = [];
  readonly tariffs: UtilityTariff[] = [];
  readonly mirrors: UtilityMirror[] = [];
  readonly responses: UtilityResponse[] = [];
  readonly subscriptions: UtilitySubscription[] = [];
  readonly removedFsas = new Set<number>();
  /** Paths that answer as another path does. */
  readonly aliases = new Map<string, string>();
  readonly wellKnown = new Map<string, readonly string[]>();
  readonly rates: Rates = {
    dcap: 300,
    edev: 300,
    fsa: 300,
    der: 300,
    derp: 300,
    mup: 300,
    tp: 300,
    tti: 300,
    edevPost: 300,
  };
  hasRegistrationLinks = true;
  hasWellKnown = false;
  isInBandOpen = true;
  isDown = false;
  controlMultiplier = 0;
  /** Whether lists and defaults can be subscribed to. */
  isSubscribable = false;
  /** The subscriptions of a device that speaks for itself are at /edev/0 too, as upstream's server has them. */
  hasSubscriptionsAtZero = false;
  hasPricing = false;
  /** EndDevices of others stand in the list too. */
  showsAllDevices = false;
  /** Whether EventStatus tells of superseding (§10.2.3.4); upstream's server leaves it to the client. */
  marksSuperseded = false;
  /** Where every FunctionSetAssignments' DERProgramListLink leads; to a list below itself unless set. */
  programListHref: string | undefined;
  timeQuality = 7;
  /** Added to the true time: what Time tells. */
  timeOffset = 0;
  /** Called with a path as the device sees it, for each device. */
  onChange: (path: string) => void = () => undefined;
  #lastId = 0;
  #lastProgram = 0;
  #lastMrid = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  /** The device that a client created or changed last (what upstream calls the active site). */
  get active(): UtilityDevice | undefined {
    return this.devices.findLast(({ id, removed }) => id !== 0 && !removed);
  }

  /** The largest id that has been given out counts on: hrefs are never used twice. */
  register(lfdi: string, pin: number | undefined, id?: number): UtilityDevice {
    const device: UtilityDevice = {
      id: id ?? Math.max(0, ...this.devices.map((other) => other.id)) + 1,
      lfdi,
      sfdi: sfdiOf(lfdi),
      pin: pin === undefined ? undefined : pinOf(pin),
      deviceCategory: undefined,
      put: new Map(),
      posted: new Map(),
      removed: false,
    };
    this.devices.push(device);
    this.onChange('/edev');
    return device;
  }

  addProgram(options: {
    id?: number | undefined;
    primacy: number;
    fsaId?: number | undefined;
    tag?: string | undefined;
    devices?: readonly number[] | undefined;
  }): UtilityProgram {
    const { id = ++this.#lastProgram, primacy, fsaId = 1, tag, devices } = options;
    const isNewFsa = !this.programs.some((other) => other.fsaId === fsaId);
    const program: UtilityProgram = {
      id,
      mrid: serverMrid(1, id),
      primacy,
      fsaId,
      devices,
      tag,
      controls: [],
      curves: [],
      default: { mrid: serverMrid(3, id), modes: {} },
    };
    this.programs.push(program);
    if (isNewFsa) this.changedForAll((device) => `${device}/fsa`);
    this.changedForAll((device) => `${device}/fsa/${fsaId}/derp`);
    return program;
  }

  /** Creates a control under a program; the controls of lower standing that it overlaps become superseded by themselves. */
  addControl(program: UtilityProgram, control: Omit<UtilityControl, 'id' | 'mrid' | 'creationTime'>): UtilityControl {
    const id = ++this.#lastId;
    const created: UtilityControl = { ...control, id, mrid: serverMrid(2, id), creationTime: this.now() };
    program.controls.push(created);
    this.changedForAll((device) => `${device}/derp/${program.id}/derc`);
    return created;
  }

  cancelControls(
    matches: (control: UtilityControl) => boolean = () => true,
    status: number = eventStatus.cancelled,
  ): void {
    const now = this.now();
    for (const program of this.programs) {
      let changed = false;
      for (const control of program.controls) {
        if (control.ended !== undefined || control.start + control.duration <= now || !matches(control)) continue;
        control.ended = { status, at: now };
        changed = true;
      }
      if (changed) this.changedForAll((device) => `${device}/derp/${program.id}/derc`);
    }
  }

  /** Modes that are not named stay as they are; all others go where `isAlone`. */
  setDefault(program: UtilityProgram, change: Partial<Omit<UtilityDefault, 'mrid'>>, isAlone = false): void {
    const { modes, setGradW, settings, mrid } = program.default ?? {};
    program.default = {
      mrid: mrid ?? serverMrid(3, program.id),
      modes: { ...(isAlone ? {} : modes), ...change.modes },
      setGradW: change.setGradW ?? (isAlone ? undefined : setGradW),
      settings: change.settings ?? settings,
    };
    this.changedForAll((device) => `${device}/derp/${program.id}/dderc`);
  }

  removeFsa(fsaId: number): void {
    this.removedFsas.add(fsaId);
    this.changedForAll((device) => `${device}/fsa`);
  }

  setRates(rates: Partial<Rates>): void {
    Object.assign(this.rates, rates);
    // The rate stands in the list, so the list is changed for who has subscribed to it.
    if (rates.edev !== undefined || rates.edevPost !== undefined) this.onChange('/edev');
    if (rates.fsa !== undefined) this.changedForAll((device) => `${device}/fsa`);
  }

  addTariff(options: { primacy: number; fsaId: number; priceMultiplier: number }): UtilityTariff {
    const id = this.tariffs.length + 1;
    const tariff: UtilityTariff = { ...options, id, mrid: serverMrid(4, id), rateComponents: [], intervals: [] };
    this.tariffs.push(tariff);
    return tariff;
  }

  addRateComponent(tariff: UtilityTariff, rate: Omit<UtilityRateComponent, 'id' | 'mrid'>): UtilityRateComponent {
    const id = ++this.#lastId;
    const created = { ...rate, id, mrid: serverMrid(5, id) };
    tariff.rateComponents.push(created);
    return created;
  }

  addInterval(tariff: UtilityTariff, interval: Omit<UtilityInterval, 'id' | 'mrid' | 'creationTime'>): UtilityInterval {
    const id = ++this.#lastId;
    const created = { ...interval, id, mrid: serverMrid(6, id), creationTime: this.now() };
    tariff.intervals.push(created);
    return created;
  }

  hasEvent(mrid: string): boolean {
    return (
      this.programs.some(({ controls }) => controls.some((control) => control.mrid === mrid)) ||
      this.tariffs.some(({ intervals }) => intervals.some((interval) => interval.mrid === mrid))
    );
  }

  /** The statuses that a device has answered an event with, in order. */
  answersTo({ mrid }: { readonly mrid: string }, device?: number): number[] {
    return this.responses
      .filter((response) => response.subject === mrid && (device === undefined || response.device === device))
      .map(({ status }) => status);
  }

  cancelIntervals(matches: (interval: UtilityInterval) => boolean): void {
    const now = this.now();
    for (const interval of this.tariffs.flatMap(({ intervals }) => intervals)) {
      if (interval.ended === undefined && interval.start + interval.duration > now && matches(interval)) {
        interval.ended = { status: eventStatus.cancelled, at: now };
      }
    }
  }

  /** With the intervals that priced by it. */
  removeRateComponent(tag: string): void {
    for (const tariff of this.tariffs) {
      const index = tariff.rateComponents.findIndex((rate) => rate.tag === tag);
      if (index < 0) continue;
      const [removed] = tariff.rateComponents.splice(index, 1);
      const left = tariff.intervals.filter(({ rateComponent }) => rateComponent !== removed?.id);
      tariff.intervals.splice(0, tariff.intervals.length, ...left);
    }
  }

  newId(): number {
    return ++this.#lastMrid;
  }

  /** The programs that a device sees, the lowest primacy first, then the greater mRID (DERProgramList's order). */
  programsOf(device: number, fsaId?: number): UtilityProgram[] {
    return this.programs
      .filter(
        (program) =>
          (program.devices === undefined || program.devices.includes(device)) &&
          (fsaId === undefined ? !this.removedFsas.has(program.fsaId) : program.fsaId === fsaId),
      )
      .toSorted((a, b) => a.primacy - b.primacy || (a.mrid > b.mrid ? -1 : 1));
  }

  fsasOf(device: number): number[] {
    const ids = [...this.programsOf(device), ...this.tariffs].map(({ fsaId }) => fsaId);
    // mRID descending, and the mRID counts up with the id.
    return [...new Set(ids)].filter((id) => !this.removedFsas.has(id)).toSorted((a, b) => b - a);
  }

  /** EventStatus of an event at the present time. */
  statusOf(event: UtilityEvent): { status: number; at: number } {
    if (event.ended !== undefined) return event.ended;
    const isActive = event.start <= this.now();
    return isActive
      ? { status: eventStatus.active, at: event.start }
      : { status: eventStatus.scheduled, at: event.creationTime };
  }

  /** Tells of a change at a path of each device. */
  changedForAll(pathOf: (device: string) => string): void {
    for (const { id, removed } of this.devices) if (id !== 0 && !removed) this.onChange(pathOf(`/edev/${id}`));
  }
}
