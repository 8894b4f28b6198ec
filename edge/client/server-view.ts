import { GridError } from '#hal/errors.ts';
import type { Log } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import { formatLfdi, type Lfdi } from '#ieee2030_5/identity.ts';
import type { DeviceCapability, EndDevice, MirrorUsagePoint, Time } from '#ieee2030_5/types.generated.ts';
import { unknownPatience } from './backoff.ts';
import type { ClientFile } from './client-file.ts';
import type { Connection } from './connection.ts';
import { missing, type Resources } from './discovery.ts';
import type { Followed, ListItem } from './links.ts';
import type { Managed } from './managed.ts';
import { checkRegistration, registerInBand, registrationOf } from './registration.ts';
import type { ResourceNode } from './resource-node.ts';
import { deviceCapabilityOf } from './service-address.ts';
import { findDevice, ViewReader } from './view-reader.ts';
import { Walker } from './walker.ts';

export interface ServerViewOptions {
  readonly connection: Connection;
  readonly serverUrl: string;
  readonly file: ClientFile;
  readonly devices: ReadonlyMap<Lfdi, Managed>;
  readonly isInBand: boolean;
  readonly seed: number;
  readonly log: Log;
}

const offsetName = 'timeOffset';

/** What a client knows of its server: resources, time and registrations, kept in the board's file. */
export class ServerView {
  readonly #options: ServerViewOptions;
  #walker: Walker | undefined;
  /** Absolute URL of the DeviceCapability, once it is found. */
  #root: string | undefined;
  #offset: number;
  /** By URL; at most as many as there are resources. */
  readonly #unkept = new Map<string, { readonly node: ResourceNode; readonly isRemoved: boolean }>();

  constructor(options: ServerViewOptions) {
    this.#options = options;
    this.#offset = Number(options.file.memory().get(offsetName) ?? 0);
  }

  /** Server time minus the board's, seconds. */
  get timeOffset(): number {
    return this.#offset;
  }

  get nodes(): ReadonlyMap<string, ResourceNode> {
    return this.#walker?.nodes ?? new Map<string, ResourceNode>();
  }

  /** How long a failure may keep the server from being asked, seconds: the shortest pollRate of what it has. */
  get patience(): number {
    const patiences = [...this.nodes.values()]
      .filter(({ document }) => document !== undefined)
      .map((node) => node.patience);
    return patiences.length === 0 ? unknownPatience : Math.min(...patiences);
  }

  /** The MirrorUsagePoints that the server has of this client, with their postRates. */
  get mirrorUsagePoints(): readonly MirrorUsagePoint[] {
    const root = this.#walker?.root;
    const dcap: DeviceCapability | undefined = root?.document;
    const list = root && this.#walker?.linked(root, dcap?.MirrorUsagePointListLink?.href);
    return (list?.items ?? []) as unknown as readonly MirrorUsagePoint[];
  }

  /** Whether the DeviceCapability is known, from this run or an earlier one. */
  get isKnown(): boolean {
    return this.#walker?.root?.document !== undefined;
  }

  /** When a resource is to be read next; at once before the first walk. */
  nextDue(): number {
    return this.#walker?.nextDue() ?? Number.NEGATIVE_INFINITY;
  }

  /** Why the server does not show its EndDevices, if so. */
  get refusal(): GridError | undefined {
    const walker = this.#walker;
    return walker?.root?.failure ?? (walker && new ViewReader(walker).endDevices().list?.failure);
  }

  /** Takes over what an earlier run knew; all of it is read again by the first walk. */
  restore(): void {
    const { file, log } = this.#options;
    const stored = file.resources();
    const [root] = stored;
    if (root === undefined) return;
    const walker = this.#createWalker(root.url);
    try {
      for (const { url, name, isFixed, without, parent, pages } of stored) {
        walker.restore(url, { name, isFixed, without }, parent, pages);
      }
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      log.warn({ reason: error.describe() }, 'what was known of the server cannot be read; it is asked anew');
      return;
    }
    this.#walker = walker;
    this.#look(walker);
  }

  /**
   * Reads what is due, registers devices in band, and keeps what changed. Whether something did. Rejects with
   * `GTX-SEP-001` when the server is not reached.
   */
  async refresh(now: UnixSeconds): Promise<boolean> {
    const { connection, serverUrl } = this.#options;
    this.#root ??= await deviceCapabilityOf(connection, serverUrl);
    const before = this.#walker;
    const walker = before?.rootUrl === this.#root ? before : this.#createWalker(this.#root);
    this.#walker = walker;
    // Of another server than the one of an earlier run nothing is known.
    if (before !== undefined && before !== walker) await this.#keep([], [...before.nodes.values()]);
    const isChanged = await this.#walk(walker, now);
    return (await this.#registerAbsent(walker, now)) ? (await this.#walk(walker, now)) || isChanged : isChanged;
  }

  /**
   * The client has another LFDI: everything is read again by the next walk. Until then it goes by what it knew, which
   * is in the file under the new LFDI where that was written.
   */
  reopen(isWritten: boolean): void {
    this.#walker = undefined;
    if (isWritten) this.restore();
  }

  /** Everything is read again by the next walk. */
  expire(now: UnixSeconds): void {
    for (const node of this.nodes.values()) if (!node.isFixed) node.due = now;
  }

  /** One resource is read again by the next walk. */
  notified(url: string, isSubscribed: boolean, now: UnixSeconds): void {
    const node = this.nodes.get(url);
    if (node === undefined) return;
    node.isSubscribed = isSubscribed;
    node.due = now;
  }

  /** Where a device's readings and reservations go; throws `GTX-SEP-004` where the server does not have them. */
  resources(lfdi: Lfdi): Omit<Resources, 'offerTerms'> {
    const root = this.#walker?.root;
    const dcap: DeviceCapability | undefined = root?.document;
    if (root === undefined || dcap === undefined) throw missing('a DeviceCapability');
    if (dcap.TimeLink === undefined) throw missing('Time');
    if (dcap.EndDeviceListLink === undefined) throw missing('EndDevices');
    if (dcap.MirrorUsagePointListLink === undefined) throw missing('MirrorUsagePoints');
    const view = this.#options.devices.get(lfdi)?.view;
    if (view === undefined) throw missing(`an EndDevice with LFDI ${lfdi}`);
    const self = view.endDevice;
    return {
      self,
      timeOffset: this.#offset,
      mirrorUsagePoints: root.resolve(dcap.MirrorUsagePointListLink.href),
      requests: self.FlowReservationRequestListLink?.href,
      responses: self.FlowReservationResponseListLink?.href,
    };
  }

  /** An EndDevice that the server shows, ours to follow or not; its links are absolute. */
  endDevice(lfdi: Lfdi): EndDevice | undefined {
    const reader = this.#walker && new ViewReader(this.#walker);
    return reader?.absoluteEndDevice(lfdi);
  }

  #createWalker(root: string): Walker {
    const { connection, seed, log } = this.#options;
    return new Walker({ connection, root, seed, log, select: (node, item, links) => this.#select(node, item, links) });
  }

  /** Of an EndDevice that is none of ours nothing is read; of ours, before its PIN is known, its Registration only. */
  #select(node: ResourceNode, item: ListItem, links: readonly Followed[]): readonly Followed[] {
    if (node.name !== 'EndDeviceList') return links;
    const endDevice = item as unknown as EndDevice;
    const lfdi = endDevice.lFDI === undefined ? undefined : (formatLfdi(endDevice.lFDI) as Lfdi);
    const managed = lfdi === undefined ? undefined : this.#options.devices.get(lfdi);
    const walker = this.#walker;
    if (managed === undefined || walker === undefined) return [];
    const registration = registrationOf(walker, node, endDevice.RegistrationLink?.href);
    const state = checkRegistration(managed.device, endDevice, registration);
    if (state === 'wrong pin') return [];
    return state === 'registered' ? links : links.filter(({ name }) => name === 'Registration');
  }

  async #walk(walker: Walker, now: UnixSeconds): Promise<boolean> {
    if (walker.nextDue() > now) return false;
    const { changed, removed } = await walker.walk(now);
    await this.#readTime(walker);
    await this.#keep(changed, removed);
    this.#look(walker);
    return changed.length > 0 || removed.length > 0;
  }

  #look(walker: Walker): void {
    const reader = new ViewReader(walker);
    for (const managed of this.#options.devices.values()) managed.look(reader, walker);
  }

  /** The DeviceCapability's Time comes first in the walk, and counts. */
  async #readTime(walker: Walker): Promise<void> {
    const time = [...walker.nodes.values()].find(({ name, document }) => name === 'Time' && document !== undefined);
    if (time?.readAt === undefined) return;
    const offset = Number((time.document as Time).currentTime) - time.readAt;
    if (offset === this.#offset) return;
    this.#offset = offset;
    await this.#unlessFull(() => this.#options.file.remember(new Map([[offsetName, String(offset)]]), []));
  }

  /** What a full disk does not take holds all the same, and is kept with the next change. */
  async #keep(changed: readonly ResourceNode[], removed: readonly ResourceNode[]): Promise<void> {
    for (const node of changed) this.#unkept.set(node.url, { node, isRemoved: false });
    for (const node of removed) this.#unkept.set(node.url, { node, isRemoved: true });
    if (this.#unkept.size === 0) return;
    const nodesOf = (isRemoved: boolean): readonly ResourceNode[] =>
      [...this.#unkept.values()].filter((each) => each.isRemoved === isRemoved).map(({ node }) => node);
    const isKept = await this.#unlessFull(() => this.#options.file.keepResources(nodesOf(false), nodesOf(true)));
    if (isKept) this.#unkept.clear();
  }

  async #unlessFull(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      this.#options.log.error(
        { reason: error.describe() },
        'what the server said cannot be kept; it holds until a restart',
      );
      return false;
    }
  }

  /** Whether the list is worth another look. Once a time that the list is read. */
  async #registerAbsent(walker: Walker, now: UnixSeconds): Promise<boolean> {
    const { connection, devices, isInBand, log } = this.#options;
    const { list, devices: shown } = new ViewReader(walker).endDevices();
    if (!isInBand || list === undefined || list.document === undefined || list.readAt !== now) return false;
    let isRegistered = false;
    for (const { device } of devices.values()) {
      if (findDevice(shown, device.lfdi) !== undefined) continue;
      const serverNow = UnixSeconds(now + this.#offset);
      if (await registerInBand(connection, list.url, device, serverNow, log)) isRegistered = true;
    }
    if (isRegistered) list.due = now;
    return isRegistered;
  }
}
