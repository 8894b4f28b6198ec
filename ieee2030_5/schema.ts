import { extensionTable } from './ext/table.ts';
import {
  namespace2013,
  namespace2018,
  namespaceCsipAus12,
  namespaceCsipAus13,
  namespaceExtension,
  type ProfileName,
} from './namespaces.ts';
import { schemaTable } from './schema-table.generated.ts';
import type { ProfileTable } from './schema-table.ts';
import { type SimplePlan, simplePlan } from './simple.ts';

/** A family of namespaces of which one document uses one member: the base schema's, CSIP-AUS's, our own. */
export type Family = 'sep' | 'aus' | 'gtx';

export interface TypePlan {
  readonly name: string;
  /** Set when the content is text. */
  readonly simple: SimplePlan | undefined;
  readonly elements: readonly ElementPlan[];
  /** Position in `elements`; the key is `elementKey`. */
  readonly index: ReadonlyMap<string, number>;
  readonly attributes: readonly AttributePlan[];
  readonly hasRequiredAttributes: boolean;
}

export interface ElementPlan {
  readonly name: string;
  readonly family: Family;
  readonly min: number;
  readonly max: number;
  readonly type: TypePlan;
  /** The tags when the element's namespace is the default one. */
  readonly open: string;
  readonly close: string;
}

export interface AttributePlan {
  readonly name: string;
  readonly required: boolean;
  readonly simple: SimplePlan;
}

export interface RootPlan {
  readonly name: string;
  readonly family: Family;
  readonly type: TypePlan;
}

export const elementKey = (family: Family, name: string): string => (family === 'sep' ? name : `${family}:${name}`);

const element = /^(@?)(\w+)([?*+]|\{(\d+),(\d+)\})?(?::(\w+))?$/;
const attribute = /^(\w+)(\??):(\w+)$/;

interface Layer {
  readonly family: Family;
  readonly table: ProfileTable;
  /** Nothing that the layer adds to base types is required. */
  readonly optional: boolean;
}

const baseLayer: Layer = {
  family: 'sep',
  table: { types: schemaTable.types, roots: {}, additions: {} },
  optional: false,
};
const ausLayer = (name: keyof typeof schemaTable.profiles, optional: boolean): Layer => ({
  family: 'aus',
  table: schemaTable.profiles[name],
  optional,
});

/** The plans of one profile, compiled from the table's notation when a document first asks for them. */
export class Schema {
  /** Namespace URI → family, for the namespaces that the profile knows. */
  readonly namespaces: ReadonlyMap<string, Family>;
  readonly #layers: readonly Layer[];
  readonly #types = new Map<string, TypePlan>();
  readonly #simple = new Map<string, SimplePlan>();
  readonly #roots = new Map<string, RootPlan>();

  constructor(namespaces: ReadonlyMap<string, Family>, layers: readonly Layer[]) {
    this.namespaces = namespaces;
    this.#layers = layers;
  }

  /** The plan of a root element, or undefined when the schema has none of that name. */
  root(family: Family, name: string): RootPlan | undefined {
    const key = elementKey(family, name);
    const made = this.#roots.get(key);
    if (made !== undefined) return made;
    const layer = this.#layers.find((item) => item.family === family);
    const roots = family === 'sep' ? undefined : layer?.table.roots;
    const typeName = roots === undefined ? name : own(roots, name);
    const known = typeName !== undefined && (family !== 'sep' || own(schemaTable.types, typeName) !== undefined);
    const plan = known ? { name, family, type: this.#typeOf(typeName, family) } : undefined;
    // Only known names are kept: a peer may not fill the memory with others.
    if (plan !== undefined) this.#roots.set(key, plan);
    return plan;
  }

  /** Every root element of the schema. */
  *roots(): Generator<RootPlan> {
    for (const layer of this.#layers) {
      for (const name of Object.keys(layer.family === 'sep' ? layer.table.types : layer.table.roots)) {
        const plan = this.root(layer.family, name);
        if (plan !== undefined) yield plan;
      }
    }
  }

  /** The plan of a named type (for `xsi:type`), or undefined. */
  type(family: Family, name: string): TypePlan | undefined {
    const layer = this.#layers.find((item) => item.family === family);
    if (layer !== undefined && own(layer.table.types, name) !== undefined) return this.#typeOf(name, family);
    return family === 'sep' && own(schemaTable.simple, name) !== undefined ? this.#typeOf(name, family) : undefined;
  }

  /** Whether `plan` is `base` or derived from it. */
  derives(plan: TypePlan, base: TypePlan): boolean {
    for (let name: string | undefined = plan.name; name !== undefined; name = this.#baseOf(name)) {
      if (name === base.name) return true;
    }
    return false;
  }

  #baseOf(name: string): string | undefined {
    const notation = this.#notation(name)?.notation;
    if (notation === undefined) return undefined;
    const base = notation.startsWith('=') ? notation.slice(1) : notation.split('|', 1)[0];
    return base === undefined || base === '' ? undefined : this.#key(base, this.#notation(name)?.layer.family ?? 'sep');
  }

  /** A type of a layer hides the base schema's type of the same name for that layer. */
  #key(name: string, family: Family): string {
    const layer = this.#layers.find((item) => item.family === family);
    return family !== 'sep' && layer !== undefined && own(layer.table.types, name) !== undefined
      ? elementKey(family, name)
      : name;
  }

  #notation(key: string): { notation: string; layer: Layer } | undefined {
    for (const layer of this.#layers) {
      const prefix = layer.family === 'sep' ? '' : `${layer.family}:`;
      if (!key.startsWith(prefix)) continue;
      const notation = own(layer.table.types, key.slice(prefix.length));
      if (notation !== undefined) return { notation, layer };
    }
    return undefined;
  }

  #typeOf(name: string, family: Family): TypePlan {
    const key = this.#key(name, family);
    let plan = this.#types.get(key);
    if (plan === undefined) {
      plan = this.#compile(key);
      this.#types.set(key, plan);
    }
    return plan;
  }

  #compile(key: string): TypePlan {
    const found = this.#notation(key);
    if (found === undefined) {
      return { name: key, simple: this.#simpleOf(key), elements: [], index: new Map(), ...noAttributes };
    }
    const { notation, layer } = found;
    if (notation.startsWith('=')) {
      const base = this.#typeOf(notation.slice(1), layer.family);
      return { name: key, simple: base.simple, elements: [], index: new Map(), ...noAttributes };
    }
    const [base = '', elements = '', attributes = ''] = notation.split('|');
    const parent = base === '' ? undefined : this.#typeOf(base, layer.family);
    const allElements = [...(parent?.elements ?? []), ...this.#elements(elements, layer, false)];
    const allAttributes = [...(parent?.attributes ?? []), ...this.#attributes(attributes)];
    for (const addition of this.#layers) {
      const text = layer.family === 'sep' ? own(addition.table.additions, key) : undefined;
      if (text === undefined) continue;
      const [, more = '', moreAttributes = ''] = text.split('|');
      allElements.push(...this.#elements(more, addition, addition.optional));
      allAttributes.push(...this.#attributes(moreAttributes));
    }
    const index = new Map(allElements.map((item, at) => [elementKey(item.family, item.name), at] as const));
    const hasRequiredAttributes = allAttributes.some(({ required }) => required);
    return {
      name: key,
      simple: undefined,
      elements: allElements,
      index,
      attributes: allAttributes,
      hasRequiredAttributes,
    };
  }

  #elements(text: string, layer: Layer, optional: boolean): ElementPlan[] {
    return words(text).map((word) => {
      const [, mark, name = '', occurrence, low, high, type] = element.exec(word) ?? [];
      const many = occurrence === '*' || occurrence === '+';
      const min = low === undefined ? Number(occurrence === undefined || occurrence === '+') : Number(low);
      return {
        name,
        family: mark === '@' ? layer.family : 'sep',
        min: optional ? 0 : min,
        max: high === undefined ? (many ? Number.POSITIVE_INFINITY : 1) : Number(high),
        type: this.#typeOf(type ?? name, layer.family),
        open: `<${name}>`,
        close: `</${name}>`,
      };
    });
  }

  #attributes(text: string): AttributePlan[] {
    return words(text).map((word) => {
      const [, name = '', optional, type = ''] = attribute.exec(word) ?? [];
      return { name, required: optional === '', simple: this.#simpleOf(type) };
    });
  }

  #simpleOf(name: string): SimplePlan {
    let plan = this.#simple.get(name);
    if (plan === undefined) {
      const notation = own(schemaTable.simple, name);
      if (notation === undefined) throw new TypeError(`The schema table has no type ${name}`);
      plan = simplePlan(name, notation);
      this.#simple.set(name, plan);
    }
    return plan;
  }
}

const noAttributes = { attributes: [], hasRequiredAttributes: false } as const;
const words = (text: string): string[] => (text === '' ? [] : text.split(' '));
const own = (table: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const sep: readonly (readonly [string, Family])[] = [
  [namespace2018, 'sep'],
  [namespace2013, 'sep'],
];
const schemas = new Map<ProfileName, Schema>();

/** The schema of a profile; made once. */
export function schemaOf(profile: ProfileName): Schema {
  let schema = schemas.get(profile);
  if (schema === undefined) {
    schema = makeSchema(profile);
    schemas.set(profile, schema);
  }
  return schema;
}

function makeSchema(profile: ProfileName): Schema {
  switch (profile) {
    case 'ieee-2018':
      return new Schema(new Map(sep), [baseLayer]);
    case 'csip-aus-1.2':
      return new Schema(new Map([...sep, [namespaceCsipAus12, 'aus']]), [baseLayer, ausLayer(profile, false)]);
    case 'csip-aus-1.3':
      return new Schema(new Map([...sep, [namespaceCsipAus13, 'aus']]), [baseLayer, ausLayer(profile, false)]);
    case 'any':
    default:
      return new Schema(
        new Map([...sep, [namespaceCsipAus13, 'aus'], [namespaceCsipAus12, 'aus'], [namespaceExtension, 'gtx']]),
        // Version 1.3 of CSIP-AUS has every element of 1.2.
        [baseLayer, ausLayer('csip-aus-1.3', true), { family: 'gtx', table: extensionTable, optional: false }],
      );
  }
}
