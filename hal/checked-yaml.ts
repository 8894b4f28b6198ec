import { createRequire } from 'node:module';
import type { LineCounter, Node } from 'yaml';
import { GridError, type GridErrorCode, reasonOf } from './errors.ts';
import { plainYaml } from './plain-yaml.ts';
import { schemaFaults, type ValuePath } from './schema-faults.ts';
import type { Static, TSchema } from './schema.ts';

export interface YamlFaultCodes {
  /** The text is not YAML. */
  readonly unreadable: GridErrorCode;
  /** It is YAML, but not what the schema asks for. */
  readonly invalid: GridErrorCode;
  readonly hint: string;
}

export interface CheckedYaml<T> {
  readonly value: T;
  /** The error to throw for a rule that a schema cannot state, with the file and the line of `path`. */
  readonly fault: (path: ValuePath, text: string) => GridError;
}

/** What `describe` reads of a JSON Schema. */
interface Described {
  readonly type?: string;
  readonly const?: unknown;
  /** What is expected, in a person's words; takes the place of the words made from the rules. */
  readonly title?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Described>>;
  /** Of a mapping with names of the user's own: one pattern for all. */
  readonly patternProperties?: Readonly<Record<string, Described>>;
  readonly items?: Described | readonly Described[];
  readonly anyOf?: readonly Described[];
}

interface Fault {
  readonly path: ValuePath;
  readonly text: string;
  readonly line: number;
}

/**
 * Parses the YAML `text` of `file` and checks it against `schema`. A fault is reported as
 * `FILE:LINE key.subkey: expected …, found …`, the first one in the order of the file.
 * @throws GridError with one of `codes`, kind `input`.
 */
export function parseCheckedYaml<S extends TSchema>(
  file: string,
  text: string,
  schema: S,
  codes: YamlFaultCodes,
): CheckedYaml<Static<S>> {
  const plain = plainYaml(text);
  if (plain === undefined || schemaFaults(schema, plain.value).length > 0) return readWhole(file, text, schema, codes);
  return {
    value: plain.value as Static<S>,
    fault: (path, faultText) => readWhole(file, text, schema, codes).fault(path, faultText),
  };
}

/** A tenth of a board's memory, which is spent on a file only where it has a fault, or something that is not plain. */
const wholeYaml = (): typeof import('yaml') => createRequire(import.meta.url)('yaml') as typeof import('yaml');

/** By a reader of all of YAML, which knows the lines. */
function readWhole<S extends TSchema>(
  file: string,
  text: string,
  schema: S,
  codes: YamlFaultCodes,
): CheckedYaml<Static<S>> {
  const { LineCounter: Counter, parseDocument } = wholeYaml();
  const counter = new Counter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken !== undefined) {
    const { line } = counter.linePos(broken.pos[0]);
    throw inputError(codes.unreadable, `${file}:${line} is not valid YAML: ${broken.message}`, codes.hint);
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    throw inputError(codes.unreadable, `${file}:1 is not valid YAML: ${reasonOf(error)}`, codes.hint);
  }
  const root = document.contents;
  const lineOf = (path: ValuePath): number => lineAt(root, path, counter);
  const isSound = schemaFaults(schema, value).length === 0;
  const faults = (isSound ? [] : faultsOf(narrowed(schema, value), value)).map((fault) => ({
    ...fault,
    line: lineOf(fault.path),
  }));
  const first = faults.toSorted((a, b) => a.line - b.line)[0];
  const say = (fault: Fault): GridError =>
    inputError(codes.invalid, `${file}:${fault.line} ${nameOf(fault.path)}: ${fault.text}`, codes.hint);
  if (first !== undefined) throw say(first);
  return {
    value: value as Static<S>,
    fault: (path, faultText) => say({ path, text: faultText, line: lineOf(path) }),
  };
}

const inputError = (code: GridErrorCode, message: string, hint: string): GridError =>
  new GridError(code, message, { kind: 'input', hint });

function faultsOf(schema: TSchema, value: unknown): Omit<Fault, 'line'>[] {
  const faults = new Map<string, Omit<Fault, 'line'>>();
  const add = (path: ValuePath, text: string): void => {
    const key = JSON.stringify(path);
    if (!faults.has(key)) faults.set(key, { path, text });
  };
  for (const { path, rule } of schemaFaults(schema, value)) {
    if (rule === 'additionalProperties') {
      const known = Object.keys(subschema(schema, path.slice(0, -1)).properties ?? {}).join(', ');
      add(path, `unknown key, expected one of ${known}`);
    } else if (rule === 'required') add(path, `missing, expected ${describe(subschema(schema, path))}`);
    else add(path, `expected ${describe(subschema(schema, path))}, found ${show(valueAt(value, path))}`);
  }
  return [...faults.values()];
}

/**
 * The schema with every union of mappings in it replaced by the member that the value means, so that a fault is told
 * by what is expected there and not by the whole union.
 */
function narrowed(schema: Described, value: unknown): Described {
  const at = schema.anyOf === undefined ? schema : memberOf(schema, schema.anyOf, value);
  if (Array.isArray(value) && at.items !== undefined) {
    return { ...at, items: value.map((each, place) => narrowed(itemOf(at, place) ?? {}, each)) };
  }
  if (!isMapping(value)) return at;
  if (at.properties !== undefined) {
    const properties = Object.entries(at.properties).map(([key, inner]) => [key, narrowed(inner, value[key])]);
    return { ...at, properties: Object.fromEntries(properties) as NonNullable<Described['properties']> };
  }
  const { patternProperties, ...rest } = at;
  if (patternProperties === undefined) return at;
  const [inner] = Object.values(patternProperties);
  // Each of them may be another member.
  const named = Object.entries(value).map(([key, each]) => [key, narrowed(inner ?? {}, each)]);
  return { ...rest, properties: Object.fromEntries(named) as NonNullable<Described['properties']> };
}

/** Mappings of a union are told apart by a key with one value (`driver: emontx`), or by their first key. */
function memberOf(union: Described, members: readonly Described[], value: unknown): Described {
  const mappings = members.filter(({ properties }) => properties !== undefined);
  if (!isMapping(value) || mappings.length === 0) return union;
  const told = mappings.find(({ properties = {} }) => {
    const constants = Object.entries(properties).filter(([, inner]) => inner.const !== undefined);
    if (constants.length > 0) return constants.every(([key, inner]) => inner.const === value[key]);
    const [first] = Object.keys(properties);
    return first !== undefined && first in value;
  });
  if (told !== undefined) return told;
  const [mark] = Object.entries(mappings[0]?.properties ?? {}).find(([, inner]) => inner.const !== undefined) ?? [];
  if (mark === undefined) {
    const keys = mappings.map(({ properties = {} }) => Object.keys(properties)[0]);
    // Nothing that the mapping holds can be said to be wrong; the mapping itself is.
    return { type: 'string', title: union.title ?? `a mapping with one of ${keys.join(', ')}` };
  }
  const marks = mappings.map(({ properties = {} }) => properties[mark]?.const);
  return { type: 'object', required: [mark], properties: { [mark]: { enum: marks } } };
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function subschema(schema: Described, path: ValuePath): Described {
  let at = schema;
  for (const part of path) at = at.properties?.[part] ?? itemOf(at, part) ?? {};
  return at;
}

/** Of a list with a rule for each place, the one of this place. */
const itemOf = ({ items }: Described, part: string | number): Described | undefined =>
  isList(items) ? items[Number(part)] : items;

const isList = (items: Described['items']): items is readonly Described[] => Array.isArray(items);

function valueAt(value: unknown, path: ValuePath): unknown {
  let at = value;
  for (const part of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined;
  return at;
}

function describe(schema: Described): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(describe).join(' or ');
  const { minimum, exclusiveMinimum, maximum } = schema;
  const above = exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`;
  const low = minimum === undefined ? above : ` from ${minimum}`;
  const high = maximum === undefined ? '' : ` to ${maximum}`;
  if (schema.type === 'integer') return `an integer${low}${high}`;
  if (schema.type === 'number') return `a number${low}${high}`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'array') return 'a list';
  if (schema.type === 'object') return `a mapping with ${Object.keys(schema.properties ?? {}).join(', ')}`;
  return 'a text';
}

function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

const nameOf = (path: ValuePath): string => {
  if (path.length === 0) return 'the file';
  return path.reduce<string>((name, part) => {
    if (/^\d+$/.test(String(part))) return `${name}[${part}]`;
    return name === '' ? String(part) : `${name}.${part}`;
  }, '');
};

/** The line of the key (or list item) at `path`, or of the nearest thing around it that the file has. */
function lineAt(root: Node | null, path: ValuePath, counter: LineCounter): number {
  const { isMap, isNode, isScalar } = wholeYaml();
  let node: unknown = root;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      const items: readonly unknown[] = isNode(node) && 'items' in node ? (node.items as readonly unknown[]) : [];
      const item = items[Number(part)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    }
  }
  return counter.linePos(offset).line;
}
