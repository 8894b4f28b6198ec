import { formOf2013 } from './edition-2013.ts';
import { type Merged, mergeElements } from './edition-merge.ts';
import { extensionTable } from './ext/table.ts';
import {
  namespace2013,
  namespace2018,
  namespaceCsipAus12,
  namespaceCsipAus13,
  namespaceExtension,
  type Edition,
  type ProfileName,
} from './namespaces.ts';
import { schemaTable } from './schema-table.generated.ts';
import type { ProfileTable } from './schema-table.ts';
import {
  type AttributePlan,
  type ElementPlan,
  elementKey,
  type Family,
  nextRequired,
  type RootPlan,
  type TypePlan,
  withoutMembers,
} from './plans.ts';
import { type SimplePlan, simplePlan } from './simple.ts';

export type { TypePlan };

const element = /^(@?)(\w+)([?*+]|\{(\d+),(\d+)\})?(?::(\w+))?$/;
const attribute = /^(\w+)(\??):(\w+)$/;

interface Layer {
  readonly family: Family;
  readonly table: ProfileTable;
  /** Nothing that the layer adds to base types is required. */
  readonly optional: boolean;
}

const words = (text: string): string[] => (text === '' ? [] : text.split(' '));

/** An edition of the base schema; `either` reads documents of 2013 that hold elements of 2018. */
export type SchemaEdition = Edition | 'either';

const types2018: Readonly<Record<string, string>> = schemaTable.types;
const types2013: Readonly<Record<string, string>> = typesOf2013();

function typesOf2013(): Readonly<Record<string, string>> {
  const { types, without } = schemaTable.editions['2013'];
  const lacking = new Set(words(without));
  return Object.fromEntries(Object.entries({ ...types2018, ...types }).filter(([name]) => !lacking.has(name)));
}

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
  readonly #edition: SchemaEdition;
  readonly #types = new Map<string, TypePlan>();
  readonly #simple = new Map<string, SimplePlan>();
  readonly #roots = new Map<string, RootPlan>();

  constructor(namespaces: ReadonlyMap<string, Family>, profiles: readonly Layer[], edition: SchemaEdition) {
    const types = edition === '2013' ? types2013 : types2018;
    this.namespaces = namespaces;
    this.#layers = [{ family: 'sep', table: { types, roots: {}, additions: {} }, optional: false }, ...profiles];
    this.#edition = edition;
  }

  /** The plan of a root element, or undefined when the schema has none of that name. */
  root(family: Family, name: string): RootPlan | undefined {
    const key = elementKey(family, name);
    const made = this.#roots.get(key);
    if (made !== undefined) return made;
    const layer = this.#layers.find((item) => item.family === family);
    const roots = family === 'sep' ? undefined : layer?.table.roots;
    const typeName = roots === undefined ? name : ownOf(roots, name);
    const known =
      typeName !== undefined && (family !== 'sep' || ownOf(layer?.table.types ?? {}, typeName) !== undefined);
    const plan = known ? { name, family, type: this.#typeOf(typeName, family) } : undefined;
    // Only known names are kept: a peer may not fill the memory with others.
    if (plan !== undefined) this.#roots.set(key, plan);
    return plan;
  }

  /** The plan of a root element by its local name, whatever its family: no two families share one. */
  rootOf(name: string): RootPlan | undefined {
    for (const { family } of this.#layers) {
      const plan = this.root(family, name);
      if (plan !== undefined) return plan;
    }
    return undefined;
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
    if (layer !== undefined && ownOf(layer.table.types, name) !== undefined) return this.#typeOf(name, family);
    return family === 'sep' && ownOf(schemaTable.simple, name) !== undefined ? this.#typeOf(name, family) : undefined;
  }

  /** Whether `plan` is `base` or derived from it. */
  derives(plan: TypePlan, base: TypePlan): boolean {
    for (const name of this.#lineage(plan.name)) if (name === base.name) return true;
    return false;
  }

  /** The types that may stand where `base` is declared, told by xsi:type. */
  *derivedFrom(base: TypePlan): Generator<TypePlan> {
    if (base.simple !== undefined) return;
    for (const name of Object.keys(this.#layers[0]?.table.types ?? {})) {
      const plan = this.#typeOf(name, 'sep');
      if (plan !== base && plan.simple === undefined && this.derives(plan, base)) yield plan;
    }
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
    return family !== 'sep' && layer !== undefined && ownOf(layer.table.types, name) !== undefined
      ? elementKey(family, name)
      : name;
  }

  #notation(key: string): { notation: string; layer: Layer } | undefined {
    for (const layer of this.#layers) {
      const prefix = layer.family === 'sep' ? '' : `${layer.family}:`;
      if (!key.startsWith(prefix)) continue;
      const notation = ownOf(layer.table.types, key.slice(prefix.length));
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
    if (found === undefined) return { name: key, simple: this.#simpleOf(key), ...withoutMembers };
    const { notation, layer } = found;
    if (notation.startsWith('=')) {
      return { name: key, simple: this.#typeOf(notation.slice(1), layer.family).simple, ...withoutMembers };
    }
    const [base = '', elements = '', attributes = ''] = notation.split('|');
    const parent = base === '' ? undefined : this.#typeOf(base, layer.family);
    const own = this.#ofEdition(key, this.#elements(elements, layer, false));
    const allElements = [...(parent?.elements ?? []), ...own.elements];
    const allAttributes = [...(parent?.attributes ?? []), ...this.#attributes(attributes)];
    for (const addition of this.#layers) {
      const text = layer.family === 'sep' ? ownOf(addition.table.additions, key) : undefined;
      if (text === undefined) continue;
      const [, more = '', moreAttributes = ''] = text.split('|');
      allElements.push(...this.#elements(more, addition, addition.optional));
      allAttributes.push(...this.#attributes(moreAttributes));
    }
    return {
      name: key,
      simple: undefined,
      elements: allElements,
      index: new Map(allElements.map((item, at) => [elementKey(item.family, item.name), at] as const)),
      members: new Map([
        ...allElements.map(({ name }, at) => [name, at] as const),
        ...allAttributes.map(({ name }, at) => [name, -1 - at] as const),
      ]),
      nextRequired: nextRequired(allElements),
      attributes: allAttributes,
      hasRequiredAttributes: allAttributes.some(({ required }) => required),
      form: this.#edition === '2018' ? undefined : formOf2013([...this.#lineage(key)], own.onlyNewer),
      requiredLater: [...(parent?.requiredLater ?? []), ...own.requiredLater],
    };
  }

  /** A type's own elements as this schema's edition has them. */
  #ofEdition(key: string, elements: ElementPlan[]): OwnElements {
    const older = this.#edition === 'either' ? ownOf(schemaTable.editions['2013'].types, key) : undefined;
    const layer = this.#layers[0];
    if (older === undefined || layer === undefined) return { elements, onlyNewer: new Set(), requiredLater: [] };
    const merged = mergeElements(this.#elements(older.split('|')[1] ?? '', layer, false), elements);
    const isRequired = ({ name, min }: ElementPlan): boolean => min > 0 && merged.onlyNewer.has(name);
    return { ...merged, requiredLater: elements.filter(isRequired).map(({ name }) => name) };
  }

  *#lineage(key: string): Generator<string> {
    for (let name: string | undefined = key; name !== undefined; name = this.#baseOf(name)) yield name;
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
        ending: Buffer.from(`${name}>`),
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
      const notation = ownOf(schemaTable.simple, name);
      if (notation === undefined) throw new TypeError(`The schema table has no type ${name}`);
      plan = simplePlan(name, notation);
      this.#simple.set(name, plan);
    }
    return plan;
  }
}

interface OwnElements extends Merged {
  readonly requiredLater: readonly string[];
}

const ownOf = (table: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const sep: readonly (readonly [string, Family])[] = [
  [namespace2018, 'sep'],
  [namespace2013, 'sep'],
];
const schemas = new Map<string, Schema>();

/** The schema of a profile upon an edition of the base schema; made once. */
export function schemaOf(profile: ProfileName, edition: SchemaEdition = '2018'): Schema {
  const key = edition === '2018' ? profile : `${profile} ${edition}`;
  let schema = schemas.get(key);
  if (schema === undefined) {
    schema = makeSchema(profile, edition);
    schemas.set(key, schema);
  }
  return schema;
}

function makeSchema(profile: ProfileName, edition: SchemaEdition): Schema {
  switch (profile) {
    case 'ieee-2018':
      return new Schema(new Map(sep), [], edition);
    case 'csip-aus-1.2':
      return new Schema(new Map([...sep, [namespaceCsipAus12, 'aus']]), [ausLayer(profile, false)], edition);
    case 'csip-aus-1.3':
      return new Schema(new Map([...sep, [namespaceCsipAus13, 'aus']]), [ausLayer(profile, false)], edition);
    case 'any':
    default:
      return new Schema(
        new Map([...sep, [namespaceCsipAus13, 'aus'], [namespaceCsipAus12, 'aus'], [namespaceExtension, 'gtx']]),
        // Version 1.3 of CSIP-AUS has every element of 1.2.
        [ausLayer('csip-aus-1.3', true), { family: 'gtx', table: extensionTable, optional: false }],
        edition,
      );
  }
}
