import { GridError } from '#hal/errors.ts';
import type { ProfileName } from './namespaces.ts';
import type { ElementPlan, RootPlan, TypePlan } from './plans.ts';
import { type Schema, schemaOf } from './schema.ts';
import { readSimple, type SimplePlan } from './simple.ts';
import type { Roots, RootName } from './types.generated.ts';
import { XmlFault } from './xml-fault.ts';
import { isXmlText } from './xml-text.ts';

/** What `JSON.parse` gives. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: Json;
}

export interface JsonOptions {
  /** The schema to hold the document against. Default `any`. */
  readonly profile?: ProfileName;
}

/** As `parseDocument`: no schema nests deeper than 10, but a Notification may hold a Notification. */
const maxDepth = 32;
const maxShown = 40;

/**
 * A document as JSON, its members in the schema's order: attributes and elements by their names, hexBinary as upper
 * case digits, Int64 and UInt64 as a number where it is exact and as a string where not, `xsiType` where a type is
 * told by xsi:type. Throws `GTX-JSN-001` when there is no document of this name.
 */
export function toJson<N extends RootName>(name: N, document: Roots[N], options: JsonOptions = {}): Json {
  const schema = schemaOf(options.profile ?? 'any');
  return jsonOf(schema, rootOf(schema, name).type, document);
}

/**
 * The document that a JSON text carries, in the form of `toJson`; unknown members are errors. Throws a GridError that
 * tells the place as a JSON pointer: `GTX-JSN-001` no document of this name, `-002` wrong JSON type, `-003` an unknown
 * member, `-004` a missing one, `-005` a malformed value, `-006` a value out of range, too long, or too many of them,
 * `-007` an xsiType that cannot stand there, `-008` nested too deep.
 */
export function fromJson<N extends RootName>(name: N, json: unknown, options: JsonOptions = {}): Roots[N] {
  const schema = schemaOf(options.profile ?? 'any');
  return valueOf(schema, rootOf(schema, name).type, json, '', 1) as Roots[N];
}

function rootOf(schema: Schema, name: string): RootPlan {
  const root = schema.rootOf(name);
  if (root === undefined) throw new GridError('GTX-JSN-001', `There is no document ${name}`, { kind: 'input' });
  return root;
}

function jsonOf(schema: Schema, declared: TypePlan, value: unknown): Json {
  if (declared.simple !== undefined) return simpleJson(value);
  const members = value as Readonly<Record<string, unknown>>;
  const json: Record<string, Json> = {};
  const xsiType = members['xsiType'] as string | undefined;
  if (xsiType !== undefined) json['xsiType'] = xsiType;
  const plan = xsiType === undefined ? declared : (schema.type('sep', xsiType) ?? declared);
  for (const { name } of plan.attributes) {
    if (members[name] !== undefined) json[name] = simpleJson(members[name]);
  }
  for (const item of plan.elements) {
    const content = members[item.name];
    if (content === undefined) continue;
    json[item.name] =
      item.max === 1
        ? jsonOf(schema, item.type, content)
        : (content as readonly unknown[]).map((one) => jsonOf(schema, item.type, one));
  }
  return json;
}

function simpleJson(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (typeof value !== 'bigint') return value as Json;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function valueOf(schema: Schema, declared: TypePlan, json: unknown, pointer: string, depth: number): unknown {
  if (declared.simple !== undefined) return simpleValue(declared.simple, json, pointer);
  if (depth > maxDepth) throw fault('GTX-JSN-008', pointer, `objects are nested deeper than ${maxDepth}`);
  if (!isObject(json)) throw wrongType(pointer, 'an object', json);
  const plan = instanceType(schema, declared, json, pointer);
  const value: Record<string, unknown> = plan === declared ? {} : { xsiType: plan.name };
  const known = new Set(['xsiType']);
  for (const { name, required, simple } of plan.attributes) {
    known.add(name);
    if (Object.hasOwn(json, name)) value[name] = simpleValue(simple, json[name], `${pointer}/${name}`);
    else if (required) throw fault('GTX-JSN-004', pointer, `${name} is missing`);
  }
  for (const item of plan.elements) {
    const { name, min } = item;
    known.add(name);
    if (Object.hasOwn(json, name)) {
      const content = elementValue(schema, item, json[name], `${pointer}/${name}`, depth);
      if (content !== undefined) value[name] = content;
    } else if (min > 0) throw fault('GTX-JSN-004', pointer, `${name} is missing`);
  }
  for (const name of Object.keys(json)) {
    if (!known.has(name)) {
      throw fault('GTX-JSN-003', `${pointer}/${escaped(name)}`, `${plan.name} has no such member`);
    }
  }
  return value;
}

function elementValue(schema: Schema, item: ElementPlan, json: unknown, pointer: string, depth: number): unknown {
  const { type, min, max } = item;
  if (max === 1) return valueOf(schema, type, json, pointer, depth + 1);
  if (!Array.isArray(json)) throw wrongType(pointer, 'an array', json);
  if (json.length < min || json.length > max) {
    throw fault('GTX-JSN-006', pointer, `there are ${json.length}, allowed are ${min} to ${max}`);
  }
  // XML cannot tell an empty array from none.
  if (json.length === 0) return undefined;
  return json.map((one: unknown, i) => valueOf(schema, type, one, `${pointer}/${i}`, depth + 1));
}

function instanceType(schema: Schema, declared: TypePlan, json: JsonObject, pointer: string): TypePlan {
  const xsiType = Object.hasOwn(json, 'xsiType') ? json['xsiType'] : declared.name;
  if (xsiType === declared.name) return declared;
  const plan = typeof xsiType === 'string' ? schema.type('sep', xsiType) : undefined;
  if (plan === undefined || !schema.derives(plan, declared)) {
    throw fault('GTX-JSN-007', `${pointer}/xsiType`, `this is not ${declared.name} or a type derived from it`);
  }
  return plan;
}

function simpleValue(plan: SimplePlan, json: unknown, pointer: string): unknown {
  const text = lexical(plan, json, pointer);
  if (plan.kind !== 'string' && /\s/.test(text)) throw fault('GTX-JSN-005', pointer, 'blanks may not stand here');
  if (!isXmlText(text)) throw fault('GTX-JSN-005', pointer, 'a character cannot stand in XML');
  try {
    return readSimple(plan, text, 0, text.length);
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    throw fault(error.code === 'GTX-XML-020' ? 'GTX-JSN-005' : 'GTX-JSN-006', pointer, error.message);
  }
}

/** A value as XML would have it; the range and the form are the XML reader's to check. */
function lexical(plan: SimplePlan, json: unknown, pointer: string): string {
  switch (plan.kind) {
    case 'integer':
      if (typeof json !== 'number') throw wrongType(pointer, 'an integer', json);
      return String(json);
    case 'long':
      if (typeof json === 'string') return json;
      if (typeof json !== 'number') throw wrongType(pointer, 'an integer, or a string of digits', json);
      if (Number.isInteger(json) && !Number.isSafeInteger(json)) {
        throw fault('GTX-JSN-005', pointer, 'beyond 2^53 an integer stands as a string of digits');
      }
      return String(json);
    case 'boolean':
      if (typeof json !== 'boolean') throw wrongType(pointer, 'true or false', json);
      return String(json);
    case 'hexBinary':
    case 'anyURI':
    case 'string':
    default:
      if (typeof json !== 'string') throw wrongType(pointer, 'a string', json);
      return json;
  }
}

const isObject = (json: unknown): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** RFC 6901 §3; a long name of a peer's is cut. */
const escaped = (name: string): string => name.slice(0, maxShown).replaceAll('~', '~0').replaceAll('/', '~1');

const nameOf = (json: unknown): string => {
  if (json === null) return 'null';
  return Array.isArray(json) ? 'an array' : `of type ${typeof json}`;
};
const wrongType = (pointer: string, expected: string, json: unknown): GridError =>
  fault('GTX-JSN-002', pointer, `this must be ${expected}, and is ${nameOf(json)}`);

const fault = (code: GridError['code'], pointer: string, what: string): GridError =>
  new GridError(code, `${pointer === '' ? 'The document' : pointer}: ${what}`, {
    hint: 'Compare the document with its JSON schema: members, types, ranges, lengths; the place is a JSON pointer.',
    kind: 'input',
  });
