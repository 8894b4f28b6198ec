import type { FunctionSetAssignment, OperatorRecords } from './operator-records.ts';
import type { ResourceStore, StoredResource } from './resource-store.ts';

/** What an assignment assigns, and the list that it stands in. */
export const assignable = {
  '/derp': 'programs',
  '/tp': 'tariffs',
  '/msg': 'messagingPrograms',
  '/dr': 'demandResponsePrograms',
} as const satisfies Readonly<Record<string, keyof FunctionSetAssignment>>;
export type AssignableList = keyof typeof assignable;

export interface DeviceAssignment extends FunctionSetAssignment {
  readonly id: string;
}

/** What each device sees of the programs, tariffs, messages and demand response programs: only what is assigned. */
export class Assignments {
  readonly #store: ResourceStore;
  readonly #records: OperatorRecords;
  /** By device; made anew when an assignment changes. */
  #byDevice: Map<number, DeviceAssignment[]> | undefined;

  constructor(store: ResourceStore, records: OperatorRecords) {
    this.#store = store;
    this.#records = records;
    records.onChange(({ kind }) => {
      if (kind === 'assignment') this.#byDevice = undefined;
    });
  }

  /** The assignments that name a device. */
  of(device: number): readonly DeviceAssignment[] {
    return this.#index().get(device) ?? [];
  }

  /** What an assignment assigns of a list, in the list's order. What was removed since is left out. */
  items(assignment: FunctionSetAssignment, list: AssignableList): readonly StoredResource[] {
    return this.#named([assignment], list);
  }

  /** What is assigned to any of some devices, in the list's order. */
  itemsOf(devices: readonly number[], list: AssignableList): readonly StoredResource[] {
    return this.#named(
      devices.flatMap((device) => this.of(device)),
      list,
    );
  }

  /** The assignments that name an item, with the devices that see it by them. */
  naming(list: AssignableList, id: string): readonly DeviceAssignment[] {
    const all = this.#records.all('assignment').map(([key, assignment]) => ({ ...assignment, id: key }));
    return all.filter((assignment) => assignment[assignable[list]].includes(id));
  }

  /** Takes a device out of every assignment. */
  async forget(device: number): Promise<void> {
    for (const { id, ...assignment } of this.of(device)) {
      const devices = assignment.devices.filter((one) => one !== device);
      await this.#records.put('assignment', id, { ...assignment, devices });
    }
  }

  /** Whether the item of that id is assigned to any of some devices. */
  sees(devices: readonly number[], list: AssignableList, id: string): boolean {
    const member = assignable[list];
    return devices.some((device) => this.of(device).some((assignment) => assignment[member].includes(id)));
  }

  #named(assignments: readonly FunctionSetAssignment[], list: AssignableList): readonly StoredResource[] {
    const member = assignable[list];
    const hrefs = new Set(assignments.flatMap((assignment) => assignment[member].map((id) => `${list}/${id}`)));
    return hrefs.size === 0 ? [] : this.#store.items(list).filter(({ href }) => hrefs.has(href));
  }

  #index(): Map<number, DeviceAssignment[]> {
    if (this.#byDevice !== undefined) return this.#byDevice;
    const index = new Map<number, DeviceAssignment[]>();
    for (const [id, assignment] of this.#records.all('assignment')) {
      for (const device of assignment.devices) {
        const of = index.get(device) ?? [];
        of.push({ ...assignment, id });
        index.set(device, of);
      }
    }
    this.#byDevice = index;
    return index;
  }
}
