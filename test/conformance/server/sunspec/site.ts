import assert from 'node:assert/strict';
import type { ConformanceTest } from '../../table.ts';
import type { Seen } from '../context.ts';
import type { Elements, JsonObject } from '../operator.ts';
import type { ResourceName } from '../resource-tree.ts';
import type { ServerStand } from '../stand.ts';
import { Utility, type Program } from '../utility.ts';
import { type ClientKind, VirtualClient } from '../virtual-client.ts';

/** The groups of a grid, from the system down to the service point; each has a program of its own. CSIP Guide §4.2. */
export const groups = [
  'System',
  'Sub-transmission',
  'Substation',
  'Feeder',
  'Segment',
  'Transformer',
  'Service point',
] as const;

/** Lower numbers win: the closer to the customer, the stronger. */
export const primacyOf = (group: (typeof groups)[number]): number => (groups.length - groups.indexOf(group)) * 10;

/** A registered client and what the utility does for it: what nearly every test of the list begins with. */
export class Site implements AsyncDisposable {
  readonly stand: ServerStand;
  readonly client: VirtualClient;
  readonly utility: Utility;

  private constructor(client: VirtualClient) {
    this.stand = client.stand;
    this.client = client;
    this.utility = new Utility(client);
  }

  static async make(stand: ServerStand, kind: ClientKind = 'device', facts: JsonObject = {}): Promise<Site> {
    const site = new Site(await VirtualClient.make(stand, kind));
    await site.utility.register(facts);
    return site;
  }

  /** What the client finds of a kind, fetched anew from DeviceCapability down. */
  async find(name: ResourceName): Promise<readonly Seen[]> {
    await this.client.context.discover(this.client.raw, [name]);
    return this.client.context.all(name);
  }

  /** The one of a kind that there is. */
  async findOne(name: ResourceName): Promise<Seen> {
    const found = await this.find(name);
    assert.equal(found.length, 1, `one ${name} expected`);
    return found[0] as Seen;
  }

  /** A control that starts so many seconds from now, and what else it says; answers its id. */
  addControl(
    program: Program,
    base: Elements,
    { delay = 0, duration = 300 }: { readonly delay?: number; readonly duration?: number } = {},
    others: Elements = {},
  ): Promise<string> {
    const interval = { duration, start: this.stand.now() + delay };
    return this.utility.addControl(program, { interval, DERControlBase: base, ...others });
  }

  /** The mRIDs of the controls that the active lists of all programs show. */
  async active(): Promise<string[]> {
    const mRIDs: string[] = [];
    for (const { element, href } of await this.find('DERProgram')) {
      const link = element.link('ActiveDERControlListLink');
      assert.ok(link !== undefined, `${href} has no ActiveDERControlListLink`);
      const list = await this.client.raw.get(`${link}?l=255`);
      assert.equal(list.name, 'DERControlList');
      mRIDs.push(...list.all('DERControl').map((control) => control.value('mRID') ?? ''));
    }
    return mRIDs;
  }

  /** The EventStatus of every control, by the description that it was given. */
  async statuses(): Promise<Record<string, number | undefined>> {
    const controls = await this.find('DERControl');
    return Object.fromEntries(controls.map(({ element }) => [element.value('description') ?? '', statusOf(element)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}

export const statusOf = (control: Seen['element']): number | undefined =>
  control.number('EventStatus', 'currentStatus');

/** EventStatus.currentStatus. */
export const Status = { scheduled: 0, active: 1, cancelled: 2, cancelledRandomized: 3, superseded: 4 } as const;

/** A test of the list. */
export const sunspec = (
  id: string,
  title: string,
  run: (stand: ServerStand) => Promise<void>,
): ConformanceTest<ServerStand> => ({ list: 'SunSpec CSIP v1.2', id, title, run });
