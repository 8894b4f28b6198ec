import { formatLfdi, formatMrid, type Lfdi } from '#ieee2030_5/identity.ts';
import type {
  DERList,
  DERControlBase,
  DERProgram,
  DeviceCapability,
  EndDevice,
  FunctionSetAssignments,
  Link,
  ListLink,
  RateComponent,
  RootName,
  Roots,
  TariffProfile,
  TimeTariffInterval,
} from '#ieee2030_5/types.generated.ts';
import type { ResourceNode } from './resource-node.ts';
import type { DerProgramView, ProgramKind, TariffView, TimeTariffIntervalView, UtilityView } from './utility-view.ts';
import type { Walker } from './walker.ts';

type ItemOf<N extends RootName> = N extends `${infer Item extends RootName}List` ? Roots[Item] : never;
type ListName = Extract<RootName, `${string}List`>;

interface Program<N extends ListName> {
  readonly node: ResourceNode;
  readonly item: ItemOf<N> & { readonly mRID: Uint8Array };
}

/** How one kind of program is read. */
interface Reading<N extends ListName, View> {
  readonly link: keyof FunctionSetAssignments;
  readonly name: N;
  readonly previous: readonly View[] | undefined;
  readonly mRID: (view: View) => Uint8Array;
  /** `undefined` where the lists below it were not read yet. */
  readonly make: (node: ResourceNode, item: Program<N>['item']) => View | undefined;
}

/** Reads one device's view off the resources of a walk. */
export class ViewReader {
  readonly #walker: Walker;

  constructor(walker: Walker) {
    this.#walker = walker;
  }

  /** The EndDevices that the server shows, and the list that they stand in. */
  endDevices(): { readonly list: ResourceNode | undefined; readonly devices: readonly EndDevice[] } {
    const { root } = this.#walker;
    const dcap: DeviceCapability | undefined = root?.document;
    const list = root === undefined ? undefined : this.#walker.linked(root, dcap?.EndDeviceListLink?.href);
    return { list, devices: (list?.items as readonly EndDevice[] | undefined) ?? [] };
  }

  /** An EndDevice with absolute links, ours or not. */
  absoluteEndDevice(lfdi: Lfdi): EndDevice | undefined {
    const { list, devices } = this.endDevices();
    const found = findDevice(devices, lfdi);
    return list === undefined || found === undefined ? undefined : withAbsoluteLinks(list, found);
  }

  /**
   * `undefined` where the server does not show this device. What a list would tell that could not be read yet is
   * taken from the `previous` view: a program is gone when a list without it was read, not before.
   */
  view(lfdi: Lfdi, previous: UtilityView | undefined): UtilityView | undefined {
    const { list, devices } = this.endDevices();
    const endDevice = findDevice(devices, lfdi);
    if (list === undefined || endDevice === undefined) return undefined;
    const link = endDevice.FunctionSetAssignmentsListLink;
    const assignments = this.#list(list, link, 'FunctionSetAssignmentsList');
    const unread = new Set<ProgramKind>();
    const programs = <N extends ListName, View>(kind: ProgramKind, reading: Reading<N, View>): readonly View[] => {
      const { found, isRead } = this.#assigned(assignments, reading.link, reading.name);
      const before = reading.previous ?? [];
      const made = found.flatMap(({ node, item }) => {
        const view = reading.make(node, item);
        return view ?? before.filter((each) => formatMrid(reading.mRID(each)) === formatMrid(item.mRID));
      });
      if (isRead && !this.#isUnread(list, link)) return made;
      unread.add(kind);
      const known = new Set(made.map((each) => formatMrid(reading.mRID(each))));
      return [...made, ...before.filter((each) => !known.has(formatMrid(reading.mRID(each))))];
    };
    return {
      lfdi,
      endDevice: withAbsoluteLinks(list, endDevice),
      ...this.#ders(list, endDevice),
      derPrograms: programs('der', {
        link: 'DERProgramListLink',
        name: 'DERProgramList',
        previous: previous?.derPrograms,
        mRID: ({ program }) => program.mRID,
        make: (node, item) => this.#derProgram(node, item),
      }),
      demandResponse: programs('drlc', {
        link: 'DemandResponseProgramListLink',
        name: 'DemandResponseProgramList',
        previous: previous?.demandResponse,
        mRID: ({ program }) => program.mRID,
        make: (node, program) => {
          const controls = this.#events(node, program.EndDeviceControlListLink, 'EndDeviceControlList');
          return controls && { program, controls };
        },
      }),
      messaging: programs('message', {
        link: 'MessagingProgramListLink',
        name: 'MessagingProgramList',
        previous: previous?.messaging,
        mRID: ({ program }) => program.mRID,
        make: (node, program) => {
          const messages = this.#events(node, program.TextMessageListLink, 'TextMessageList');
          return messages && { program, messages };
        },
      }),
      tariffs: programs('price', {
        link: 'TariffProfileListLink',
        name: 'TariffProfileList',
        previous: previous?.tariffs,
        mRID: ({ profile }) => profile.mRID,
        make: (node, item) => this.#tariff(node, item),
      }),
      unread,
    };
  }

  /** A link of a document of `from`, as an absolute URL. */
  href(from: ResourceNode, link: Link | undefined): string | undefined {
    return link === undefined ? undefined : from.resolve(link.href);
  }

  #ders(list: ResourceNode, endDevice: EndDevice): Pick<UtilityView, 'ders' | 'derPollRate'> {
    const { node, items } = this.#list(list, endDevice.DERListLink, 'DERList');
    if (node === undefined) return { ders: [] };
    const document = node.document as DERList | undefined;
    return { ders: items.map((item) => withAbsoluteLinks(node, item)), derPollRate: document?.pollRate };
  }

  #derProgram(node: ResourceNode, program: DERProgram): DerProgramView | undefined {
    const controls = this.#events(node, program.DERControlListLink, 'DERControlList');
    if (controls === undefined) return undefined;
    const list = this.#walker.linked(node, program.DERControlListLink?.href);
    const fallback = this.#document(node, program.DefaultDERControlLink, 'DefaultDERControl');
    const curves = this.#list(node, program.DERCurveListLink, 'DERCurveList');
    return {
      program,
      controls: controls.map((each) => withCurves(list, each)),
      defaultControl: fallback && withCurves(this.#walker.linked(node, program.DefaultDERControlLink?.href), fallback),
      curves: new Map(
        curves.items.flatMap((curve) =>
          curve.href === undefined || curves.node === undefined ? [] : [[curves.node.resolve(curve.href), curve]],
        ),
      ),
    };
  }

  #tariff(node: ResourceNode, profile: TariffProfile): TariffView | undefined {
    const { RateComponentListLink: rates, CombinedTimeTariffIntervalListLink: both } = profile;
    if (this.#isUnread(node, rates) || this.#isUnread(node, both)) return undefined;
    const components = this.#list(node, profile.RateComponentListLink, 'RateComponentList');
    const combined = this.#list(node, profile.CombinedTimeTariffIntervalListLink, 'TimeTariffIntervalList');
    const intervalsOf = (component: RateComponent): TimeTariffIntervalView[] => {
      if (combined.node !== undefined && components.node !== undefined) {
        const own = components.node.resolve(component.href ?? '');
        const { node: list } = combined;
        return this.#intervals(list, combined.items).filter(
          ({ interval }) => this.href(list, interval.RateComponentLink) === own,
        );
      }
      const list =
        components.node && this.#list(components.node, component.TimeTariffIntervalListLink, 'TimeTariffIntervalList');
      return list?.node === undefined ? [] : this.#intervals(list.node, list.items);
    };
    return {
      profile,
      components: components.items.map((component) => ({
        component,
        readingType: components.node && this.#document(components.node, component.ReadingTypeLink, 'ReadingType'),
        intervals: intervalsOf(component),
      })),
    };
  }

  #intervals(node: ResourceNode, intervals: readonly TimeTariffInterval[]): TimeTariffIntervalView[] {
    return intervals.map((each) => {
      const prices =
        each.ConsumptionTariffIntervalListSummary?.ConsumptionTariffInterval ??
        this.#list(node, each.ConsumptionTariffIntervalListLink, 'ConsumptionTariffIntervalList').items;
      return {
        interval: withReplyTo(node, each),
        prices: prices.toSorted((a, b) => a.startValue - b.startValue),
      };
    });
  }

  /** The programs of one kind that any of the FunctionSetAssignments leads to, each once; and whether that is all. */
  #assigned<N extends ListName>(
    assignments: { node: ResourceNode | undefined; items: readonly FunctionSetAssignments[] },
    member: keyof FunctionSetAssignments,
    name: N,
  ): { found: Program<N>[]; isRead: boolean } {
    const found = new Map<string, Program<N>>();
    let isRead = true;
    for (const assignment of assignments.node === undefined ? [] : assignments.items) {
      const link = assignment[member] as ListLink | undefined;
      if (this.#isUnread(assignments.node, link)) isRead = false;
      const { node, items } = this.#list(assignments.node, link, name);
      for (const item of items as readonly Program<N>['item'][]) {
        const mRID = formatMrid(item.mRID);
        if (node !== undefined && !found.has(mRID)) found.set(mRID, { node, item });
      }
    }
    return { found: [...found.values()], isRead };
  }

  /** A list that is linked, that the server has, and that was not read yet. */
  #isUnread(from: ResourceNode | undefined, link: ListLink | undefined): boolean {
    if (from === undefined || link === undefined) return false;
    const node = this.#walker.linked(from, link.href);
    return node === undefined || (node.document === undefined && !node.isGone);
  }

  /** `undefined`: the list was not read yet, nothing can be said of its events. */
  #events<N extends ListName>(from: ResourceNode, link: ListLink | undefined, name: N): ItemOf<N>[] | undefined {
    if (this.#isUnread(from, link)) return undefined;
    const { node, items } = this.#list(from, link, name);
    return node === undefined ? [] : items.map((item) => withReplyTo(node, item as object) as ItemOf<N>);
  }

  #list<N extends ListName>(
    from: ResourceNode | undefined,
    link: ListLink | undefined,
    name: N,
  ): { node: ResourceNode | undefined; items: readonly ItemOf<N>[] } {
    const node = from && this.#walker.linked(from, link?.href);
    if (node?.name !== name) return { node: undefined, items: [] };
    return { node, items: node.items as unknown as readonly ItemOf<N>[] };
  }

  #document<N extends RootName>(from: ResourceNode, link: Link | undefined, name: N): Roots[N] | undefined {
    const node = this.#walker.linked(from, link?.href);
    return node?.name === name ? (node.document as Roots[N] | undefined) : undefined;
  }
}

const withReplyTo = <Item extends object>(node: ResourceNode, item: Item): Item => {
  const { replyTo } = item as { replyTo?: string };
  return replyTo === undefined ? item : { ...item, replyTo: node.resolve(replyTo) };
};

/** A resource whose links are absolute, so that they can be followed without knowing where it came from. */
const withAbsoluteLinks = <Item extends object>(node: ResourceNode, item: Item): Item => {
  const linked = { ...item } as Record<string, unknown>;
  for (const member of Object.keys(item)) {
    const link = member.endsWith('Link') ? (linked[member] as Link | undefined) : undefined;
    if (link?.href !== undefined) linked[member] = { ...link, href: node.resolve(link.href) };
  }
  return linked as Item;
};

export const findDevice = (devices: readonly EndDevice[], lfdi: Lfdi): EndDevice | undefined =>
  devices.find((device) => device.lFDI !== undefined && formatLfdi(device.lFDI) === lfdi);

/** The curves of a DERControlBase, by absolute href. */
const withCurves = <Control extends { readonly DERControlBase: DERControlBase }>(
  node: ResourceNode | undefined,
  control: Control,
): Control => {
  const modes = Object.entries(control.DERControlBase).map(([mode, value]: [string, unknown]) => {
    const { href } = (typeof value === 'object' ? value : {}) as { href?: string };
    return [mode, href === undefined || node === undefined ? value : { href: node.resolve(href) }] as const;
  });
  return { ...control, DERControlBase: Object.fromEntries(modes) as DERControlBase };
};
