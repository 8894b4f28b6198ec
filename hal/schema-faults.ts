import type { TSchema } from './schema.ts';

/** Where in a value: the keys and places from its root. */
export type ValuePath = readonly (string | number)[];

/** A rule of a schema that a value breaks. */
export interface SchemaFault {
  /** Of what breaks it; of a key that is missing or unknown, where it would be or is. */
  readonly path: ValuePath;
  readonly rule: Rule;
}

interface Rules {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Rules[];
  readonly properties?: Readonly<Record<string, Rules>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly patternProperties?: Readonly<Record<string, Rules>>;
  readonly items?: Rules | readonly Rules[];
  readonly additionalItems?: false;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}
type Rule = keyof Rules;

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  array: Array.isArray,
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  null: (value) => value === null,
  number: Number.isFinite,
  object: isMapping,
  string: (value) => typeof value === 'string',
};

/** Of the letters, not of the halves of those that UTF-16 writes in two. */
const lengthOf = (text: string): number => Array.from(text).length;

/** What each rule asks of the values that it is about; it lets all others pass (JSON Schema Validation 2020-12 §6). */
const ofNumber = (holds: (value: number, bound: number) => boolean) => (value: unknown, bound: unknown) =>
  typeof value !== 'number' || holds(value, bound as number);
const ofText = (holds: (value: string, bound: never) => boolean) => (value: unknown, bound: unknown) =>
  typeof value !== 'string' || holds(value, bound as never);
const ofList = (holds: (length: number, bound: number) => boolean) => (value: unknown, bound: unknown) =>
  !Array.isArray(value) || holds(value.length, bound as number);

const tests: Readonly<Partial<Record<Rule, (value: unknown, bound: unknown) => boolean>>> = {
  type: (value, type) => types[type as string]?.(value) === true,
  const: Object.is,
  enum: (value, values) => (values as readonly unknown[]).includes(value),
  minimum: ofNumber((value, bound) => value >= bound),
  exclusiveMinimum: ofNumber((value, bound) => value > bound),
  maximum: ofNumber((value, bound) => value <= bound),
  minLength: ofText((value, bound: number) => lengthOf(value) >= bound),
  maxLength: ofText((value, bound: number) => lengthOf(value) <= bound),
  pattern: ofText((value, pattern: string) => new RegExp(pattern, 'u').test(value)),
  minItems: ofList((length, bound) => length >= bound),
  maxItems: ofList((length, bound) => length <= bound),
};

/** What a schema may say that is no rule. */
const notes = new Set(['$schema', '$id', 'title', 'description', 'contentEncoding']);
const structure = new Set([
  'anyOf',
  'properties',
  'required',
  'additionalProperties',
  'patternProperties',
  'items',
  'additionalItems',
]);

/**
 * The rules of a JSON Schema (2020-12, as far as `schema.ts` builds it) that a value breaks; none when it holds. A
 * union is broken as a whole. Throws RangeError for a schema with a keyword that is not known here.
 */
export function schemaFaults(schema: TSchema, value: unknown): readonly SchemaFault[] {
  const found: SchemaFault[] = [];
  collect(schema, value, [], found);
  return found;
}

function collect(rules: Rules, value: unknown, path: ValuePath, found: SchemaFault[]): void {
  for (const [rule, bound] of Object.entries(rules)) {
    const holds = tests[rule as Rule];
    if (holds !== undefined) {
      if (!holds(value, bound)) found.push({ path, rule: rule as Rule });
    } else if (!notes.has(rule) && !structure.has(rule)) {
      throw new RangeError(`a schema has the keyword ${rule}, which nobody checks`);
    }
  }
  const { anyOf } = rules;
  if (anyOf !== undefined && anyOf.every((member) => schemaFaults(member as TSchema, value).length > 0)) {
    found.push({ path, rule: 'anyOf' });
  }
  if (isMapping(value)) collectOfMapping(rules, value, path, found);
  if (Array.isArray(value)) collectOfList(rules, value, path, found);
}

function collectOfMapping(rules: Rules, value: Mapping, path: ValuePath, found: SchemaFault[]): void {
  const { required = [], properties = {}, patternProperties = {}, additionalProperties } = rules;
  for (const key of required) if (!Object.hasOwn(value, key)) found.push({ path: [...path, key], rule: 'required' });
  const patterns = Object.entries(patternProperties).map(
    ([pattern, each]) => [new RegExp(pattern, 'u'), each] as const,
  );
  for (const [key, each] of Object.entries(value)) {
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const all = [...(own ? [own] : []), ...patterns.flatMap(([pattern, of]) => (pattern.test(key) ? [of] : []))];
    for (const one of all) collect(one, each, [...path, key], found);
    if (all.length === 0 && additionalProperties === false) {
      found.push({ path: [...path, key], rule: 'additionalProperties' });
    }
  }
}

function collectOfList(
  { items, additionalItems }: Rules,
  value: readonly unknown[],
  path: ValuePath,
  found: SchemaFault[],
): void {
  const places = isTuple(items) ? items : undefined;
  for (const [at, each] of value.entries()) {
    const of = places === undefined ? (items as Rules | undefined) : places[at];
    if (of !== undefined) collect(of, each, [...path, at], found);
    else if (places !== undefined && additionalItems === false) {
      found.push({ path: [...path, at], rule: 'additionalItems' });
    }
  }
}

const isTuple = (items: Rules['items']): items is readonly Rules[] => Array.isArray(items);
