import type { FunctionSetAssignment } from './operator-records.ts';
import type { File } from '#ieee2030_5/types.generated.ts';
import { formatLfdi } from '#ieee2030_5/identity.ts';
import type { ReadingStore } from '../readings/store.ts';
import type { Registry } from '../registry/devices.ts';
import type { Relation } from './access.ts';
import { type AssignableList, assignable, type Assignments } from './assignments.ts';
import type { Context, Principal } from './exchange.ts';
import type { ResourceRule, Whose } from './resource-rules.ts';
import type { ResourceStore } from './resource-store.ts';

export interface RelationSources {
  readonly store: ResourceStore;
  readonly registry: Registry;
  readonly readings: ReadingStore;
  readonly assignments: Assignments;
}

const isId = (text: string | undefined): text is string => text !== undefined && /^[1-9]\d{0,8}$/.test(text);

/** Finds what a resource is to a registered principal; `access.ts` says what follows from it. */
export class Relations {
  readonly #registry: Registry;
  readonly #finders: Readonly<Record<Whose, (context: Context, device: number) => Relation>>;

  constructor({ store, registry, readings, assignments }: RelationSources) {
    this.#registry = registry;
    this.#finders = {
      anyone: () => 'own',
      registered: () => 'own',
      'end-device': (context) => {
        const id = context.ids[0];
        return ofDevice(isId(id) ? registry.byId(Number(id))?.id : undefined, context);
      },
      assigned: ({ href, ids, principal }, device) => {
        const [id = ''] = ids;
        const list = href.slice(0, href.indexOf('/', 1)) as AssignableList;
        const member: keyof FunctionSetAssignment | undefined = assignable[list];
        if (member === undefined || store.get(`${list}/${id}`) === undefined) return 'absent';
        if (assignments.sees([device], list, id)) return 'own';
        return assignments.sees(idsOf(principal), list, id) ? 'aggregated' : 'other';
      },
      owned: (context) => {
        for (let href = context.href; href !== ''; href = href.slice(0, href.lastIndexOf('/'))) {
          const owner = store.get(href)?.owner;
          if (owner !== undefined) return ofDevice(owner, context);
        }
        // What the operator gave to nobody is shown to nobody.
        return 'absent';
      },
      'mirror-point': (context) => {
        const id = context.ids[0];
        return ofDevice(isId(id) ? readings.mirrorUsagePoint(Number(id))?.deviceId : undefined, context);
      },
      addressed: ({ ids, principal }) => {
        const file = store.document(`/file/${ids[0]}`, 'File');
        if (file === undefined) return 'absent';
        return isAddressed(file, principal) ? 'own' : 'other';
      },
    };
  }

  of(rule: ResourceRule | undefined, context: Context, mayRegister: boolean): Relation {
    const { device, lfdi } = context.principal;
    if (device === undefined) return mayRegister && !this.#registry.isBarred(lfdi) ? 'unregistered' : 'unknown';
    return rule === undefined ? 'own' : this.#finders[rule.whose](context, device.id);
  }
}

/** What is a device's, by its id, to the one who asks. */
const ofDevice = (id: number | undefined, { principal }: Context): Relation => {
  if (id === undefined) return 'absent';
  if (principal.device?.id === id) return 'own';
  return principal.devices.some((device) => device.id === id) ? 'aggregated' : 'other';
};

export const idsOf = ({ devices }: Principal): number[] => devices.map(({ id }) => id);

/** A File with an LFDI is for the device of that LFDI. */
export const isAddressed = ({ lFDI }: File, { devices }: Principal): boolean =>
  lFDI === undefined || devices.some(({ lfdi }) => lfdi === formatLfdi(lFDI));
